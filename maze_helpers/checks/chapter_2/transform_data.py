"""What a batch transform job read and wrote: its objects in S3."""

import json
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import ClientError

from maze_helpers import s3_urls
from maze_helpers.gone import is_object_gone


@dataclass(frozen=True)
class Object:
    """An object in S3."""

    bucket: str
    key: str
    size_bytes: int

    def read(self, session: boto3.Session) -> bytes:
        """Return its content."""
        return session.client("s3").get_object(Bucket=self.bucket, Key=self.key)["Body"].read()


def input_objects(session: boto3.Session, job: dict[str, Any]) -> list[Object]:
    """Return what the job's input names now; nothing, where it was deleted."""
    source = job["TransformInput"]["DataSource"]["S3DataSource"]
    if source["S3DataType"] == "ManifestFile":
        return _of_manifest(session, source["S3Uri"])
    return [each for each in listed(session, source["S3Uri"]) if not each.key.endswith("/")]


def listed(session: boto3.Session, uri: str) -> list[Object]:
    """Return the objects below a URI, in the order of their keys."""
    bucket, prefix = s3_urls.split(uri)
    pages = session.client("s3").get_paginator("list_objects_v2")
    try:
        return [
            Object(bucket, each["Key"], each["Size"])
            for page in pages.paginate(Bucket=bucket, Prefix=prefix)
            for each in page.get("Contents", [])
        ]
    except ClientError as error:
        if not is_object_gone(error):
            raise
        return []


def _of_manifest(session: boto3.Session, uri: str) -> list[Object]:
    """Return what a manifest names: [{"prefix": "s3://bucket/folder/"}, "a.csv", "b.csv"]."""
    found = [each for each in listed(session, uri) if uri.endswith(f"/{each.key}")]
    if not found:
        return []
    first, *names = json.loads(found[0].read(session))
    below = {each.key: each for each in listed(session, first["prefix"])}
    _, start = s3_urls.split(first["prefix"])
    return [below[start + name] for name in dict.fromkeys(names) if start + name in below]


def output_of(source: Object, outputs: dict[str, Object]) -> Object | None:
    """Return the output of an object of the input; None, if there is none.

    outputs: by their keys below the output path. It is named as the input, with .out at its end;
    how much of the input's key comes before that depends on the job.
    """
    parts = source.key.split("/")
    for first in range(len(parts)):
        found = outputs.get("/".join(parts[first:]) + ".out")
        if found:
            return found
    return None
