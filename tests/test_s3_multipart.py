"""Uploads in parts: in any order, replaced, listed, abandoned, and put together."""

import base64
import hashlib
import random
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from s3_client import error_of, keys_of, new_bucket

MIB = 1 << 20
BODY = random.Random(1).randbytes(17 * MIB)


class Upload:
    """An upload under way."""

    def __init__(self, s3, bucket, key="k", **parameters) -> None:
        self.s3 = s3
        created = s3.create_multipart_upload(Bucket=bucket, Key=key, **parameters)
        self.named = {"Bucket": bucket, "Key": key, "UploadId": created["UploadId"]}

    def put(self, number, body, **parameters):
        answer = self.s3.upload_part(**self.named, PartNumber=number, Body=body, **parameters)
        checksums = {name: answer[name] for name in answer if name.startswith("Checksum")}
        return {"PartNumber": number, "ETag": answer["ETag"]} | checksums

    def complete(self, parts, **parameters):
        done = {"MultipartUpload": {"Parts": parts}} | parameters
        return self.s3.complete_multipart_upload(**self.named, **done)

    def fails(self, parts, **parameters):
        done = {"MultipartUpload": {"Parts": parts}} | parameters
        return error_of(self.s3.complete_multipart_upload, **self.named, **done)


def blobs(cloud):
    return {path.name for path in (cloud.home / "blobs").rglob("*") if path.is_file()}


@settings(max_examples=12, deadline=None)
@given(
    sizes=st.lists(st.integers(5 * MIB, 6 * MIB), max_size=2),
    last=st.integers(1, 100_000),
    numbers=st.lists(st.integers(1, 10_000), min_size=3, max_size=3, unique=True),
    order=st.randoms(use_true_random=False),
)
def test_the_object_is_its_parts_one_after_another(s3, shared_bucket, sizes, last, numbers, order):
    numbers = sorted(numbers)[: len(sizes) + 1]
    pieces = [random.Random(size).randbytes(size) for size in [*sizes, last]]
    upload = Upload(s3, shared_bucket, ContentType="text/plain", Metadata={"a": "b"})
    tasks = list(zip(numbers, pieces, strict=True))
    order.shuffle(tasks)
    parts = sorted((upload.put(*task) for task in tasks), key=lambda part: part["PartNumber"])
    etag = upload.complete(parts)["ETag"]
    found = s3.get_object(Bucket=shared_bucket, Key="k")
    assert found["Body"].read() == b"".join(pieces)
    assert (found["ContentType"], found["Metadata"]) == ("text/plain", {"a": "b"})
    md5s = b"".join(hashlib.md5(piece).digest() for piece in pieces)
    assert etag == found["ETag"] == f'"{hashlib.md5(md5s).hexdigest()}-{len(pieces)}"'


def test_a_part_that_is_sent_again_replaces_the_first(s3, bucket):
    upload = Upload(s3, bucket)
    first, second = upload.put(1, b"first"), upload.put(1, b"second")
    assert upload.fails([first]) == (400, "InvalidPart")
    upload.complete([second])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"second"


def test_parts_that_are_left_out_are_forgotten(new_cloud):
    s3 = new_cloud.client("s3")
    upload = Upload(s3, new_bucket(s3))
    parts = [upload.put(number, b"%d" % number * 100_000) for number in (1, 2, 3)]
    upload.complete([parts[1]])
    assert len(blobs(new_cloud)) == 1
    s3.delete_object(Bucket=upload.named["Bucket"], Key="k")
    assert not blobs(new_cloud)


def test_an_object_appears_only_when_it_is_complete(s3, bucket):
    upload = Upload(s3, bucket)
    part = upload.put(1, b"x" * 100_000)
    assert keys_of(s3, bucket) == []
    upload.complete([part])
    assert keys_of(s3, bucket) == ["k"]


def test_completing_again_gives_the_same_answer(s3, bucket):
    upload = Upload(s3, bucket)
    part = upload.put(1, b"x")
    assert upload.complete([part])["ETag"] == upload.complete([part])["ETag"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"other")
    assert upload.fails([part]) == (404, "NoSuchUpload")


