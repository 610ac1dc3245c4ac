"""S3's answers: a result by the model, an error, an object's bytes."""

import asyncio
import secrets
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from datetime import datetime
from email.utils import format_datetime
from typing import Any, BinaryIO

from botocore.model import OperationModel
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from maze_helpers.local_cloud.errors import AWSError
from maze_helpers.local_cloud.services.s3 import xml_codec
from maze_helpers.local_cloud.services.s3.content import read_exactly
from maze_helpers.local_cloud.services.s3.errors import (
    NotModified,
)
from maze_helpers.local_cloud.services.s3.parameters import places

CHUNK_BYTES = 1024 * 1024
# The root elements, where they are not named as the shape that holds them.
ROOTS = {
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "DeleteObjects": "DeleteResult",
    "GetBucketLocation": "LocationConstraint",
    "GetBucketTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "GetObjectAttributes": "GetObjectAttributesResponse",
    "GetObjectTagging": "Tagging",
    "ListBuckets": "ListAllMyBucketsResult",
    "ListMultipartUploads": "ListMultipartUploadsResult",
    "ListObjectVersions": "ListVersionsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult",
    "ListParts": "ListPartsResult",
}


class RawResponse(Response):
    """A response with exactly these headers."""

    def __init__(
        self,
        status: int,
        headers: Iterable[tuple[str, str]],
        body: bytes = b"",
        ids: Mapping[str, str] | None = None,
    ) -> None:
        """ids: of the request, as `request_ids` gives them; None for new ones."""
        self.status_code = status
        self.body = body
        self.background = None
        self.raw_headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in (*headers, *(ids or request_ids()).items())
        ]


class StreamedObject(RawResponse):
    """A response whose body is read from a file as fast as the client takes it."""

    def __init__(
        self,
        status: int,
        headers: Iterable[tuple[str, str]],
        reader: BinaryIO,
        size_bytes: int,
        executor: Executor,
    ) -> None:
        """reader: stands at the first of the bytes to send; is closed at the end."""
        super().__init__(status, headers)
        self._reader = reader
        self._chunks = read_exactly(reader, size_bytes, CHUNK_BYTES)
        self._left = size_bytes
        self._executor = executor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, or as much of it as the client stays for."""
        start = {"type": "http.response.start", "status": self.status_code}
        await send(start | {"headers": self.raw_headers})
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            await self._send_body(send, gone)
        finally:
            gone.cancel()
            self._reader.close()

    async def _send_body(self, send: Send, gone: asyncio.Future) -> None:
        loop = asyncio.get_running_loop()
        while self._left and not gone.done():
            data = await loop.run_in_executor(self._executor, next, self._chunks)
            self._left -= len(data)
            body = {"type": "http.response.body", "body": data}
            await send(body | {"more_body": self._left > 0})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def request_ids() -> dict[str, str]:
    """Return the headers by which AWS names a request."""
    return {
        "x-amz-request-id": secrets.token_hex(8).upper(),
        "x-amz-id-2": secrets.token_urlsafe(24),
    }


def result_response(model: OperationModel, result: Mapping[str, Any]) -> Response:
    """Return the answer of an operation that is done."""
    status = model.http.get("responseCode") or 200
    shape = model.output_shape
    headers = result_headers(model, result)
    body = b""
    if shape and any("location" not in member.serialization for member in shape.members.values()):
        payload = shape.serialization.get("payload")
        if payload:
            body = xml_codec.write(payload, shape.members[payload], result[payload])
        elif model.name == "GetBucketLocation":
            body = xml_codec.write_location(result["LocationConstraint"])
        else:
            body = xml_codec.write(ROOTS[model.name], shape, result)
        headers.append(("Content-Type", "application/xml"))
    headers.append(("Content-Length", str(len(body))))
    return RawResponse(status, headers, body)


def result_headers(model: OperationModel, result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the members of a result that belong in headers, as these."""
    headers = []
    where = places(model.output_shape)
    for wire_name, (name, _) in where.headers.items():
        if result.get(name) is not None:
            headers.append((wire_name, _header(result[name])))
    for prefix, name in where.prefixes.items():
        headers += [(prefix + key, value) for key, value in result.get(name, {}).items()]
    return headers


def _header(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return format_datetime(value, usegmt=True)
    return str(value)


def error_response(method: str, error: AWSError, close: bool) -> Response:
    """Return the answer of an operation that failed.

    close: whether the client may still be about to send a body that nobody will read.
    """
    headers = [("Connection", "close")] if close else []
    if isinstance(error, NotModified):
        return RawResponse(304, [*headers, *error.headers.items()])
    if region := error.fields.get("Region"):
        # By this the SDKs find out where a bucket is, even from an answer without a body.
        headers.append(("x-amz-bucket-region", str(region)))
    if method == "HEAD":
        return RawResponse(error.status, [*headers, ("Content-Type", "application/xml")])
    ids = request_ids()
    fields = {"Code": error.code, "Message": error.message, **error.fields}
    fields |= {"RequestId": ids["x-amz-request-id"], "HostId": ids["x-amz-id-2"]}
    body = xml_codec.write_error(fields)
    headers += [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))]
    return RawResponse(error.status, headers, body, ids)
