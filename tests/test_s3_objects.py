"""Objects: what is put comes back, byte for byte, under any key, with all that was said of it."""

import io
import os
import random
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from s3_client import error_of, keys_of, new_bucket

AWKWARD_KEYS = [
    "x",
    "x/y",
    "x/y/",
    "a//b",
    "/leading",
    "trailing/",
    "//",
    ".",
    "..",
    "../..",
    "../../etc/passwd",
    "a/../b",
    "a/./b",
    "a b+c%20d&e=f?g#h;i",
    "ü€𝄞/日本",
    "new\nline\ttab\rreturn",
    "'\"<>&|\\^`{}[]~*",
    "k" * 1024,
    "€" * 341,
]
# Any key of at most 1024 bytes; control characters that XML cannot hold have a test of their own.
KEYS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters=map(chr, range(32))), min_size=1
).filter(lambda key: len(key.encode()) <= 1024)


def get(s3, bucket, key, **parameters):
    return s3.get_object(Bucket=bucket, Key=key, **parameters)["Body"].read()


def test_awkward_keys_live_side_by_side(s3, bucket, local_cloud):
    for key in AWKWARD_KEYS:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode() * 20)
    assert keys_of(s3, bucket) == sorted(AWKWARD_KEYS, key=str.encode)
    for key in AWKWARD_KEYS:
        assert get(s3, bucket, key) == key.encode() * 20
    for key in AWKWARD_KEYS:
        s3.delete_object(Bucket=bucket, Key=key)
    assert keys_of(s3, bucket) == []


@settings(max_examples=60, deadline=None)
@given(key=KEYS, body=st.binary(max_size=40_000))
def test_any_bytes_come_back_from_any_key(s3, shared_bucket, key, body):
    s3.put_object(Bucket=shared_bucket, Key=key, Body=body)
    assert get(s3, shared_bucket, key) == body
    assert s3.head_object(Bucket=shared_bucket, Key=key)["ContentLength"] == len(body)


def test_a_key_with_control_characters_is_kept(s3, bucket):
    key = "a\x01b\x1fc\x00d"
    s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    assert get(s3, bucket, key) == b"x"
    assert keys_of(s3, bucket) == [key]


def test_a_key_of_more_than_1024_bytes_is_too_long(s3, bucket):
    assert error_of(s3.put_object, Bucket=bucket, Key="€" * 342, Body=b"") == (
        400,
        "KeyTooLongError",
    )


@pytest.mark.parametrize("size_bytes", [0, 1, 16_384, 16_385, 65_536, 65_537, 1 << 20, 3_000_001])
def test_every_size_comes_back(s3, bucket, size_bytes):
    body = random.Random(size_bytes).randbytes(size_bytes)
    s3.put_object(Bucket=bucket, Key="k", Body=body)
    assert get(s3, bucket, "k") == body
    assert s3.list_objects_v2(Bucket=bucket)["Contents"][0]["Size"] == size_bytes


def test_what_is_said_of_an_object_is_kept(s3, bucket):
    said = {
        "CacheControl": "max-age=60",
        "ContentDisposition": 'attachment; filename="a b.csv"',
        "ContentEncoding": "gzip",
        "ContentLanguage": "de, en",
        "ContentType": "text/csv; charset=utf-8",
        "Metadata": {"name": "value with  spaces", "other-name": ""},
        "StorageClass": "STANDARD_IA",
        "WebsiteRedirectLocation": "/elsewhere",
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": "key",
    }
    expires = datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Expires=expires, **said)
    for found in (s3.head_object(Bucket=bucket, Key="k"), s3.get_object(Bucket=bucket, Key="k")):
        assert {name: found[name] for name in said} == said
        assert found["Expires"] == expires
        assert found["ETag"] == '"9dd4e461268c8034f5c8564e155c67a6"'
        assert abs(datetime.now(timezone.utc) - found["LastModified"]) < timedelta(minutes=1)


