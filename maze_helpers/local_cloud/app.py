"""The ASGI application: authenticate, find the service, call its provider, serialise."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from maze_helpers.local_cloud import auth
from maze_helpers.local_cloud.access.guard import Guard
from maze_helpers.local_cloud.cloud import LocalCloud
from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.errors import AWSError, InternalFailure, UnknownOperation
from maze_helpers.local_cloud.protocol import ServiceProtocol
from maze_helpers.local_cloud.request_head import RequestHead
from maze_helpers.local_cloud.services.autoscaling import ApplicationAutoScaling
from maze_helpers.local_cloud.services.autoscaling_alarms import ScalingAlarms
from maze_helpers.local_cloud.services.cloudwatch import CloudWatch
from maze_helpers.local_cloud.services.delegated import Delegated
from maze_helpers.local_cloud.services.logs import Logs
from maze_helpers.local_cloud.services.s3.service import S3
from maze_helpers.local_cloud.services.sagemaker.service import SageMaker
from maze_helpers.local_cloud.services.sagemaker_runtime.service import SageMakerRuntime
from maze_helpers.local_cloud.services.service_quotas.service import ServiceQuotas
from maze_helpers.local_cloud.services.sts import STS

log = logging.getLogger(__name__)

Operation = Callable[[dict[str, Any], AccessKey], dict[str, Any]]

# The largest request of a service other than S3; AWS's own limits are all below it.
MAX_BODY_BYTES = 32 * 1024 * 1024


class LocalCloudApp:
    """Answers every AWS request that reaches the server."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.s3 = S3(cloud)
        self.runtime = SageMakerRuntime(cloud)
        cloudwatch = CloudWatch(cloud)
        cloudwatch.operations |= ScalingAlarms(cloud).operations
        # Keyed by the service's name in a signature's credential scope; the runtime has its own.
        providers = {
            "sts": STS(cloud, cloud.iam),
            "application-autoscaling": ApplicationAutoScaling(cloud),
            "logs": Logs(cloud),
            "monitoring": cloudwatch,
            "sagemaker": SageMaker(cloud),
            "sagemaker-runtime": self.runtime,
            "servicequotas": ServiceQuotas(cloud),
        }
        self.services: dict[str, Service | Delegated] = {
            signing_name: Service(provider.protocol, provider.operations, cloud.guard)
            for signing_name, provider in providers.items()
        }
        self.services["iam"] = cloud.iam

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        response = await self.answer(request)
        await response(scope, receive, send)

    async def answer(self, request: Request) -> Response:
        """Return the response to a request, whatever it is."""
        try:
            signed = auth.verify(request, self.cloud.credentials, self.cloud.clock.time_s())
            signed.check_region(self.cloud.region)
        except AWSError as error:
            return self.error(auth.claimed_service(request), request, error)
        if signed.service == "s3":
            return await self.s3.answer(request, signed)
        if self.runtime.answers(signed):
            return await self.runtime.answer(request, signed)
        service = self.services.get(_service_name(signed.service, request))
        if service is None:
            message = (
                f"The local cloud has no service '{signed.service}'. "
                f"It has: {', '.join(sorted([*self.services, 's3']))}."
            )
            return self.error(signed.service, request, UnknownOperation(message))
        try:
            body = await signed.read_body(request, MAX_BODY_BYTES)
            return await run_in_threadpool(service.call, request, body, signed.caller)
        except AWSError as error:
            return service.protocol.error(request, error)
        except Exception:
            log.exception("%s failed on %s %s", signed.service, request.method, request.url.path)
            failure = InternalFailure("The local cloud failed; see its server log.")
            return service.protocol.error(request, failure)

    def error(self, signing_name: str, request: Request, error: AWSError) -> Response:
        """Render an error in the protocol of the service that the request meant."""
        if signing_name == "s3":
            return self.s3.error(request, error)
        name = _service_name(signing_name, request)
        service = self.services.get(name, self.services["sagemaker"])
        return service.protocol.error(request, error)


def _service_name(signing_name: str, request: Request) -> str:
    """Return which service a request means. SageMaker and its runtime sign as the same."""
    if signing_name == "sagemaker" and auth.means_sagemaker_runtime(RequestHead.of(request)):
        return "sagemaker-runtime"
    return signing_name


class Service:
    """A service's protocol and the operations that its provider implements."""

    def __init__(
        self, protocol: ServiceProtocol, operations: Mapping[str, Operation], guard: Guard
    ) -> None:
        self.protocol = protocol
        self.operations = operations
        self.guard = guard

    def call(self, request: Request, body: bytes, caller: AccessKey) -> Response:
        """Parse, authorise, run and serialise one operation.

        Raises: AWSError, as AWS would answer; anything else is a fault of ours.
        """
        operation, parameters = self.protocol.parse(request, body, self.operations)
        self.guard.check(self.protocol.service_name, operation, parameters, caller, request)
        result = self.operations[operation](parameters, caller)
        return self.protocol.response(request, operation, result)
