"""What a role's credentials may do in S3: the action and the resource of each operation."""

import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError
from roles import ACCOUNT, Role, allow, deny, user_client

B = "guarded"
ARN = f"arn:aws:s3:::{B}"
BODY = b"x" * 10


@pytest.fixture(scope="module", autouse=True)
def stored(s3):
    s3.create_bucket(Bucket=B)
    for key in ("k", "a/1", "a/2", "b/1"):
        s3.put_object(Bucket=B, Key=key, Body=BODY)
    s3.put_object(Bucket=B, Key="tagged", Body=BODY, Tagging="SageMaker=true")


@pytest.fixture(scope="module")
def role(local_cloud) -> Role:
    """A role whose policies each test sets anew."""
    return Role(local_cloud, allow("logs:*"))


@pytest.fixture(scope="module")
def mine(role):
    """The role's client of S3."""
    return role.client("s3")


def error_of(call, **parameters) -> tuple[int, str, str]:
    """Return the status, code and message that a call is answered with, or 200 and nothing."""
    try:
        call(**parameters)
    except ClientError as error:
        answer = error.response
        status = answer["ResponseMetadata"]["HTTPStatusCode"]
        return status, answer["Error"]["Code"], answer["Error"]["Message"]
    return 200, "", ""


def denial(role, action, resource, why="") -> tuple[int, str, str]:
    why = why or f"because no identity-based policy allows the {action} action"
    who = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role.name}/tester"
    on = f' on resource: "{resource}"' if resource else ""
    return 403, "AccessDenied", f"User: {who} is not authorized to perform: {action}{on} {why}"


COPY = {"CopySource": f"{B}/k"}
PART = {"UploadId": "none", "PartNumber": 1}
PARTS = {"MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": "e"}]}}
TAGGING = {"Tagging": {"TagSet": [{"Key": "a", "Value": "b"}]}}
# Each operation with what it asks for, in this order. Source: Amazon S3 API Reference, "Required
# permissions for Amazon S3 API operations".
OPERATIONS = [
    ("list_buckets", {}, [("s3:ListAllMyBuckets", "")]),
    ("create_bucket", {"Bucket": "another"}, [("s3:CreateBucket", "arn:aws:s3:::another")]),
    ("list_objects", {"Bucket": B}, [("s3:ListBucket", ARN)]),
    ("list_objects_v2", {"Bucket": B}, [("s3:ListBucket", ARN)]),
    ("list_object_versions", {"Bucket": B}, [("s3:ListBucketVersions", ARN)]),
    ("list_multipart_uploads", {"Bucket": B}, [("s3:ListBucketMultipartUploads", ARN)]),
    ("get_bucket_location", {"Bucket": B}, [("s3:GetBucketLocation", ARN)]),
    ("get_bucket_versioning", {"Bucket": B}, [("s3:GetBucketVersioning", ARN)]),
    ("get_bucket_tagging", {"Bucket": B}, [("s3:GetBucketTagging", ARN)]),
    ("put_bucket_tagging", {"Bucket": B, **TAGGING}, [("s3:PutBucketTagging", ARN)]),
    ("delete_bucket_tagging", {"Bucket": B}, [("s3:PutBucketTagging", ARN)]),
    ("delete_bucket", {"Bucket": B}, [("s3:DeleteBucket", ARN)]),
    ("get_object", {"Bucket": B, "Key": "k"}, [("s3:GetObject", f"{ARN}/k")]),
    (
        "get_object",
        {"Bucket": B, "Key": "k", "VersionId": "null"},
        [("s3:GetObjectVersion", f"{ARN}/k")],
    ),
    (
        "get_object_attributes",
        {"Bucket": B, "Key": "k", "ObjectAttributes": ["ETag"]},
        [("s3:GetObject", f"{ARN}/k"), ("s3:GetObjectAttributes", f"{ARN}/k")],
    ),
    ("put_object", {"Bucket": B, "Key": "n", "Body": BODY}, [("s3:PutObject", f"{ARN}/n")]),
    (
        "put_object",
        {"Bucket": B, "Key": "n", "Tagging": "a=b"},
        [("s3:PutObject", f"{ARN}/n"), ("s3:PutObjectTagging", f"{ARN}/n")],
    ),
    (
        "put_object",
        {"Bucket": B, "Key": "n", "ACL": "bucket-owner-full-control"},
        [("s3:PutObject", f"{ARN}/n"), ("s3:PutObjectAcl", f"{ARN}/n")],
    ),
    ("delete_object", {"Bucket": B, "Key": "n"}, [("s3:DeleteObject", f"{ARN}/n")]),
    ("get_object_tagging", {"Bucket": B, "Key": "k"}, [("s3:GetObjectTagging", f"{ARN}/k")]),
    (
        "put_object_tagging",
        {"Bucket": B, "Key": "k", **TAGGING},
        [("s3:PutObjectTagging", f"{ARN}/k")],
    ),
    ("delete_object_tagging", {"Bucket": B, "Key": "k"}, [("s3:DeleteObjectTagging", f"{ARN}/k")]),
    ("create_multipart_upload", {"Bucket": B, "Key": "n"}, [("s3:PutObject", f"{ARN}/n")]),
    ("upload_part", {"Bucket": B, "Key": "n", **PART}, [("s3:PutObject", f"{ARN}/n")]),
    (
        "upload_part_copy",
        {"Bucket": B, "Key": "n", **PART, **COPY},
        [("s3:PutObject", f"{ARN}/n"), ("s3:GetObject", f"{ARN}/k")],
    ),
    (
        "complete_multipart_upload",
        {"Bucket": B, "Key": "n", "UploadId": "none", **PARTS},
        [("s3:PutObject", f"{ARN}/n")],
    ),
    (
        "abort_multipart_upload",
        {"Bucket": B, "Key": "n", "UploadId": "none"},
        [("s3:AbortMultipartUpload", f"{ARN}/n")],
    ),
    (
        "list_parts",
        {"Bucket": B, "Key": "n", "UploadId": "none"},
        [("s3:ListMultipartUploadParts", f"{ARN}/n")],
    ),
    (
        "copy_object",
        {"Bucket": B, "Key": "n", **COPY},
        [("s3:PutObject", f"{ARN}/n"), ("s3:GetObject", f"{ARN}/k")],
    ),
    (
        "copy_object",
        {"Bucket": B, "Key": "n", "CopySource": f"{B}/tagged"},
        [
            ("s3:PutObject", f"{ARN}/n"),
            ("s3:GetObject", f"{ARN}/tagged"),
            ("s3:GetObjectTagging", f"{ARN}/tagged"),
            ("s3:PutObjectTagging", f"{ARN}/n"),
        ],
    ),
]