def test_what_was_not_said_has_its_default(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    found = s3.head_object(Bucket=bucket, Key="k")
    assert found["ContentType"] == "binary/octet-stream"
    assert found["ServerSideEncryption"] == "AES256"
    assert found["Metadata"] == {} and "StorageClass" not in found and "TagCount" not in found


def test_a_put_replaces_all_that_was_there(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"long" * 9999, Metadata={"a": "b"}, Tagging="a=b")
    s3.put_object(Bucket=bucket, Key="k", Body=b"short")
    found = s3.get_object(Bucket=bucket, Key="k")
    assert found["Body"].read() == b"short"
    assert found["Metadata"] == {} and "TagCount" not in found


def test_metadata_has_two_kilobytes_at_most(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"", Metadata={"a": "x" * 2047})
    put = {"Bucket": bucket, "Key": "l", "Body": b"", "Metadata": {"a": "x" * 2048}}
    assert error_of(s3.put_object, **put) == (400, "MetadataTooLarge")


@pytest.mark.parametrize(
    ("parameters", "status", "code"),
    [
        ({"StorageClass": "COLD"}, 400, "InvalidStorageClass"),
        ({"StorageClass": "GLACIER"}, 501, "NotImplemented"),
        ({"ServerSideEncryption": "rot13"}, 400, "InvalidArgument"),
        ({"ACL": "public-read"}, 400, "AccessControlListNotSupported"),
        ({"GrantRead": "id=someone"}, 400, "AccessControlListNotSupported"),
        ({"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}, 501, "NotImplemented"),
        ({"ObjectLockLegalHoldStatus": "ON"}, 501, "NotImplemented"),
        ({"WriteOffsetBytes": 1}, 501, "NotImplemented"),
        ({"Tagging": "a=1&a=2"}, 400, "InvalidTag"),
    ],
)
def test_what_cannot_be_kept_is_refused_and_nothing_is_written(
    s3, bucket, parameters, status, code
):
    put = {"Bucket": bucket, "Key": "k", "Body": b"x" * 100_000, **parameters}
    assert error_of(s3.put_object, **put) == (status, code)
    assert keys_of(s3, bucket) == []


def test_missing_objects_are_missed(s3, bucket):
    assert error_of(s3.get_object, Bucket=bucket, Key="k") == (404, "NoSuchKey")
    assert error_of(s3.head_object, Bucket=bucket, Key="k") == (404, "404")
    assert s3.delete_object(Bucket=bucket, Key="k")["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_a_version_other_than_null_is_refused(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert get(s3, bucket, "k", VersionId="null") == b"x"
    versioned = {"Bucket": bucket, "Key": "k", "VersionId": "abc"}
    assert error_of(s3.get_object, **versioned) == (400, "InvalidArgument")


def test_headers_can_be_overridden_for_one_answer(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentType="text/csv")
    answer = s3.get_object(
        Bucket=bucket,
        Key="k",
        ResponseContentType="text/plain",
        ResponseContentDisposition='attachment; filename="a.txt"',
        ResponseCacheControl="no-cache",
        ResponseExpires=datetime(2031, 1, 1, tzinfo=timezone.utc),
    )
    assert answer["ContentType"] == "text/plain"
    assert answer["ContentDisposition"] == 'attachment; filename="a.txt"'
    assert answer["CacheControl"] == "no-cache"
    assert answer["Expires"] == datetime(2031, 1, 1, tzinfo=timezone.utc)


def test_an_override_cannot_smuggle_a_header_in(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    smuggling = {"Bucket": bucket, "Key": "k", "ResponseContentType": "a\r\nSet-Cookie: b"}
    assert error_of(s3.get_object, **smuggling) == (400, "InvalidArgument")


def test_many_are_deleted_at_once(s3, bucket):
    for number in range(5):
        s3.put_object(Bucket=bucket, Key=f"k{number}", Body=b"x")
    wanted = [{"Key": f"k{number}"} for number in range(1, 4)] + [{"Key": "not there"}]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": wanted})
    assert answer["Deleted"] == wanted and "Errors" not in answer
    assert keys_of(s3, bucket) == ["k0", "k4"]
    quiet = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k0"}], "Quiet": True})
    assert "Deleted" not in quiet and keys_of(s3, bucket) == ["k4"]


def test_each_object_that_cannot_be_deleted_has_its_reason(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    wanted = [{"Key": "k", "VersionId": "abc"}, {"Key": "k", "ETag": '"wrong"'}, {"Key": "l"}]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": wanted})
    assert [error["Code"] for error in answer["Errors"]] == ["NoSuchVersion", "PreconditionFailed"]
    assert answer["Deleted"] == [{"Key": "l"}] and keys_of(s3, bucket) == ["k"]


@pytest.mark.parametrize("count", [0, 1001])
def test_no_more_than_a_thousand_are_deleted_at_once(s3, bucket, count):
    wanted = {"Objects": [{"Key": f"k{number}"} for number in range(count)]}
    assert error_of(s3.delete_objects, Bucket=bucket, Delete=wanted) == (400, "MalformedXML")


def test_a_thousand_are_deleted_at_once(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k999", Body=b"x")
    wanted = {"Objects": [{"Key": f"k{number}"} for number in range(1000)]}
    assert len(s3.delete_objects(Bucket=bucket, Delete=wanted)["Deleted"]) == 1000
    assert keys_of(s3, bucket) == []


@pytest.mark.parametrize("replace", ["put", "delete", "small"])
def test_a_reader_keeps_the_bytes_it_began_to_read(s3, bucket, replace):
    old = os.urandom(8 << 20)
    s3.put_object(Bucket=bucket, Key="k", Body=old)
    body = s3.get_object(Bucket=bucket, Key="k")["Body"]
    beginning = body.read(100_000)
    if replace == "delete":
        s3.delete_object(Bucket=bucket, Key="k")
    else:
        new = b"small" if replace == "small" else os.urandom(8 << 20)
        s3.put_object(Bucket=bucket, Key="k", Body=new)
    assert beginning + body.read() == old


def test_of_many_writers_one_wins_whole(s3, bucket):
    bodies = [bytes([number]) * (300_000 + number) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda body: s3.put_object(Bucket=bucket, Key="k", Body=body), bodies))
        reads = list(pool.map(lambda _: get(s3, bucket, "k"), range(8)))
    assert len(set(reads)) == 1 and reads[0] in bodies


def test_readers_see_one_version_or_the_other_while_writers_write(s3, bucket):
    versions = [bytes([number]) * size for number, size in enumerate((100, 50_000, 2_000_000))]
    s3.put_object(Bucket=bucket, Key="k", Body=versions[0])
    done = threading.Event()

    def write():
        for turn in range(30):
            s3.put_object(Bucket=bucket, Key="k", Body=versions[turn % 3])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not done.is_set():
        assert get(s3, bucket, "k") in versions
    writer.join()


def test_a_put_waits_for_another_writer_and_nobody_else_waits(s3, bucket, local_cloud):
    s3.put_object(Bucket=bucket, Key="k", Body=b"old")
    other_writer = sqlite3.connect(local_cloud.home / "cloud.db", isolation_level=None)
    other_writer.execute("BEGIN IMMEDIATE")
    put = threading.Thread(
        target=lambda: local_cloud.client("s3").put_object(Bucket=bucket, Key="k", Body=b"new")
    )
    put.start()
    for _ in range(20):
        assert get(s3, bucket, "k") == b"old"
    other_writer.execute("ROLLBACK")
    other_writer.close()
    put.join()
    assert get(s3, bucket, "k") == b"new"


def test_files_go_up_and_down_with_the_transfer_manager(s3, bucket, tmp_path):
    body = os.urandom(20_000_001)
    (tmp_path / "up").write_bytes(body)
    s3.upload_file(str(tmp_path / "up"), bucket, "k")
    s3.download_file(bucket, "k", str(tmp_path / "down"))
    assert (tmp_path / "down").read_bytes() == body
    copy = io.BytesIO()
    s3.copy({"Bucket": bucket, "Key": "k"}, bucket, "copy")
    s3.download_fileobj(bucket, "copy", copy)
    assert copy.getvalue() == body


def test_a_refused_upload_leaves_the_connection_usable(local_cloud):
    # botocore holds the body back until the server says 100 Continue, or refuses.
    s3 = local_cloud.client("s3", max_pool_connections=1)
    bucket = new_bucket(s3)
    for _ in range(5):
        put = {"Bucket": "missing", "Key": "k", "Body": b"x" * 1_000_000}
        assert error_of(s3.put_object, **put) == (404, "NoSuchBucket")
        s3.put_object(Bucket=bucket, Key="k", Body=b"y" * 1_000_000)
    assert get(s3, bucket, "k") == b"y" * 1_000_000


def test_nothing_is_left_of_refused_and_replaced_objects(new_cloud):
    s3 = new_cloud.client("s3")
    bucket = new_bucket(s3)
    for _ in range(3):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x" * 200_000)
        put = {"Bucket": bucket, "Key": "l", "Body": b"x" * 200_000, "ContentMD5": "A" * 22 + "=="}
        assert error_of(s3.put_object, **put) == (400, "BadDigest")
    blobs = [path for path in (new_cloud.home / "blobs").rglob("*") if path.is_file()]
    assert [path.stat().st_size for path in blobs] == [200_000]
