"""The objects that a transform job reads, and which instance reads which."""

import json
from dataclasses import dataclass
from typing import Any

from maze_helpers.local_cloud.engine.channels import ChannelError, relative_path
from maze_helpers.local_cloud.engine.s3_uri import join_s3_uri, split_s3_uri
from maze_helpers.local_cloud.services.s3.objects import ObjectStore

Document = dict[str, Any]


class NoInput(Exception):
    """What the job's DataSource names cannot be read; the text says why."""


@dataclass(frozen=True)
class InputObject:
    """An object of the input.

    path: its own below the input, which its output has as well, with .out at its end.
    """

    bucket: str
    key: str
    path: str

    def __str__(self) -> str:
        """Return how the data log names it."""
        return f"{self.bucket}/{self.key}"


def input_objects(objects: ObjectStore, source: Document) -> list[InputObject]:
    """Return what an S3DataSource names, in order of key.

    Raises: NoInput; NoSuchBucket; NoSuchKey, where the manifest is not there.
    """
    uri = source["S3Uri"]
    if source["S3DataType"] == "ManifestFile":
        found = _of_manifest(objects, uri)
    else:
        found = _of_prefix(objects, uri)
    if not found:
        # The wording follows that of CreateTrainingJob; when a transform job says it is a guess.
        raise NoInput(f'No S3 objects found under S3 URL "{uri}" given in input data source.')
    return sorted(found, key=lambda one: (one.bucket, one.key.encode()))


def partition(inputs: list[InputObject], instance_count: int) -> list[list[InputObject]]:
    """Return the objects of each instance: one after another in order of key, each to the next.

    Differs from AWS, maybe: it partitions by key, in a way that is not published.
    """
    return [inputs[instance::instance_count] for instance in range(instance_count)]


def _of_prefix(objects: ObjectStore, uri: str) -> list[InputObject]:
    bucket, prefix = split_s3_uri(uri)
    return [
        InputObject(bucket, found.key, _path(found.key, prefix))
        for found in objects.list_objects(bucket, prefix)
        # Such keys mark folders.
        if not found.key.endswith("/")
    ]


def _of_manifest(objects: ObjectStore, uri: str) -> list[InputObject]:
    """Return what a manifest names: [{"prefix": "s3://bucket/folder/"}, "a.csv", "b/c.csv"].

    Source: API reference, S3DataSource.
    """
    with objects.open(*split_s3_uri(uri)) as file:
        try:
            head, *names = json.load(file)
            bucket, prefix = split_s3_uri(head["prefix"])
        except (ValueError, TypeError, KeyError) as error:
            raise NoInput(
                f'The manifest "{uri}" is not a JSON array of {{"prefix": "s3://…"}} and names.'
            ) from error
    if not all(isinstance(name, str) for name in names):
        raise NoInput(f'The manifest "{uri}" holds something other than names after its prefix.')
    return [InputObject(bucket, prefix + name, _path(prefix + name, prefix)) for name in names]


def _path(key: str, prefix: str) -> str:
    try:
        return relative_path(key, prefix)
    except ChannelError as error:
        raise NoInput(f"The output of an input has no place: {error}.") from error


def output_uri(output_path: str, found: InputObject) -> str:
    """Return where the output of an object goes."""
    return join_s3_uri(output_path, f"{found.path}.out")