@pytest.mark.parametrize(("operation", "parameters", "needs"), OPERATIONS)
def test_an_operation_asks_for_its_actions_on_its_resources(
    role, mine, operation, parameters, needs
):
    given = [allow("logs:*")]
    for action, resource in needs:
        role.set(*given)
        found = error_of(getattr(mine, operation), **parameters)
        assert found == denial(role, action, resource)
        given.append(allow(action, resource=resource or "*"))
    role.set(*given)
    assert error_of(getattr(mine, operation), **parameters)[1] != "AccessDenied"


def test_heads_have_no_body_to_explain_in(role, mine):
    role.set(allow("logs:*"))
    assert error_of(mine.head_object, Bucket=B, Key="k")[:2] == (403, "403")
    assert error_of(mine.head_bucket, Bucket=B)[:2] == (403, "403")
    role.set(allow("s3:GetObject", resource=f"{ARN}/k"), allow("s3:ListBucket", resource=ARN))
    mine.head_object(Bucket=B, Key="k")
    mine.head_bucket(Bucket=B)


def test_whoever_may_not_list_is_not_told_what_is_missing(role, mine):  # documented
    role.set(allow("s3:GetObject"))
    assert error_of(mine.get_object, Bucket=B, Key="no") == denial(role, "s3:ListBucket", ARN)
    assert error_of(mine.head_object, Bucket=B, Key="no")[0] == 403
    copy = {"Bucket": B, "Key": "n", "CopySource": f"{B}/no"}
    role.set(allow("s3:GetObject", "s3:PutObject"))
    assert error_of(mine.copy_object, **copy) == denial(role, "s3:ListBucket", ARN)
    role.set(allow("s3:GetObject", "s3:ListBucket"))
    assert error_of(mine.get_object, Bucket=B, Key="no")[1] == "NoSuchKey"
    assert error_of(mine.head_object, Bucket=B, Key="no")[0] == 404


