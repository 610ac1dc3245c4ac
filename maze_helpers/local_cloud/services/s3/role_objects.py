"""The object store as a role may use it: SageMaker reads and writes on behalf of roles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.services.s3.authorization import S3Authorization
from maze_helpers.local_cloud.services.s3.errors import NoSuchKey
from maze_helpers.local_cloud.services.s3.new_content import Written
from maze_helpers.local_cloud.services.s3.objects import Condition, ObjectStore, StoredObject
from maze_helpers.local_cloud.services.s3.schema import Attributes, ObjectInfo


class RoleObjects(ObjectStore):
    """Every bucket's objects, each call checked against a role's policies as they are now.

    Raises: AccessDenied, from every method, besides the object store's own errors. What is
    written within a transaction, by `put_row`, is to be checked before it, by `require`.
    """

    def __init__(
        self, objects: ObjectStore, authorization: S3Authorization, caller: AccessKey
    ) -> None:
        """caller: whom the policies are those of."""
        # Not a store of its own: the same tables and files, looked at in another way.
        self.__dict__.update(vars(objects))
        self._all = objects
        self._authorization = authorization
        self._caller = caller

    def require(self, action: str, bucket: str, key: str | None = None) -> None:
        """Raise AccessDenied unless the role may do something to a bucket, or to an object.

        A bucket that is not there is told of first. Raises: NoSuchBucket.
        """
        self.buckets.require(bucket)
        self._authorization.require(self._caller, action, bucket, key)

    def create_bucket(self, bucket: str) -> None:
        """Make the bucket unless it is there."""
        self._authorization.require(self._caller, "s3:CreateBucket", bucket)
        super().create_bucket(bucket)

    def bucket_exists(self, bucket: str) -> bool:
        """Return whether the bucket is there."""
        if self.buckets.find(bucket) is None:
            return False
        self.require("s3:ListBucket", bucket)
        return True

    def delete_bucket(self, bucket: str) -> None:
        """Remove the bucket and its unfinished uploads. Raises: NoSuchBucket, BucketNotEmpty."""
        self.require("s3:DeleteBucket", bucket)
        super().delete_bucket(bucket)

    def list_objects(self, bucket: str, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects whose keys begin with the prefix, in order of key."""
        self.buckets.require(bucket)
        keys = {"s3:prefix": prefix}
        self._authorization.require(self._caller, "s3:ListBucket", bucket, keys=keys)
        yield from super().list_objects(bucket, prefix)

    def head(self, bucket: str, key: str) -> ObjectInfo:
        """Return the object without its bytes. Raises: NoSuchBucket, NoSuchKey."""
        self.require("s3:GetObject", bucket, key)
        try:
            return super().head(bucket, key)
        except NoSuchKey as error:
            raise self._authorization.of_missing_key(self._caller, bucket, error) from None

    def read(self, bucket: str, key: str) -> StoredObject:
        """Return the object with its bytes, to be closed. Raises: NoSuchBucket, NoSuchKey."""
        self.require("s3:GetObject", bucket, key)
        try:
            return super().read(bucket, key)
        except NoSuchKey as error:
            raise self._authorization.of_missing_key(self._caller, bucket, error) from None

    def upload(
        self, bucket: str, key: str, path: Path, content_type: str | None = None
    ) -> ObjectInfo:
        """Return the object, made from a file's bytes. Raises: NoSuchBucket."""
        # Here as well as in `put`, so that nothing is read in vain.
        self.require("s3:PutObject", bucket, key)
        return super().upload(bucket, key, path, content_type)

    def put(
        self,
        bucket: str,
        key: str,
        written: Written,
        attributes: Attributes,
        tags: Mapping[str, str] | None = None,
        condition: Condition | None = None,
    ) -> ObjectInfo:
        """Return the object, which becomes visible with all its bytes in one step."""
        self.require("s3:PutObject", bucket, key)
        if tags:
            self.require("s3:PutObjectTagging", bucket, key)
        return super().put(bucket, key, written, attributes, tags, condition)

    def set_tags(self, bucket: str, key: str, tags: Mapping[str, str]) -> None:
        """Replace an object's tags. Raises: NoSuchBucket, NoSuchKey."""
        self.require("s3:PutObjectTagging", bucket, key)
        self._all.set_tags(bucket, key, tags)

    def delete(self, bucket: str, key: str, condition: Condition | None = None) -> None:
        """Remove the object if it is there. Raises: NoSuchBucket."""
        self.require("s3:DeleteObject", bucket, key)
        super().delete(bucket, key, condition)
