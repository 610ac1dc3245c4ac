"""The operations that move an object's bytes: PutObject, UploadPart, GetObject, HeadObject."""

from concurrent.futures import Executor
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from starlette.responses import Response

from maze_helpers.local_cloud.services.s3 import attributes, byte_range, checksums, conditions, tags
from maze_helpers.local_cloud.services.s3.body_errors import (
    EntityTooLarge,
    MissingContentLength,
)
from maze_helpers.local_cloud.services.s3.call import Call, header_text
from maze_helpers.local_cloud.services.s3.checksums import Stated
from maze_helpers.local_cloud.services.s3.content import read_exactly
from maze_helpers.local_cloud.services.s3.errors import (
    InvalidPartNumber,
    InvalidRequest,
)
from maze_helpers.local_cloud.services.s3.multipart import Part, Upload, Uploads, wanted_part
from maze_helpers.local_cloud.services.s3.new_content import NewContent, Written
from maze_helpers.local_cloud.services.s3.objects import ObjectStore, StoredObject
from maze_helpers.local_cloud.services.s3.receiving import Receiver
from maze_helpers.local_cloud.services.s3.responses import (
    RawResponse,
    StreamedObject,
    result_response,
)
from maze_helpers.local_cloud.services.s3.schema import ObjectInfo

MAX_PUT_BYTES = 5 * 1024**3
# Up to here a body is sent at once, without a worker.
AT_ONCE_BYTES = 256 * 1024


class Transfers:
    """Uploads and downloads. Long ones are worked on by the executor's threads."""

    def __init__(
        self, objects: ObjectStore, uploads: Uploads, receiver: Receiver, executor: Executor
    ) -> None:
        self._objects = objects
        self._uploads = uploads
        self._receiver = receiver
        self._executor = executor
        self.operations = {
            "PutObject": self.put_object,
            "UploadPart": self.upload_part,
            "GetObject": self.get_object,
            "HeadObject": self.head_object,
        }

    async def put_object(self, call: Call) -> Response:
        """Return the answer to PutObject, once the object is there."""
        self._objects.buckets.require(call.bucket)
        _check_length(call)
        kept = attributes.read(call)
        object_tags = tags.from_header(call.parameters.get("Tagging"))
        condition = conditions.write_condition(call.parameters)

        def commit(written: Written) -> ObjectInfo:
            return self._objects.put(call.bucket, call.key, written, kept, object_tags, condition)

        stated = checksums.stated(call.headers)
        content = NewContent(self._objects.blobs, stated.algorithm)
        info = await self._receiver.receive(call, content, stated, commit)
        headers = {"ETag": f'"{info.etag}"'} | attributes.encryption(kept)
        if checksum := info.attributes.checksum:
            header = checksums.ALGORITHMS[checksum.algorithm].header
            headers |= {header: checksum.value, "x-amz-checksum-type": checksum.type}
        return RawResponse(200, [*headers.items(), ("Content-Length", "0")])

    async def upload_part(self, call: Call) -> Response:
        """Return the answer to UploadPart, once the part is there."""
        upload = self._uploads.get(call.bucket, call.key, call.parameters["UploadId"])
        number = wanted_part(call.parameters)
        _check_length(call)
        stated = checksums.stated(call.headers)
        algorithm = _part_algorithm(upload, stated)

        def commit(written: Written) -> Part:
            return self._uploads.put_part(upload, number, written)

        content = NewContent(self._objects.blobs, algorithm, small_bytes=0)
        part = await self._receiver.receive(call, content, stated, commit)
        result: dict[str, Any] = {"ETag": f'"{part.etag}"'}
        if checksum := content.digests.checksum:
            result |= checksum.members()
        result["ServerSideEncryption"] = attributes.encryption(upload.attributes)[attributes.SSE]
        return result_response(call.model, result)

    async def get_object(self, call: Call) -> Response:
        """Return the answer to GetObject."""
        stored = self._objects.read(call.bucket, call.key)
        try:
            status, headers, span = _head(call, stored)
            stored.reader.seek(span.start)
            if len(span) > AT_ONCE_BYTES:
                return StreamedObject(status, headers, stored.reader, len(span), self._executor)
            body = b"".join(read_exactly(stored.reader, len(span), AT_ONCE_BYTES))
        except BaseException:
            stored.reader.close()
            raise
        stored.reader.close()
        return RawResponse(status, headers, body)

    async def head_object(self, call: Call) -> Response:
        """Return the answer to HeadObject."""
        stored = self._objects.read(call.bucket, call.key)
        with stored.reader:
            status, headers, _ = _head(call, stored)
        return RawResponse(status, headers)


def _part_algorithm(upload: Upload, stated: Stated) -> str | None:
    kind = upload.attributes.checksum
    if kind is None or stated.algorithm == kind.algorithm:
        return stated.algorithm
    if stated.algorithm is None and kind.type == checksums.FULL_OBJECT:
        return kind.algorithm
    raise InvalidRequest(
        f"Checksum Type mismatch occurred, expected checksum Type: {kind.algorithm.lower()}, "
        f"actual checksum Type: {(stated.algorithm or 'null').lower()}"
    )


def _check_length(call: Call) -> None:
    text = call.headers.get("x-amz-decoded-content-length", call.headers.get("content-length"))
    if text is None or not text.isascii() or not text.isdigit():
        raise MissingContentLength()
    if int(text) > MAX_PUT_BYTES:
        raise EntityTooLarge(ProposedSize=int(text), MaxSizeAllowed=MAX_PUT_BYTES)


def _head(call: Call, stored: StoredObject) -> tuple[int, list[tuple[str, str]], range]:
    """Return the status, the headers and the offsets of the bytes to send."""
    info = stored.info
    conditions.check_read(info, call.parameters)
    span, parts_headers = _span(call, stored)
    headers = attributes.shown(info) | parts_headers | _overrides(call)
    headers |= {
        "accept-ranges": "bytes",
        "content-length": str(info.size_bytes if span is None else len(span)),
    } | conditions.validators(info)
    if span is not None:
        headers["content-range"] = f"bytes {span.start}-{span.stop - 1}/{info.size_bytes}"
        return 206, list(headers.items()), span
    checksum = info.attributes.checksum
    if checksum and call.parameters.get("ChecksumMode", "").upper() == "ENABLED":
        headers[checksums.ALGORITHMS[checksum.algorithm].header] = checksum.value
        headers["x-amz-checksum-type"] = checksum.type
    return 200, list(headers.items()), range(info.size_bytes)


def _span(call: Call, stored: StoredObject) -> tuple[range | None, dict[str, str]]:
    header, number = call.parameters.get("Range"), call.parameters.get("PartNumber")
    if number is None:
        return byte_range.parse(header, stored.info.size_bytes), {}
    if header:
        raise InvalidRequest("Cannot specify both Range header and partNumber query parameter")
    sizes = stored.part_sizes or [stored.info.size_bytes]
    if not 1 <= number <= len(sizes):
        raise InvalidPartNumber(PartNumberRequested=number, ActualPartCount=len(sizes))
    start = sum(sizes[: number - 1])
    headers = {"x-amz-mp-parts-count": str(len(sizes))} if stored.part_sizes else {}
    span = range(start, start + sizes[number - 1])
    return span or None, headers


def _overrides(call: Call) -> dict[str, str]:
    headers = {}
    for name, value in call.parameters.items():
        if not name.startswith("Response"):
            continue
        text = format_datetime(value, usegmt=True) if isinstance(value, datetime) else value
        header = call.model.input_shape.members[name].serialization["name"]
        headers[header.removeprefix("response-")] = header_text(header, text)
    return headers
