"""An archive in S3, on this machine for as long as it is looked at."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from maze_helpers import s3_urls
from maze_helpers.local_cloud.errors import MazeError


@contextmanager
def local_copy(session: boto3.Session, uri: str) -> Iterator[Path]:
    """Yield a temporary copy of an object. Raises: MazeError, if it cannot be had."""
    bucket, key = s3_urls.split(uri)
    if not bucket or not key or key.endswith("/"):
        raise MazeError(f"{uri} names no object: write s3://bucket/…/model.tar.gz.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.tar.gz")
        try:
            session.client("s3").download_file(bucket, key, str(path))
        except (BotoCoreError, ClientError) as error:
            raise MazeError(f"{uri} cannot be read: {error}") from error
        yield path
