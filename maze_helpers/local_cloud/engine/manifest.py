"""Manifest files: JSON in S3 that lists the objects of an input.

Source: API reference, S3DataSource, and ProcessingS3Input likewise.
"""

import json

from maze_helpers.local_cloud.engine.s3_uri import split_s3_uri
from maze_helpers.local_cloud.errors import AWSError
from maze_helpers.local_cloud.services.s3.objects import ObjectStore


class ManifestError(Exception):
    """The manifest is not one; the text says why. The wordings are ours."""


def read_manifest(objects: ObjectStore, uri: str) -> list[tuple[str, str, str]]:
    """Return the bucket, key and relative name of each object that a manifest lists.

    Example: [{"prefix": "s3://bucket/a/"}, "b/c.csv"] gives ('bucket', 'a/b/c.csv', 'b/c.csv').
    Raises: ManifestError; the object store's errors.
    """
    with objects.open(*split_s3_uri(uri)) as file:
        try:
            head, *names = json.load(file)
            bucket, prefix = split_s3_uri(head["prefix"])
        except (ValueError, TypeError, KeyError, AWSError, RecursionError) as error:
            raise ManifestError(
                f'The manifest "{uri}" is not a JSON array of {{"prefix": "s3://…"}} and names.'
            ) from error
    if not all(name and isinstance(name, str) for name in names):
        raise ManifestError(
            f'The manifest "{uri}" holds something other than names after its prefix.'
        )
    return [(bucket, prefix + name, name) for name in names]
