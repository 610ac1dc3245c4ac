"""What the S3 tests share: a bucket of one's own, and errors by code."""

import uuid
from collections.abc import Callable

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError


def new_bucket(s3: BaseClient) -> str:
    """Return the name of a new bucket."""
    name = f"bucket-{uuid.uuid4().hex[:20]}"
    s3.create_bucket(Bucket=name)
    return name


def error_of(call: Callable, **parameters) -> tuple[int, str]:
    """Return the status and the code of the error that a call meets."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def keys_of(s3: BaseClient, bucket: str) -> list[str]:
    """Return every key of a bucket."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [entry["Key"] for page in pages for entry in page.get("Contents", ())]
