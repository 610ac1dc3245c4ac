"""The objects that a transform job reads, and which instance reads which."""

from dataclasses import dataclass
from typing import Any

from maze_helpers.local_cloud.engine.manifest import ManifestError, read_manifest
from maze_helpers.local_cloud.engine.s3_uri import join_s3_uri, split_s3_uri
from maze_helpers.local_cloud.errors import AWSError
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

    Raises: NoInput; NoSuchBucket.
    """
    uri = source["S3Uri"]
    if source["S3DataType"] == "ManifestFile":
        found = _of_manifest(objects, uri)
    else:
        found = _of_prefix(objects, uri)
    if not found:
        # The wording follows that of CreateTrainingJob; when a transform job says it is a guess.
        raise NoInput(f'No S3 objects found under S3 URL "{uri}" given in input data source.')
    # A manifest may name an object twice.
    inputs = sorted(set(found), key=lambda one: one.key.encode())
    _check_outputs(inputs)
    return inputs


def partition(inputs: list[InputObject], instance_count: int) -> list[list[InputObject]]:
    """Return the objects of each instance: one after another in order of key, each to the next.

    Differs from AWS, maybe: it partitions by key, in a way that is not published.
    """
    return [inputs[instance::instance_count] for instance in range(instance_count)]


def _of_prefix(objects: ObjectStore, uri: str) -> list[InputObject]:
    bucket, prefix = split_s3_uri(uri)
    return [
        InputObject(bucket, found.key, relative_key(found.key, prefix))
        for found in objects.list_objects(bucket, prefix)
        # Such keys mark folders.
        if not found.key.endswith("/")
    ]


def relative_key(key: str, prefix: str) -> str:
    """Return what of an object's key its output has as well. How AWS does is a guess.

    A prefix that is a folder, with or without its last slash, is left out; so is all before
    the name of a prefix that is not. Examples, for the prefix 'data/in': 'data/in/a/b.csv' gives
    'a/b.csv', 'data/in' gives 'in', and 'data/in_2/b.csv' gives 'in_2/b.csv'.
    """
    folder = prefix if prefix.endswith("/") or not prefix else f"{prefix}/"
    if key.startswith(folder):
        return key[len(folder) :]
    return key[prefix.rfind("/") + 1 :]


def _of_manifest(objects: ObjectStore, uri: str) -> list[InputObject]:
    """Return what a manifest names: [{"prefix": "s3://bucket/folder/"}, "a.csv", "b/c.csv"].

    Source: API reference, S3DataSource.
    """
    try:
        listed = read_manifest(objects, uri)
    except ManifestError as error:
        raise NoInput(str(error)) from error
    except AWSError as error:
        raise NoInput(f'The manifest "{uri}" cannot be read: {error.message}') from error
    return [InputObject(bucket, key, name) for bucket, key, name in listed]


def _check_outputs(inputs: list[InputObject]) -> None:
    """Raises: NoInput, if two objects have one output, as 'in' and 'in/in' have."""
    by_path: dict[str, InputObject] = {}
    for found in inputs:
        other = by_path.setdefault(found.path, found)
        if other is not found:
            raise NoInput(f'"{other}" and "{found}" have the same output, "{found.path}.out".')


def output_uri(output_path: str, found: InputObject) -> str:
    """Return where the output of an object goes."""
    return join_s3_uri(output_path, f"{found.path}.out")
