"""The operations on buckets."""

from collections.abc import Mapping
from typing import Any

from maze_helpers.local_cloud.cloud import LocalCloud
from maze_helpers.local_cloud.services.s3 import tags
from maze_helpers.local_cloud.services.s3.buckets import HOME_REGION
from maze_helpers.local_cloud.services.s3.call import Call
from maze_helpers.local_cloud.services.s3.errors import (
    BucketAlreadyOwnedByYou,
    IllegalLocationConstraint,
    InvalidArgument,
    InvalidBucketAclWithObjectOwnership,
    InvalidLocationConstraint,
    NoSuchTagSet,
    NotImplementedHere,
)
from maze_helpers.local_cloud.services.s3.schema import moment, owner

MAX_BUCKETS = 10_000


class BucketOperations:
    """ListBuckets, CreateBucket and what asks about a bucket as a whole."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._objects = cloud.objects
        self._buckets = cloud.objects.buckets
        self._account_id = cloud.account_id
        self.operations = {
            "ListBuckets": self.list_buckets,
            "CreateBucket": self.create_bucket,
            "HeadBucket": self.head_bucket,
            "DeleteBucket": self.delete_bucket,
            "GetBucketLocation": self.get_bucket_location,
            "GetBucketVersioning": self.get_bucket_versioning,
            "GetBucketTagging": self.get_bucket_tagging,
            "PutBucketTagging": self.put_bucket_tagging,
            "DeleteBucketTagging": self.delete_bucket_tagging,
        }

    def list_buckets(self, call: Call) -> dict[str, Any]:
        """Return a page of the buckets, in order of name."""
        parameters = call.parameters
        limit = parameters.get("MaxBuckets", MAX_BUCKETS)
        if not 1 <= limit <= MAX_BUCKETS:
            raise InvalidArgument(
                f"Argument max-buckets must be an integer between 1 and {MAX_BUCKETS}",
                ArgumentName="max-buckets",
                ArgumentValue=limit,
            )
        # A token is the name of the last bucket before; names are nothing to hide.
        found = self._buckets.all(
            prefix=parameters.get("Prefix", ""), after=parameters.get("ContinuationToken", "")
        )
        region = parameters.get("BucketRegion")
        found = [bucket for bucket in found if region in (None, bucket.region)]
        page = found[:limit]
        with_region = {"MaxBuckets", "Prefix", "BucketRegion"} & set(parameters)
        return {
            "Buckets": [
                {"Name": bucket.name, "CreationDate": moment(bucket.created_at)}
                | ({"BucketRegion": bucket.region} if with_region else {})
                for bucket in page
            ],
            "Owner": owner(self._account_id),
            "ContinuationToken": page[-1].name if len(found) > limit else None,
            "Prefix": parameters.get("Prefix"),
        }

    def create_bucket(self, call: Call) -> dict[str, Any]:
        """Return where the new bucket is."""
        _check_ownership(call.parameters)
        configuration = call.parameters.get("CreateBucketConfiguration", {})
        if set(configuration) & {"Location", "Bucket"}:
            raise NotImplementedHere("The local cloud does not implement directory buckets.")
        region = _region(call, configuration.get("LocationConstraint"))
        given = tags.from_tag_set(configuration.get("Tags", []), tags.MAX_BUCKET_TAGS)
        if not self._buckets.create(call.bucket, region, given):
            existing = self._buckets.get(call.bucket)
            # In us-east-1 alone, making one's own bucket again is no error.
            if {region, existing.region} != {HOME_REGION}:
                raise BucketAlreadyOwnedByYou(BucketName=call.bucket)
        return {"Location": f"/{call.bucket}"}

    def head_bucket(self, call: Call) -> dict[str, Any]:
        """Return the bucket's region."""
        bucket = self._buckets.get(call.bucket)
        return {"BucketRegion": bucket.region, "AccessPointAlias": False}

    def delete_bucket(self, call: Call) -> dict[str, Any]:
        """Return nothing, once the empty bucket is gone."""
        self._objects.delete_bucket(call.bucket)
        return {}

    def get_bucket_location(self, call: Call) -> dict[str, Any]:
        """Return the bucket's region, which is None for us-east-1."""
        region = self._buckets.get(call.bucket).region
        return {"LocationConstraint": None if region == HOME_REGION else region}

    def get_bucket_versioning(self, call: Call) -> dict[str, Any]:
        """Return no status. Differs from AWS: versioning is never on, and cannot be turned on."""
        self._buckets.require(call.bucket)
        return {}

    def get_bucket_tagging(self, call: Call) -> dict[str, Any]:
        """Return the bucket's tags."""
        bucket = self._buckets.get(call.bucket)
        if not bucket.tags:
            raise NoSuchTagSet(BucketName=call.bucket)
        return {"TagSet": tags.to_tag_set(bucket.tags)}

    def put_bucket_tagging(self, call: Call) -> dict[str, Any]:
        """Return nothing, once the tags are replaced."""
        tag_set = call.parameters["Tagging"]["TagSet"]
        self._buckets.set_tags(call.bucket, tags.from_tag_set(tag_set, tags.MAX_BUCKET_TAGS))
        return {}

    def delete_bucket_tagging(self, call: Call) -> dict[str, Any]:
        """Return nothing, once the tags are gone."""
        self._buckets.set_tags(call.bucket, {})
        return {}


def _region(call: Call, constraint: str | None) -> str:
    shape = call.model.input_shape.members["CreateBucketConfiguration"]
    regions = shape.members["LocationConstraint"].enum
    if constraint is not None and constraint not in regions:
        raise InvalidLocationConstraint(LocationConstraint=constraint)
    region = "eu-west-1" if constraint == "EU" else constraint
    # Some clients sign for a region of their own invention, such as "US".
    if call.signed.region in regions and call.signed.region != region:
        raise IllegalLocationConstraint(
            f"The {constraint or 'unspecified'} location constraint is incompatible for the "
            "region specific endpoint this request was sent to."
        )
    return region or HOME_REGION


def _check_ownership(parameters: Mapping[str, Any]) -> None:
    ownership = parameters.get("ObjectOwnership", "BucketOwnerEnforced")
    grants = [name for name in parameters if name.startswith("Grant")]
    if grants or parameters.get("ACL", "private") != "private":
        raise InvalidBucketAclWithObjectOwnership()
    if ownership != "BucketOwnerEnforced":
        raise NotImplementedHere(f"The local cloud does not implement ObjectOwnership {ownership}.")