def test_aborting_leaves_nothing(new_cloud):
    s3 = new_cloud.client("s3")
    upload = Upload(s3, new_bucket(s3))
    part = upload.put(1, b"x" * 100_000)
    s3.abort_multipart_upload(**upload.named)
    assert not blobs(new_cloud)
    missing = (404, "NoSuchUpload")
    assert upload.fails([part]) == missing
    assert error_of(s3.abort_multipart_upload, **upload.named) == missing
    assert error_of(s3.upload_part, **upload.named, PartNumber=1, Body=b"") == missing
    assert error_of(s3.list_parts, **upload.named) == missing


def test_every_part_but_the_last_has_five_mebibytes(s3, bucket):
    upload = Upload(s3, bucket)
    parts = [upload.put(1, b"x" * (5 * MIB - 1)), upload.put(2, b"y")]
    assert upload.fails(parts) == (400, "EntityTooSmall")
    assert keys_of(s3, bucket) == []
    parts[0] = upload.put(1, b"x" * (5 * MIB))
    upload.complete(parts)


def test_parts_are_named_in_order_and_are_there(s3, bucket):
    upload = Upload(s3, bucket)
    parts = [upload.put(1, b"x" * (5 * MIB)), upload.put(2, b"y")]
    assert upload.fails(parts[::-1]) == (400, "InvalidPartOrder")
    assert upload.fails([parts[0], parts[0]]) == (400, "InvalidPartOrder")
    assert upload.fails([]) == (400, "MalformedXML")
    missing = {"PartNumber": 3, "ETag": parts[1]["ETag"]}
    assert upload.fails([*parts, missing]) == (400, "InvalidPart")
    wrong = parts[1] | {"ETag": '"00000000000000000000000000000000"'}
    assert upload.fails([parts[0], wrong]) == (400, "InvalidPart")
    assert keys_of(s3, bucket) == []


@pytest.mark.parametrize("number", [0, -1, 10_001])
def test_parts_are_numbered_from_1_to_10000(s3, bucket, number):
    part = Upload(s3, bucket).named | {"PartNumber": number, "Body": b""}
    assert error_of(s3.upload_part, **part) == (400, "InvalidArgument")


def test_the_size_can_be_stated_when_completing(s3, bucket):
    upload = Upload(s3, bucket)
    part = upload.put(1, b"12345")
    assert upload.fails([part], MpuObjectSize=6) == (400, "InvalidRequest")
    upload.complete([part], MpuObjectSize=5)


