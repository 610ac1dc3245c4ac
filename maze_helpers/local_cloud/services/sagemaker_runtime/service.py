"""The SageMaker runtime's front: which operation a request means, and what it answers."""

from __future__ import annotations

import logging
import uuid
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from maze_helpers.local_cloud.auth import SignedRequest
from maze_helpers.local_cloud.auth_errors import RequestTooLarge
from maze_helpers.local_cloud.errors import AWSError, InternalFailure
from maze_helpers.local_cloud.protocol import ServiceProtocol
from maze_helpers.local_cloud.services.sagemaker_runtime.invocation import (
    OPERATION,
    SERVICE,
    Invocation,
    means_invocation,
    read_invocation,
)
from maze_helpers.local_cloud.services.sagemaker_runtime.invoke_endpoint import (
    REAL_TIME_PAYLOAD_BYTES,
    InvokeEndpoint,
)
from maze_helpers.local_cloud.services.sagemaker_runtime.invoke_endpoint_async import (
    InvokeEndpointAsync,
)

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

log = logging.getLogger(__name__)


class SageMakerRuntime:
    """Answers the SageMaker runtime's operations, InvokeEndpoint without any thread."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self.protocol = ServiceProtocol(SERVICE)
        self.operations = InvokeEndpointAsync(cloud).operations
        self._invoke_endpoint = InvokeEndpoint(cloud)

    def answers(self, signed: SignedRequest) -> bool:
        """Return whether a request is InvokeEndpoint's."""
        return signed.service == "sagemaker" and means_invocation(signed.head)

    async def answer(self, request: Request, signed: SignedRequest) -> Response:
        """Return the response to InvokeEndpoint from a sender who is known."""
        request_id = str(uuid.uuid4())
        try:
            body = await signed.read_body(request, REAL_TIME_PAYLOAD_BYTES)
            invocation = read_invocation(signed.head)
            await self._authorise(request, signed, invocation)
            return await self._invoke_endpoint.answer(invocation, body, request_id)
        except RequestTooLarge:
            # Not one of the service's own errors: what is in front of it says so, in plain text.
            text = f"HTTP content length exceeded {REAL_TIME_PAYLOAD_BYTES} bytes."
            response = PlainTextResponse(text, status_code=413)
        except AWSError as error:
            response = self.protocol.error(request, error)
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception:
            log.exception("%s failed on %s", SERVICE, request.url.path)
            failure = InternalFailure("The local cloud failed; see its server log.")
            response = self.protocol.error(request, failure)
        response.headers["x-amzn-RequestId"] = request_id
        return response

    async def _authorise(
        self, request: Request, signed: SignedRequest, invocation: Invocation
    ) -> None:
        """Raise AccessDeniedException unless the caller may invoke the endpoint."""
        if signed.caller.is_administrator:
            return
        arguments = (SERVICE, OPERATION, {"EndpointName": invocation.endpoint}, signed.caller)
        if self._cloud.authorization.is_quick(signed.caller):
            self._cloud.guard.check(*arguments, request)
        else:
            await run_in_threadpool(self._cloud.guard.check, *arguments, request)
