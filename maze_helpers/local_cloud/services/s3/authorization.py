"""What S3 asks policies about: an action on a bucket, or on one of its objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maze_helpers.local_cloud.authorization import Authorization, Keys, refusal
from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.services.s3.errors import AccessDenied, NoSuchBucket, NoSuchKey

if TYPE_CHECKING:
    from maze_helpers.local_cloud.services.s3.objects import ObjectStore


class S3Authorization:
    """Judges what callers ask of buckets and objects."""

    def __init__(self, authorization: Authorization, objects: ObjectStore) -> None:
        self.general = authorization
        self._objects = objects

    def require(
        self,
        caller: AccessKey,
        action: str,
        bucket: str,
        key: str | None = None,
        keys: Keys | None = None,
    ) -> None:
        """Raise AccessDenied, in S3's words, unless a caller may do something.

        bucket: "*" for what is no bucket's. key: of the object; None for the bucket itself.
        """
        if caller.is_administrator:
            return
        resource = "*" if bucket == "*" else f"arn:aws:s3:::{bucket}"
        known: Keys = keys or {}
        if key is not None:
            resource += f"/{key}"
            known = {**known, "s3:ExistingObjectTag/": lambda: self.tags(bucket, key)}
        decision = self.general.decide(caller, action, resource, known)
        if not decision.allowed:
            raise AccessDenied(refusal(caller, action, resource, decision, quoted=True))

    def tags(self, bucket: str, key: str) -> dict[str, str]:
        """Return an object's tags, none for one that is not there."""
        try:
            return dict(self._objects.head(bucket, key).tags)
        except (NoSuchBucket, NoSuchKey):
            return {}

    def of_missing_key(self, caller: AccessKey, bucket: str, error: NoSuchKey) -> Exception:
        """Return what a caller is told of an object that is not there.

        Whoever may not list the bucket is not told even that.
        Source: GetObject, Amazon S3 API Reference, "Permissions".
        """
        try:
            self.require(caller, "s3:ListBucket", bucket)
        except AccessDenied as denied:
            return denied
        return error
