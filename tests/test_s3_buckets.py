"""Buckets: made, found, tagged, listed and removed, with S3's answers to mistakes."""

import pytest
from s3_client import error_of, keys_of


def test_a_bucket_is_there_once_it_is_made(s3, bucket):
    assert s3.head_bucket(Bucket=bucket)["BucketRegion"] == "us-east-1"
    assert bucket in [entry["Name"] for entry in s3.list_buckets()["Buckets"]]
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None


def test_making_ones_own_bucket_again_is_no_error_in_us_east_1(s3, bucket):
    assert s3.create_bucket(Bucket=bucket)["Location"] == f"/{bucket}"


def test_a_bucket_elsewhere_says_where_and_is_not_made_twice(local_cloud, s3):
    west = local_cloud.session.client(
        "s3", region_name="eu-west-1", endpoint_url=local_cloud.endpoint_url
    )
    where = {"CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}
    west.create_bucket(Bucket="in-the-west", **where)
    location = s3.get_bucket_location(Bucket="in-the-west")
    assert location["LocationConstraint"] == "eu-west-1"
    code = (409, "BucketAlreadyOwnedByYou")
    assert error_of(west.create_bucket, Bucket="in-the-west", **where) == code
    assert error_of(west.create_bucket, Bucket="nowhere") == (
        400,
        "IllegalLocationConstraintException",
    )


def test_a_client_may_sign_for_a_region_that_is_none(local_cloud):
    odd = local_cloud.session.client("s3", region_name="US", endpoint_url=local_cloud.endpoint_url)
    odd.create_bucket(Bucket="made-from-us")
    assert odd.get_bucket_location(Bucket="made-from-us")["LocationConstraint"] is None


def test_a_region_that_does_not_exist_is_refused(s3):
    where = {"LocationConstraint": "atlantis-1"}
    assert error_of(s3.create_bucket, Bucket="sunk", CreateBucketConfiguration=where) == (
        400,
        "InvalidLocationConstraint",
    )


@pytest.mark.parametrize("name", ["Upper", "a_b", "-abc", "abc-", "a..b", "192.168.0.1"])
def test_a_name_against_the_rules_is_refused(s3, name):
    assert error_of(s3.create_bucket, Bucket=name) == (400, "InvalidBucketName")


@pytest.mark.parametrize("name", ["abc", "a.b-c.d", "0" * 63, "192.168.0.1x"])
def test_a_name_within_the_rules_is_taken(s3, name):
    s3.create_bucket(Bucket=name)
    s3.delete_bucket(Bucket=name)


def test_a_bucket_that_is_not_there_is_missed_by_every_operation(s3):
    missing = (404, "NoSuchBucket")
    assert error_of(s3.list_objects_v2, Bucket="missing") == missing
    assert error_of(s3.put_object, Bucket="missing", Key="k", Body=b"x") == missing
    assert error_of(s3.get_object, Bucket="missing", Key="k") == missing
    assert error_of(s3.delete_object, Bucket="missing", Key="k") == missing
    assert error_of(s3.delete_bucket, Bucket="missing") == missing
    assert error_of(s3.create_multipart_upload, Bucket="missing", Key="k") == missing
    assert error_of(s3.get_bucket_location, Bucket="missing") == missing
    assert error_of(s3.head_bucket, Bucket="missing") == (404, "404")


def test_a_bucket_is_removed_only_when_it_is_empty(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert error_of(s3.delete_bucket, Bucket=bucket) == (409, "BucketNotEmpty")
    assert keys_of(s3, bucket) == ["k"]
    s3.delete_object(Bucket=bucket, Key="k")
    s3.delete_bucket(Bucket=bucket)
    assert error_of(s3.head_bucket, Bucket=bucket) == (404, "404")


def test_a_bucket_takes_its_unfinished_uploads_with_it(s3, bucket, local_cloud):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")
    named = {"Bucket": bucket, "Key": "k", "UploadId": upload["UploadId"]}
    s3.upload_part(**named, PartNumber=1, Body=b"x" * 100_000)
    s3.delete_bucket(Bucket=bucket)
    s3.create_bucket(Bucket=bucket)
    assert error_of(s3.list_parts, **named) == (404, "NoSuchUpload")


def test_buckets_are_listed_in_pages_and_by_prefix(s3):
    for number in range(5):
        s3.create_bucket(Bucket=f"paged-{number}")
    pages = s3.get_paginator("list_buckets").paginate(
        Prefix="paged-", PaginationConfig={"PageSize": 2}
    )
    found = [[bucket["Name"] for bucket in page["Buckets"]] for page in pages]
    assert found == [["paged-0", "paged-1"], ["paged-2", "paged-3"], ["paged-4"]]


def test_a_bucket_keeps_its_tags(s3, bucket):
    assert error_of(s3.get_bucket_tagging, Bucket=bucket) == (404, "NoSuchTagSet")
    tags = [{"Key": "project", "Value": "maze"}, {"Key": "team", "Value": "ü"}]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    s3.delete_bucket_tagging(Bucket=bucket)
    assert error_of(s3.get_bucket_tagging, Bucket=bucket) == (404, "NoSuchTagSet")


def test_versioning_is_never_on_and_says_so(s3, bucket):
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    on = {"Status": "Enabled"}
    assert error_of(s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration=on) == (
        501,
        "NotImplemented",
    )


def test_another_accounts_bucket_is_denied(s3, bucket):
    own, other = "111122223333", "999999999999"
    s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=own)
    s3.put_object(Bucket=bucket, Key="k", Body=b"", ExpectedBucketOwner=own)
    for call in (s3.list_objects_v2, s3.delete_bucket, s3.get_bucket_location):
        assert error_of(call, Bucket=bucket, ExpectedBucketOwner=other) == (403, "AccessDenied")
    put = {"Bucket": bucket, "Key": "l", "Body": b"", "ExpectedBucketOwner": other}
    assert error_of(s3.put_object, **put) == (403, "AccessDenied")
    assert keys_of(s3, bucket) == ["k"]


def test_public_acls_are_refused(s3):
    assert error_of(s3.create_bucket, Bucket="public", ACL="public-read") == (
        400,
        "InvalidBucketAclWithObjectOwnership",
    )
    assert error_of(s3.head_bucket, Bucket="public") == (404, "404")


UNANSWERED = [
    "get_bucket_acl",
    "get_bucket_cors",
    "get_bucket_encryption",
    "get_bucket_lifecycle_configuration",
    "get_bucket_logging",
    "get_bucket_notification_configuration",
    "get_bucket_policy",
    "get_bucket_replication",
    "get_bucket_website",
    "get_object_lock_configuration",
    "get_public_access_block",
    "list_bucket_metrics_configurations",
]


@pytest.mark.parametrize("name", UNANSWERED)
def test_what_is_not_implemented_says_so_by_name(s3, bucket, name):
    operation = s3.meta.method_to_api_mapping[name]
    with pytest.raises(s3.exceptions.ClientError, match=operation) as caught:
        getattr(s3, name)(Bucket=bucket)
    assert caught.value.response["Error"]["Code"] == "NotImplemented"


def test_a_bucket_may_be_made_without_a_lock_in_so_many_words(s3):
    s3.create_bucket(Bucket="without-a-lock", ObjectLockEnabledForBucket=False)
    s3.head_bucket(Bucket="without-a-lock")
