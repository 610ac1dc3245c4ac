"""One request of an asynchronous endpoint: its input from S3, the model, its output to S3."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TYPE_CHECKING, TypeVar

from maze_helpers.local_cloud.engine.hosting.async_queue import AsyncRequest
from maze_helpers.local_cloud.engine.hosting.calls import (
    Call,
    CallFailed,
    NotReached,
    Reply,
    Variant,
)
from maze_helpers.local_cloud.engine.s3_uri import split_s3_uri
from maze_helpers.local_cloud.errors import AWSError
from maze_helpers.local_cloud.services.s3.new_content import NewContent
from maze_helpers.local_cloud.services.s3.schema import Attributes

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

# Source: SageMaker guide, "Asynchronous inference".
MAX_INPUT_BYTES = 1024**3
PLAIN_TEXT = "text/plain"
FAILURES = "InvocationFailures"

T = TypeVar("T")


class _Failed(Exception):
    """There is no output; what to keep in its place, and which metric counts it."""

    def __init__(
        self, content: bytes, content_type: str = PLAIN_TEXT, metric: str = FAILURES
    ) -> None:
        super().__init__(content.decode(errors="replace"))
        self.content = content
        self.content_type = content_type
        self.metric = metric


class AsyncInference:
    """Answers one request of an asynchronous endpoint, and measures it.

    executor: where S3 is read and written.
    """

    def __init__(
        self, cloud: LocalCloud, executor: Executor, request: AsyncRequest, variant: Variant
    ) -> None:
        self._cloud = cloud
        self._objects = cloud.objects_as(variant.role_arn)
        self._executor = executor
        self._request = request
        self._variant = variant
        # As CloudWatch gets them.
        self._measured: dict[str, float] = {}

    async def run(self) -> None:
        """Return once the output, or a failure in its place, is in S3.

        Raises: NoCapacity, NotReached, if no server is ready: the request can be run again.
        """
        try:
            await self._answer()
        except _Failed as failure:
            self._measured |= {FAILURES: 1, failure.metric: 1}
            await self._keep_failure(failure)
        else:
            self._measured |= {FAILURES: 0, "InvocationsProcessed": 1}
        self._measured["TotalProcessingTime"] = self._age_ms()
        self._cloud.invocation_metrics.record(
            self._request.endpoint, self._variant.name, self._measured
        )

    async def _answer(self) -> None:
        request = self._request
        if self._cloud.clock.time_s() > request.expires_s:
            raise _Failed(b"The request waited too long in the queue.", metric="ExpiredRequests")
        self._measured["TimeInBacklog"] = self._age_ms()
        body, content_type = await self._timed("RequestDownloadLatency", self._read_input)
        headers = {"Content-Type": content_type, **request.headers}
        reply = await self._invoke(Call(body, headers, request.timeout_s))
        await self._timed("ResponseUploadLatency", lambda: self._write_output(reply))

    async def _invoke(self, call: Call) -> Reply:
        try:
            reply = (await self._variant.invoke(call)).reply
        except NotReached:
            raise
        except CallFailed as failure:
            raise _Failed(str(failure).encode()) from failure
        self._measured |= {
            "ModelLatency": reply.model_latency_us,
            "Invocation4XXErrors": 400 <= reply.status < 500,
            "Invocation5XXErrors": reply.status >= 500,
        }
        if not 200 <= reply.status < 300:
            content_type = reply.headers.get("content-type", PLAIN_TEXT)
            raise _Failed(reply.body, content_type)
        return reply

    async def _timed(self, metric: str, action: Callable[[], T]) -> T:
        """Return what an action returns, which blocks, and measure how long it takes."""
        began_s = time.perf_counter()
        result = await asyncio.get_running_loop().run_in_executor(self._executor, action)
        self._measured[metric] = (time.perf_counter() - began_s) * 1e6
        return result

    def _read_input(self) -> tuple[bytes, str]:
        """Return the request's body and its media type, which the object may say."""
        request = self._request
        if request.input_location is None:
            return request.body or b"", "application/octet-stream"
        try:
            stored = self._objects.read(*split_s3_uri(request.input_location))
        except AWSError as error:
            text = f"The input {request.input_location} could not be read: {error}"
            raise _Failed(text.encode(), metric="RequestDownloadFailures") from error
        with stored.reader as reader:
            if stored.info.size_bytes > MAX_INPUT_BYTES:
                text = f"The input has more than {MAX_INPUT_BYTES} bytes."
                raise _Failed(text.encode(), metric="RequestDownloadFailures")
            content_type = stored.info.attributes.headers.get("content-type")
            return reader.read(), content_type or "application/octet-stream"

    def _write_output(self, reply: Reply) -> None:
        content_type = reply.headers.get("content-type", "application/octet-stream")
        try:
            self._write(self._request.output_location, reply.body, content_type)
        except AWSError as error:
            text = f"The output could not be written: {error}"
            raise _Failed(text.encode(), metric="ResponseUploadFailures") from error

    async def _keep_failure(self, failure: _Failed) -> None:
        location = self._request.failure_location
        if location is None:
            return
        try:
            await asyncio.get_running_loop().run_in_executor(
                self._executor, self._write, location, failure.content, failure.content_type
            )
        except AWSError:
            self._measured["ResponseUploadFailures"] = 1

    def _write(self, location: str, content: bytes, content_type: str) -> None:
        bucket, key = split_s3_uri(location)
        written = NewContent(self._objects.blobs)
        try:
            written.write(content)
            attributes = Attributes(headers={"content-type": content_type})
            self._objects.put(bucket, key, written.close(), attributes)
        except BaseException:
            written.discard()
            raise

    def _age_ms(self) -> float:
        return max(0.0, self._cloud.clock.time_s() - self._request.received_s) * 1e3