def test_a_bucket_that_is_not_there_is_told_of_first(role, mine):
    role.set(allow("logs:*"))
    assert error_of(mine.get_object, Bucket="nowhere", Key="k")[1] == "NoSuchBucket"


def test_an_explicit_deny_is_told_as_one(role, mine):
    role.set(allow("s3:*"), deny("s3:GetObject", resource=f"{ARN}/a/*"))
    mine.get_object(Bucket=B, Key="k")
    why = "with an explicit deny in an identity-based policy"
    assert error_of(mine.get_object, Bucket=B, Key="a/1") == denial(
        role, "s3:GetObject", f"{ARN}/a/1", why
    )


def test_each_key_of_a_deletion_is_asked_for(role, mine, s3):
    s3.put_object(Bucket=B, Key="tmp/1", Body=BODY)
    role.set(allow("s3:DeleteObject", resource=f"{ARN}/tmp/*"))
    wanted = {"Objects": [{"Key": "tmp/1"}, {"Key": "k"}]}
    answer = mine.delete_objects(Bucket=B, Delete=wanted)
    assert answer["Deleted"] == [{"Key": "tmp/1"}]
    (error,) = answer["Errors"]
    assert (error["Key"], error["Code"]) == ("k", "AccessDenied")
    assert error["Message"] == denial(role, "s3:DeleteObject", f"{ARN}/k")[2]
    s3.head_object(Bucket=B, Key="k")


@pytest.mark.parametrize(
    ("asked", "status"),
    [({"Prefix": "a/"}, 200), ({"Prefix": "a/1"}, 200), ({"Prefix": "b/"}, 403), ({}, 403)],
)
def test_listing_may_be_limited_to_a_prefix(role, mine, asked, status):
    role.set(allow("s3:ListBucket", Condition={"StringLike": {"s3:prefix": "a/*"}}))
    assert error_of(mine.list_objects_v2, Bucket=B, **asked)[0] == status


def test_an_objects_tags_are_keys(role, mine):
    condition = {"StringEquals": {"s3:ExistingObjectTag/SageMaker": "true"}}
    role.set(allow("s3:GetObject", Condition=condition))
    assert error_of(mine.get_object, Bucket=B, Key="tagged")[0] == 200
    assert error_of(mine.get_object, Bucket=B, Key="k")[0] == 403


def test_a_presigned_url_may_do_what_its_signer_may(role, mine):
    url = mine.generate_presigned_url("get_object", Params={"Bucket": B, "Key": "k"})
    role.set(allow("logs:*"))
    with pytest.raises(urllib.error.HTTPError) as denied:
        urllib.request.urlopen(url)
    assert denied.value.code == 403 and b"s3:GetObject" in denied.value.read()
    role.set(allow("s3:GetObject"))
    assert urllib.request.urlopen(url).read() == BODY


def test_awss_policy_for_sagemaker_knows_buckets_by_their_names(local_cloud, s3):
    role = Role(local_cloud)
    role.attach("AmazonSageMakerFullAccess")
    client = role.client("s3")
    s3.create_bucket(Bucket="my-sagemaker-data")
    client.put_object(Bucket="my-sagemaker-data", Key="k", Body=BODY)
    assert error_of(client.put_object, Bucket=B, Key="k", Body=BODY)[1] == "AccessDenied"
    assert client.get_object(Bucket=B, Key="tagged")["Body"].read() == BODY


def test_a_signature_for_another_region_is_told_the_buckets(local_cloud):
    abroad = user_client(local_cloud, "s3", "eu-west-1")
    url = abroad.generate_presigned_url("get_object", Params={"Bucket": B, "Key": "k"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url)
    text = refused.value.read().decode()
    assert "the region 'eu-west-1' is wrong; expecting 'us-east-1'" in text
    assert "<Region>us-east-1</Region>" in text


@pytest.mark.parametrize("operation", ["get_object", "head_object"])
def test_boto3_finds_the_region_in_the_error_and_asks_again(local_cloud, operation):
    abroad = user_client(local_cloud, "s3", "eu-west-1")
    answer = getattr(abroad, operation)(Bucket=B, Key="k")
    assert answer["ContentLength"] == len(BODY)
