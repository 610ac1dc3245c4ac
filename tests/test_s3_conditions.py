"""Preconditions on reads, writes, deletions and copies."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
from botocore.exceptions import ClientError
from s3_client import error_of, keys_of, new_bucket

LONG_AGO = datetime(2001, 1, 1, tzinfo=timezone.utc)
LATER = datetime.now(timezone.utc) + timedelta(days=1)
FAILED = (412, "PreconditionFailed")
NOT_MODIFIED = (304, "304")


@pytest.fixture
def there(s3):
    """Where an object is, of which the tests know the ETag and the time."""
    bucket = new_bucket(s3)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    return {"Bucket": bucket, "Key": "k"}


@pytest.fixture
def etag(s3, there):
    return s3.head_object(**there)["ETag"]


def test_reads_that_may_go_on(s3, there, etag):
    modified = s3.head_object(**there)["LastModified"]
    for condition in (
        {"IfMatch": etag},
        {"IfMatch": etag.strip('"')},
        {"IfMatch": "*"},
        {"IfNoneMatch": '"other"'},
        {"IfModifiedSince": LONG_AGO},
        {"IfUnmodifiedSince": LATER},
        {"IfUnmodifiedSince": modified},
        # RFC 9110: an ETag that matches, or does not, settles what the time would.
        {"IfMatch": etag, "IfUnmodifiedSince": LONG_AGO},
        {"IfNoneMatch": '"other"', "IfModifiedSince": LATER},
    ):
        assert s3.get_object(**there, **condition)["Body"].read() == b"x"
        s3.head_object(**there, **condition)


def test_reads_whose_precondition_fails(s3, there):
    for condition in ({"IfMatch": '"other"'}, {"IfUnmodifiedSince": LONG_AGO}):
        assert error_of(s3.get_object, **there, **condition) == FAILED
        assert error_of(s3.head_object, **there, **condition) == (412, "412")


def test_reads_of_what_the_client_has_already(s3, there, etag):
    modified = s3.head_object(**there)["LastModified"]
    for condition in ({"IfNoneMatch": etag}, {"IfNoneMatch": "*"}, {"IfModifiedSince": modified}):
        assert error_of(s3.get_object, **there, **condition) == NOT_MODIFIED
        assert error_of(s3.head_object, **there, **condition) == NOT_MODIFIED


def test_what_is_not_modified_has_its_etag_and_no_body(s3, there, etag):
    with pytest.raises(ClientError) as caught:
        s3.get_object(**there, IfNoneMatch=etag)
    headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert headers["etag"] == etag and "last-modified" in headers
    assert int(headers.get("content-length", 0)) == 0


def test_a_put_can_ask_that_nothing_be_there(s3, there):
    assert error_of(s3.put_object, **there, Body=b"y", IfNoneMatch="*") == FAILED
    s3.put_object(Bucket=there["Bucket"], Key="new", Body=b"y", IfNoneMatch="*")
    assert s3.get_object(**there)["Body"].read() == b"x"


def test_of_many_that_ask_for_nothing_to_be_there_one_succeeds(s3, there):
    wanted = {"Bucket": there["Bucket"], "Key": "race"}

    def put(number):
        try:
            s3.put_object(**wanted, Body=b"%d" % number * (number * 9000 + 1), IfNoneMatch="*")
        except ClientError as error:
            return error.response["Error"]["Code"]
        return number

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(put, range(8)))
    winners = [result for result in results if isinstance(result, int)]
    assert len(winners) == 1 and results.count("PreconditionFailed") == 7
    body = s3.get_object(**wanted)["Body"].read()
    assert body == b"%d" % winners[0] * (winners[0] * 9000 + 1)


def test_a_put_can_ask_for_what_is_there(s3, there, etag):
    assert error_of(s3.put_object, **there, Body=b"y", IfMatch='"other"') == FAILED
    s3.put_object(**there, Body=b"y", IfMatch=etag)
    missing = {"Bucket": there["Bucket"], "Key": "missing"}
    assert error_of(s3.put_object, **missing, Body=b"", IfMatch=etag) == (404, "NoSuchKey")


def test_an_upload_in_parts_can_ask_that_nothing_be_there(s3, there):
    upload = there | {"UploadId": s3.create_multipart_upload(**there)["UploadId"]}
    etag = s3.upload_part(**upload, PartNumber=1, Body=b"y")["ETag"]
    done = {"MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": etag}]}}
    assert error_of(s3.complete_multipart_upload, **upload, **done, IfNoneMatch="*") == FAILED
    assert s3.list_parts(**upload)["Parts"][0]["ETag"] == etag
    s3.complete_multipart_upload(**upload, **done)
    assert s3.get_object(**there)["Body"].read() == b"y"


def test_a_put_takes_no_other_if_none_match(s3, there, etag):
    assert error_of(s3.put_object, **there, Body=b"", IfNoneMatch=etag) == (501, "NotImplemented")


def test_a_deletion_can_ask_for_what_is_there(s3, there, etag):
    assert error_of(s3.delete_object, **there, IfMatch='"other"') == FAILED
    assert keys_of(s3, there["Bucket"]) == ["k"]
    s3.delete_object(**there, IfMatch=etag)
    assert keys_of(s3, there["Bucket"]) == []


def test_a_copy_can_ask_what_its_source_is(s3, there, etag):
    copy = {"Bucket": there["Bucket"], "Key": "copy", "CopySource": there}
    for condition in (
        {"CopySourceIfMatch": '"other"'},
        {"CopySourceIfNoneMatch": etag},
        {"CopySourceIfModifiedSince": LATER},
        {"CopySourceIfUnmodifiedSince": LONG_AGO},
    ):
        assert error_of(s3.copy_object, **copy, **condition) == FAILED
    s3.copy_object(**copy, CopySourceIfMatch=etag, CopySourceIfUnmodifiedSince=LATER)
    assert keys_of(s3, there["Bucket"]) == ["copy", "k"]
