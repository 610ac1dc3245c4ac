"""What a batch transform job read and wrote: its objects in S3."""

import gzip
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import boto3
from botocore.exceptions import ClientError

from maze_helpers import s3_urls
from maze_helpers.gone import is_object_gone

_END = ".out"


@dataclass(frozen=True)
class Object:
    """An object in S3. modified: when it was written; S3 may cut it to the second."""

    bucket: str
    key: str
    size_bytes: int
    modified: datetime

    def read(self, session: boto3.Session) -> bytes:
        """Return its content."""
        return session.client("s3").get_object(Bucket=self.bucket, Key=self.key)["Body"].read()


# An object of the input, None where it is gone or another by now; and its output, if any.
Pair = tuple[Object | None, Object | None]


def read_and_written(session: boto3.Session, job: dict[str, Any]) -> list[Pair]:
    """Return each object that the job read, with its output; outputs alone, if all are deleted.

    Its input is what was there when it was created. By now there may be more: a prefix need not
    end with a folder's name, so that the outputs may be below it as well.
    """
    created = job["CreationTime"]
    outputs = _outputs(session, job)
    own = {_place(each) for each in outputs.values() if _is_written_since(each, created)}
    named = [each for each in _input(session, job) if _place(each) not in own]
    before = [each for each in named if each.modified <= created]
    pairs: list[Pair] = [(each, output_of(each, outputs)) for each in before]
    taken = {_place(output) for _, output in pairs if output}
    for each in named:
        output = output_of(each, outputs)
        # It was written anew after the job, so what the job read is not known.
        if each not in before and output and _place(output) not in taken:
            pairs.append((None, output))
    return pairs or [(None, output) for output in outputs.values()]


def column_names(session: boto3.Session, job: dict[str, Any]) -> list[str]:
    """Return the first line of the job's input, if it is CSV and holds no number; else nothing."""
    named = [each for each in _input(session, job) if each.modified <= job["CreationTime"]]
    if not named:
        return []
    body = named[0].read(session)
    if job["TransformInput"].get("CompressionType") == "Gzip":
        body = gzip.decompress(body)
    line, _, _ = body.partition(b"\n")
    names = line.decode(errors="replace").strip().split(",")
    return [] if any(map(_is_number, names)) else names


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _outputs(session: boto3.Session, job: dict[str, Any]) -> dict[str, Object]:
    """Return what may be outputs of the job, by their keys below its output path."""
    path = job["TransformOutput"]["S3OutputPath"].rstrip("/") + "/"
    _, start = s3_urls.split(path)
    found = [each for each in listed(session, path) if each.key.endswith(_END)]
    return {each.key.removeprefix(start): each for each in found}


def _is_written_since(output: Object, created: datetime) -> bool:
    return output.modified >= created.replace(microsecond=0)


def _place(found: Object) -> tuple[str, str]:
    return found.bucket, found.key


def _input(session: boto3.Session, job: dict[str, Any]) -> list[Object]:
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
            Object(bucket, each["Key"], each["Size"], each["LastModified"])
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
        found = outputs.get("/".join(parts[first:]) + _END)
        if found:
            return found
    return None
