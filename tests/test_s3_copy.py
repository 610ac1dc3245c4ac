"""Copies: of bytes, metadata and tags, within a bucket and between two."""

import os
import random

import pytest
from s3_client import error_of, keys_of, new_bucket

MIB = 1 << 20


@pytest.fixture
def source(s3, bucket):
    named = {"Bucket": bucket, "Key": "source ü+%2B/?versionId=null"}
    s3.put_object(
        **named,
        Body=b"bytes",
        ContentType="text/plain",
        CacheControl="no-store",
        Metadata={"a": "b"},
        Tagging="t=1",
        StorageClass="STANDARD_IA",
    )
    return named


def get(s3, bucket, key):
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def test_a_copy_has_its_sources_bytes_metadata_and_tags(s3, source):
    other = new_bucket(s3)
    result = s3.copy_object(Bucket=other, Key="copy", CopySource=source)["CopyObjectResult"]
    copy = s3.get_object(Bucket=other, Key="copy")
    assert copy["Body"].read() == b"bytes" and copy["ETag"] == result["ETag"]
    assert (copy["ContentType"], copy["CacheControl"]) == ("text/plain", "no-store")
    assert copy["Metadata"] == {"a": "b"} and copy["TagCount"] == 1
    # documented: the storage class is the request's, not the source's.
    assert "StorageClass" not in copy


def test_a_copy_can_have_its_own_metadata_and_tags(s3, source, bucket):
    s3.copy_object(
        Bucket=bucket,
        Key="copy",
        CopySource=source,
        MetadataDirective="REPLACE",
        Metadata={"c": "d"},
        TaggingDirective="REPLACE",
        Tagging="u=2",
        StorageClass="ONEZONE_IA",
    )
    copy = s3.head_object(Bucket=bucket, Key="copy")
    assert copy["Metadata"] == {"c": "d"} and copy["StorageClass"] == "ONEZONE_IA"
    assert copy["ContentType"] == "binary/octet-stream" and "CacheControl" not in copy
    tags = s3.get_object_tagging(Bucket=bucket, Key="copy")["TagSet"]
    assert tags == [{"Key": "u", "Value": "2"}]


def test_a_copy_onto_itself_has_to_change_something(s3, source):
    assert error_of(s3.copy_object, **source, CopySource=source) == (400, "InvalidRequest")
    changed = {"MetadataDirective": "REPLACE", "Metadata": {"new": "1"}}
    s3.copy_object(**source, CopySource=source, **changed)
    found = s3.get_object(**source)
    assert found["Metadata"] == {"new": "1"} and found["Body"].read() == b"bytes"
    s3.copy_object(**source, CopySource=source, StorageClass="STANDARD")


@pytest.mark.parametrize("size_bytes", [10, 100_000, 3 * MIB])
def test_a_copy_outlives_its_source(s3, bucket, size_bytes):
    body = random.Random(size_bytes).randbytes(size_bytes)
    s3.put_object(Bucket=bucket, Key="source", Body=body)
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"/{bucket}/source")
    s3.put_object(Bucket=bucket, Key="source", Body=b"other")
    s3.delete_object(Bucket=bucket, Key="source")
    assert get(s3, bucket, "copy") == body


def test_a_copy_of_parts_is_one_object_with_an_etag_of_its_own(s3, bucket):
    named = {"Bucket": bucket, "Key": "source"}
    upload = named | {"UploadId": s3.create_multipart_upload(**named)["UploadId"]}
    body = os.urandom(6 * MIB)
    pieces = {1: body[: 5 * MIB], 2: body[5 * MIB :]}
    parts = [
        {"PartNumber": n, "ETag": s3.upload_part(**upload, PartNumber=n, Body=piece)["ETag"]}
        for n, piece in pieces.items()
    ]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=named)
    direct = s3.put_object(Bucket=bucket, Key="direct", Body=body)
    assert s3.head_object(Bucket=bucket, Key="copy")["ETag"] == direct["ETag"]
    assert get(s3, bucket, "copy") == body


def test_a_copy_can_have_another_checksum(s3, source, bucket):
    copy = {"Bucket": bucket, "Key": "copy", "CopySource": source}
    result = s3.copy_object(**copy, ChecksumAlgorithm="SHA256")["CopyObjectResult"]
    head = s3.head_object(Bucket=bucket, Key="copy", ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == result["ChecksumSHA256"]
    assert "ChecksumCRC32" not in head


@pytest.mark.parametrize(
    ("source", "status", "code"),
    [
        ("{bucket}/missing", 404, "NoSuchKey"),
        ("missing-bucket/k", 404, "NoSuchBucket"),
        ("{bucket}", 400, "InvalidArgument"),
        ("{bucket}/k?versionId=abc", 404, "NoSuchVersion"),
        ("arn:aws:s3:us-east-1:1:accesspoint/a/object/k", 501, "NotImplemented"),
    ],
)
def test_a_source_that_is_not_there_is_missed(s3, bucket, source, status, code):
    copy = {"Bucket": bucket, "Key": "copy", "CopySource": source.format(bucket=bucket)}
    assert error_of(s3.copy_object, **copy) == (status, code)
    assert keys_of(s3, bucket) == []


def test_directives_are_one_of_two(s3, source, bucket):
    copy = {"Bucket": bucket, "Key": "copy", "CopySource": source}
    assert error_of(s3.copy_object, **copy, MetadataDirective="MERGE") == (400, "InvalidArgument")
