"""Parts of objects: a Range is a slice, whatever the object is made of."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from s3_client import error_of, new_bucket

MIB = 1 << 20
# One in its row, one in a file, one in a file that is streamed, one made of parts.
SIZES = {"row": 1000, "file": 100_000, "streamed": 3 * MIB, "parts": 11 * MIB}
BODIES = {name: random.Random(name).randbytes(size) for name, size in SIZES.items()}


@pytest.fixture(scope="module")
def bucket(s3):
    bucket = new_bucket(s3)
    for name in ("row", "file", "streamed"):
        s3.put_object(Bucket=bucket, Key=name, Body=BODIES[name])
    named = {"Bucket": bucket, "Key": "parts"}
    upload = named | {"UploadId": s3.create_multipart_upload(**named)["UploadId"]}
    cuts = [0, 5 * MIB, 10 * MIB + 7, 11 * MIB]
    parts = [
        {
            "PartNumber": number,
            "ETag": s3.upload_part(
                **upload, PartNumber=number, Body=BODIES["parts"][cuts[number - 1] : cuts[number]]
            )["ETag"],
        }
        for number in (1, 2, 3)
    ]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    return bucket


def get(s3, bucket, key, **parameters):
    answer = s3.get_object(Bucket=bucket, Key=key, **parameters)
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    return status, answer.get("ContentRange"), answer["Body"].read()


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(list(SIZES)), data=st.data())
def test_a_range_is_a_slice(s3, bucket, name, data):
    size, body = SIZES[name], BODIES[name]
    first = data.draw(st.integers(0, size - 1))
    last = data.draw(st.integers(first, size + 10))
    status, shown, found = get(s3, bucket, name, Range=f"bytes={first}-{last}")
    assert (status, found) == (206, body[first : last + 1])
    assert shown == f"bytes {first}-{min(last, size - 1)}/{size}"


@settings(max_examples=20, deadline=None)
@given(name=st.sampled_from(list(SIZES)), data=st.data())
def test_open_and_suffix_ranges_are_slices(s3, bucket, name, data):
    size, body = SIZES[name], BODIES[name]
    at = data.draw(st.integers(1, size + 10))
    assert get(s3, bucket, name, Range=f"bytes=-{at}")[2] == body[-at:]
    if at < size:
        assert get(s3, bucket, name, Range=f"bytes={at}-")[2] == body[at:]


@pytest.mark.parametrize("name", SIZES)
def test_a_range_past_the_end_is_not_satisfiable(s3, bucket, name):
    past = {"Bucket": bucket, "Key": name, "Range": f"bytes={SIZES[name]}-"}
    assert error_of(s3.get_object, **past) == (416, "InvalidRange")
    assert error_of(s3.get_object, **past | {"Range": "bytes=-0"}) == (416, "InvalidRange")


@pytest.mark.parametrize("nonsense", ["bytes=5-2", "bytes=a-b", "bytes=0-1,5-6", "lines=1-2"])
def test_what_is_no_single_range_gives_the_whole_object(s3, bucket, nonsense):
    assert get(s3, bucket, "row", Range=nonsense) == (200, None, BODIES["row"])


def test_no_range_of_an_empty_object_is_satisfiable(s3, bucket):
    s3.put_object(Bucket=bucket, Key="empty", Body=b"")
    for asked in ("bytes=0-", "bytes=0-0", "bytes=-1"):
        assert error_of(s3.get_object, Bucket=bucket, Key="empty", Range=asked)[0] == 416
    assert get(s3, bucket, "empty") == (200, None, b"")


def test_the_head_of_a_range_tells_its_length(s3, bucket):
    head = s3.head_object(Bucket=bucket, Key="file", Range="bytes=10-19")
    assert head["ContentLength"] == 10
    assert head["ResponseMetadata"]["HTTPStatusCode"] == 206


def test_a_part_can_be_had_by_its_number(s3, bucket):
    _, shown, found = get(s3, bucket, "parts", PartNumber=2)
    assert found == BODIES["parts"][5 * MIB : 10 * MIB + 7]
    assert shown == f"bytes {5 * MIB}-{10 * MIB + 6}/{11 * MIB}"
    head = s3.head_object(Bucket=bucket, Key="parts", PartNumber=3)
    assert (head["ContentLength"], head["PartsCount"]) == (MIB - 7, 3)


def test_a_part_that_is_not_there_is_missed(s3, bucket):
    asked = {"Bucket": bucket, "Key": "parts"}
    assert error_of(s3.get_object, **asked, PartNumber=4) == (416, "InvalidPartNumber")
    both = asked | {"PartNumber": 1, "Range": "bytes=0-1"}
    assert error_of(s3.get_object, **both) == (400, "InvalidRequest")
