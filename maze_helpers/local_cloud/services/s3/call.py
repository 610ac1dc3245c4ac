"""One request to S3: the operation it is, the bucket and key it names, its parameters."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from botocore.model import OperationModel
from starlette.requests import Request

from maze_helpers.local_cloud.auth import SignedRequest
from maze_helpers.local_cloud.services.s3 import parameters
from maze_helpers.local_cloud.services.s3.errors import (
    InvalidArgument,
    InvalidBucketName,
    InvalidURI,
    KeyTooLongError,
)
from maze_helpers.local_cloud.services.s3.routing import Router
from maze_helpers.local_cloud.services.s3.schema import MAX_KEY_BYTES

# Besides the path, a bucket can be named in front of the host: bucket.localhost,
# bucket.s3.localhost, bucket.s3.eu-west-1.amazonaws.com.
_BUCKET_HOST = re.compile(
    r"(?!s3[.-])(?P<bucket>[^:]+?)(?:\.s3(?:[.-][a-z0-9-]+)?)?\.(?:localhost|amazonaws\.com)(?::\d+)?",
    re.IGNORECASE,
)
_BUCKET_NAME = re.compile(r"(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]")


@dataclass(frozen=True)
class Call:
    """A request, understood. headers: by lower-case names, the last of each."""

    request: Request
    signed: SignedRequest
    model: OperationModel
    headers: Mapping[str, str]
    parameters: dict[str, Any]

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self.parameters["Bucket"]

    @property
    def key(self) -> str:
        """The object's key."""
        return self.parameters["Key"]


def understand(request: Request, signed: SignedRequest, router: Router) -> Call:
    """Return what the request asks for, its body apart.

    Raises: S3Error, if it is no operation of S3 or its names or parameters are not valid.
    """
    head = signed.head
    headers, query = dict(head.headers), head.query
    for name, value in query.items():
        # Other SDKs than boto3 move headers into a presigned URL's query.
        if name.lower().startswith("x-amz-"):
            headers.setdefault(name.lower(), header_text(name, value))
    names = locate(head.path, headers.get("host", ""))
    target = "Key" if "Key" in names else "Bucket" if "Bucket" in names else ""
    model = router.find(head.method, target, query, headers)
    return Call(
        request=request,
        signed=signed,
        model=model,
        headers=headers,
        parameters=parameters.read_head(model, query, headers) | names,
    )


def header_text(name: str, value: str) -> str:
    """Return a query's value as a header holds it: its UTF-8 bytes, a character each.

    Raises: InvalidArgument, if it would break out of the header.
    """
    if any(ord(character) < 32 for character in value):
        raise InvalidArgument(
            "Header value cannot be represented.", ArgumentName=name, ArgumentValue=value
        )
    return value.encode().decode("latin-1")


def locate(path: str, host: str) -> dict[str, str]:
    """Return the Bucket and the Key that a path (still encoded) and a host name, if any.

    Raises: InvalidURI, InvalidBucketName, KeyTooLongError.
    """
    match = _BUCKET_HOST.fullmatch(host)
    bucket, _, rest = path[1:].partition("/")
    if match:
        bucket, rest = match["bucket"], path[1:]
    try:
        bucket, key = unquote_to_bytes(bucket).decode(), unquote_to_bytes(rest).decode()
    except UnicodeDecodeError:
        raise InvalidURI(URI=path) from None
    if len(key.encode()) > MAX_KEY_BYTES:
        raise KeyTooLongError(Size=len(key.encode()), MaxSizeAllowed=MAX_KEY_BYTES)
    if bucket and not _BUCKET_NAME.fullmatch(bucket):
        raise InvalidBucketName(BucketName=bucket)
    return {name: value for name, value in (("Bucket", bucket), ("Key", key)) if value}
