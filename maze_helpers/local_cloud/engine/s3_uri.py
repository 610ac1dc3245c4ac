"""S3 URIs, as SageMaker's requests hold them."""

import re

from maze_helpers.local_cloud.errors import ValidationException

_S3_URI = re.compile(r"s3://([^/]+)/?(.*)", re.DOTALL)


def split_s3_uri(uri: str) -> tuple[str, str]:
    """Return the bucket and the key, or key prefix, of an S3 URI.

    Example: 's3://bucket/data/train' gives ('bucket', 'data/train').
    Raises: ValidationException, for the https form, which the local cloud does not read.
    """
    match = _S3_URI.fullmatch(uri)
    if match is None:
        raise ValidationException(f"The local cloud reads S3 URIs as s3://bucket/key, not '{uri}'.")
    return match[1], match[2]


def join_s3_uri(uri: str, *parts: str) -> str:
    """Return the URI of what is below another.

    Example: 's3://bucket/models/', 'job', 'output' gives 's3://bucket/models/job/output'.
    """
    return "/".join([uri.rstrip("/"), *parts])