def test_many_parts_at_once_arrive_whole(s3, bucket):
    upload = Upload(s3, bucket)
    cuts = range(0, len(BODY), 5 * MIB)
    with ThreadPoolExecutor(8) as pool:
        parts = list(
            pool.map(lambda at: upload.put(at // (5 * MIB) + 1, BODY[at : at + 5 * MIB]), cuts)
        )
    upload.complete(parts)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == BODY


def test_a_part_can_be_copied_from_an_object(s3, bucket):
    s3.put_object(Bucket=bucket, Key="source", Body=BODY)
    upload = Upload(s3, bucket)
    source = upload.named | {"CopySource": {"Bucket": bucket, "Key": "source"}}

    def copy(number, **parameters):
        answer = s3.upload_part_copy(**source, PartNumber=number, **parameters)
        return {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}

    parts = [copy(1), copy(2, CopySourceRange="bytes=10-19")]
    upload.complete(parts)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == BODY + BODY[10:20]
    source["UploadId"] = Upload(s3, bucket).named["UploadId"]
    for wrong in ("bytes=10-", "bytes=9-1", f"bytes=0-{len(BODY)}"):
        part = source | {"PartNumber": 1, "CopySourceRange": wrong}
        assert error_of(s3.upload_part_copy, **part) == (400, "InvalidArgument")


def test_parts_are_listed_in_pages(s3, bucket):
    upload = Upload(s3, bucket)
    for number in (7, 3, 9, 1):
        upload.put(number, b"%d" % number * number)
    pages = s3.get_paginator("list_parts").paginate(
        **upload.named, PaginationConfig={"PageSize": 3}
    )
    listed = [[(part["PartNumber"], part["Size"]) for part in page["Parts"]] for page in pages]
    assert listed == [[(1, 1), (3, 3), (7, 7)], [(9, 9)]]


def test_uploads_are_listed_in_pages_by_key_and_start(s3, bucket):
    started = [(key, Upload(s3, bucket, key).named["UploadId"]) for key in ("b", "a/1", "b", "c")]
    pages = s3.get_paginator("list_multipart_uploads").paginate(
        Bucket=bucket, PaginationConfig={"PageSize": 2}
    )
    found = [[(up["Key"], up["UploadId"]) for up in page["Uploads"]] for page in pages]
    assert found == [[started[1], started[0]], [started[2], started[3]]]
    rolled = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/", Prefix="a")
    assert rolled["CommonPrefixes"] == [{"Prefix": "a/"}] and "Uploads" not in rolled
    empty = s3.list_multipart_uploads(Bucket=bucket, Prefix="z")
    assert "Uploads" not in empty and not empty["IsTruncated"]


def base64_of(value):
    return base64.b64encode(value).decode()


def test_a_composite_checksum_is_made_of_the_parts(s3, bucket):
    upload = Upload(s3, bucket, ChecksumAlgorithm="SHA256")
    pieces = [BODY[: 5 * MIB], b"end"]
    parts = [upload.put(n, piece, ChecksumAlgorithm="SHA256") for n, piece in enumerate(pieces, 1)]
    digests = [hashlib.sha256(piece).digest() for piece in pieces]
    assert [part["ChecksumSHA256"] for part in parts] == [base64_of(value) for value in digests]
    without = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in parts]
    assert upload.fails(without) == (400, "InvalidRequest")
    swapped = [
        parts[0] | {"ChecksumSHA256": parts[1]["ChecksumSHA256"]},
        parts[1],
    ]
    assert upload.fails(swapped) == (400, "InvalidPart")
    whole = base64_of(hashlib.sha256(b"".join(digests)).digest()) + "-2"
    done = upload.complete(parts)
    assert (done["ChecksumSHA256"], done["ChecksumType"]) == (whole, "COMPOSITE")
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (head["ChecksumSHA256"], head["ChecksumType"]) == (whole, "COMPOSITE")


def test_a_full_object_checksum_is_that_of_all_the_bytes(s3, bucket):
    upload = Upload(s3, bucket, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    pieces = [BODY[: 5 * MIB], BODY[5 * MIB : 11 * MIB], b"end"]
    parts = [upload.put(n, piece) for n, piece in enumerate(pieces, 1)]
    whole = base64_of(zlib.crc32(b"".join(pieces)).to_bytes(4, "big"))
    assert upload.fails(parts, ChecksumCRC32="AAAAAA==") == (400, "BadDigest")
    done = upload.complete(parts, ChecksumCRC32=whole, ChecksumType="FULL_OBJECT")
    assert (done["ChecksumCRC32"], done["ChecksumType"]) == (whole, "FULL_OBJECT")


@pytest.mark.parametrize(
    ("algorithm", "kind"), [("SHA256", "FULL_OBJECT"), ("CRC64NVME", "COMPOSITE")]
)
def test_not_every_algorithm_goes_with_every_type(s3, bucket, algorithm, kind):
    start = {"Bucket": bucket, "Key": "k", "ChecksumAlgorithm": algorithm, "ChecksumType": kind}
    assert error_of(s3.create_multipart_upload, **start) == (400, "InvalidRequest")


def test_a_part_has_the_uploads_algorithm(s3, bucket):
    part = Upload(s3, bucket, ChecksumAlgorithm="SHA256").named | {"PartNumber": 1, "Body": b"x"}
    wrong = part | {"ChecksumAlgorithm": "SHA1"}
    assert error_of(s3.upload_part, **wrong) == (400, "InvalidRequest")


def test_the_attributes_of_an_object_name_its_parts(s3, bucket):
    upload = Upload(s3, bucket, ChecksumAlgorithm="SHA256")
    pieces = [BODY[: 5 * MIB], b"end"]
    parts = [upload.put(n, piece, ChecksumAlgorithm="SHA256") for n, piece in enumerate(pieces, 1)]
    upload.complete(parts)
    asked = {"Bucket": bucket, "Key": "k"}
    every = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
    found = s3.get_object_attributes(**asked, ObjectAttributes=every)
    assert found["ObjectSize"] == 5 * MIB + 3 and found["StorageClass"] == "STANDARD"
    assert found["ETag"] == s3.head_object(**asked)["ETag"].strip('"')
    assert [(p["PartNumber"], p["Size"]) for p in found["ObjectParts"]["Parts"]] == [
        (1, 5 * MIB),
        (2, 3),
    ]
    one = s3.get_object_attributes(**asked, ObjectAttributes=["ObjectSize"])
    assert "ETag" not in one and one["ObjectSize"] == 5 * MIB + 3
