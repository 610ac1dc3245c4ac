"""InvokeEndpoint: from a request to a model server and back, on the event loop."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from starlette.responses import Response

from maze_helpers.local_cloud.engine.hosting.calls import (
    Call,
    CallFailed,
    NoCapacity,
    NotReached,
    Throttled,
    Unavailable,
    Variant,
    VariantReply,
)
from maze_helpers.local_cloud.errors import (
    ModelError,
    ServiceUnavailable,
    ThrottlingException,
    ValidationError,
)
from maze_helpers.local_cloud.services.sagemaker_runtime.invocation import Invocation, not_found
from maze_helpers.local_cloud.services.sagemaker_runtime.model_error import ModelErrors

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud
    from maze_helpers.local_cloud.engine.hosting.live_endpoint import LiveEndpoint

# Source: SageMaker guide, "Custom Inference Code with Hosting Services".
TIMEOUT_S = 60
# The guide's number; botocore's model still says 6 MB.
REAL_TIME_PAYLOAD_BYTES = 25 * 1024 * 1024
SERVERLESS_PAYLOAD_BYTES = 4 * 1024 * 1024
# A container's headers that its client gets.
RETURNED = ("content-type", "x-amzn-sagemaker-custom-attributes")


class InvokeEndpoint:
    """Has an endpoint's model answer requests."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._errors = ModelErrors(cloud.account_id, cloud.region)

    async def answer(self, invocation: Invocation, body: bytes, request_id: str) -> Response:
        """Return the model's answer as the client gets it.

        Raises: ValidationError, ModelError, ThrottlingException, ServiceUnavailable.
        """
        began_s = time.perf_counter()
        endpoint = self._find(invocation.endpoint)
        variant = self._choose(endpoint, invocation.target_variant)
        if variant.instance_count is None and len(body) > SERVERLESS_PAYLOAD_BYTES:
            raise ValidationError(f"Request {request_id} has oversize body.")
        call = Call(body, invocation.headers, TIMEOUT_S)
        try:
            answer = await variant.invoke(call)
        except NoCapacity as refusal:
            raise self._refused(endpoint, variant, refusal) from None
        except CallFailed as failure:
            raise self._failed(endpoint, variant, failure) from None
        total_us = (time.perf_counter() - began_s) * 1e6
        self._record(endpoint, variant, answer, total_us)
        response = self._response(endpoint, variant, answer, request_id)
        # A guess: that only what was answered well is captured.
        if endpoint.capture is not None:
            endpoint.capture.take(variant, call, answer.reply)
        return response

    def _find(self, name: str) -> LiveEndpoint:
        endpoint = self._cloud.hosting.live(name)
        if endpoint is None:
            raise not_found(name, self._cloud.account_id)
        if endpoint.async_inference is not None:
            # A guess: no source tells AWS's words.
            raise ValidationError(
                f"Endpoint {name} is an asynchronous endpoint. Invoke it with InvokeEndpointAsync."
            )
        return endpoint

    def _choose(self, endpoint: LiveEndpoint, target: str | None) -> Variant:
        if target is not None and target not in endpoint.variants:
            # A guess: no source tells AWS's words.
            raise ValidationError(f"Variant {target} not found for endpoint {endpoint.name}.")
        return endpoint.choose(target)

    def _refused(
        self, endpoint: LiveEndpoint, variant: Variant, refusal: NoCapacity
    ) -> ThrottlingException | ServiceUnavailable:
        """Return the error for a request that no server got."""
        error = (
            # Its message is null, and so clients show it.
            ThrottlingException(None)
            if isinstance(refusal, Throttled)
            else ServiceUnavailable(str(refusal))
        )
        # A guess: that such requests count, and as errors of their own status.
        self._count(endpoint, variant, error.status)
        return error

    def _failed(
        self, endpoint: LiveEndpoint, variant: Variant, failure: CallFailed
    ) -> ModelError | ServiceUnavailable:
        """Return the error for a request that got no answer."""
        if isinstance(failure, NotReached):
            return self._refused(endpoint, variant, Unavailable(str(failure)))
        error = self._errors.of_failure(endpoint.name, failure)
        self._count(endpoint, variant, error.fields["OriginalStatusCode"], InvocationModelErrors=1)
        return error

    def _record(
        self, endpoint: LiveEndpoint, variant: Variant, answer: VariantReply, total_us: float
    ) -> None:
        latency_us = answer.reply.model_latency_us
        measured = {"ModelLatency": latency_us, "OverheadLatency": total_us - latency_us}
        if answer.setup_us:
            measured["ModelSetupTime"] = answer.setup_us
        status = answer.reply.status
        is_error = not 200 <= status < 300
        self._count(endpoint, variant, status, InvocationModelErrors=is_error, **measured)

    def _count(
        self, endpoint: LiveEndpoint, variant: Variant, status: int, **measured: float
    ) -> None:
        """Record an invocation that ended with a status.

        Source: SageMaker guide, "Amazon SageMaker AI metrics in Amazon CloudWatch".
        """
        values = {
            "Invocations": 1,
            "Invocation4XXErrors": 400 <= status < 500,
            "Invocation5XXErrors": status >= 500,
            **measured,
        }
        if variant.instance_count is None:
            values.pop("InvocationModelErrors", None)
        else:
            values["InvocationsPerInstance"] = 1 / max(variant.instance_count, 1)
        self._cloud.invocation_metrics.record(endpoint.name, variant.name, values)

    def _response(
        self, endpoint: LiveEndpoint, variant: Variant, answer: VariantReply, request_id: str
    ) -> Response:
        reply = answer.reply
        if not 200 <= reply.status < 300:
            raise self._errors.of_reply(endpoint.name, answer.log_stream, reply)
        serverless = variant.instance_count is None
        limit_bytes = SERVERLESS_PAYLOAD_BYTES if serverless else REAL_TIME_PAYLOAD_BYTES
        if len(reply.body) > limit_bytes:
            raise self._errors.of_oversize(endpoint.name, answer.log_stream, limit_bytes)
        response = Response(reply.body)
        response.raw_headers += [
            (b"x-amzn-requestid", request_id.encode()),
            (b"x-amzn-invoked-production-variant", variant.name.encode()),
        ]
        for name in RETURNED:
            if name in reply.headers:
                response.raw_headers.append((name.encode(), reply.headers[name].encode("latin-1")))
        return response
