"""What was acknowledged outlives a `kill -9`; what was not leaves nothing half done."""

import os
import random
import threading
import time

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from s3_client import keys_of, new_bucket

MIB = 1 << 20
# In the row, in a file, in several chunks; and every so often, an upload in parts.
SIZES = [100, 5_000, 40_000, 400_000, 2_500_000]
NO_RETRIES = {"retries": {"max_attempts": 0}, "connect_timeout": 5, "read_timeout": 20}


def body(number):
    return random.Random(number).randbytes(SIZES[number % len(SIZES)] + number)


class Writer(threading.Thread):
    """Writes object after object until the server goes away; knows which were acknowledged."""

    def __init__(self, cloud, bucket, first, last) -> None:
        super().__init__()
        self.s3 = cloud.client("s3", **NO_RETRIES)
        self.bucket = bucket
        self.numbers = range(first, last)
        self.acknowledged = []
        self.tried = []

    def run(self) -> None:
        for number in self.numbers:
            self.tried.append(number)
            try:
                self.write(number)
            except (BotoCoreError, ClientError, OSError):
                return
            self.acknowledged.append(number)

    def write(self, number) -> None:
        named = {"Bucket": self.bucket, "Key": f"k{number}"}
        if number % 7:
            self.s3.put_object(**named, Body=body(number))
            return
        upload = named | {"UploadId": self.s3.create_multipart_upload(**named)["UploadId"]}
        etag = self.s3.upload_part(**upload, PartNumber=1, Body=body(number))["ETag"]
        parts = [{"PartNumber": 1, "ETag": etag}]
        self.s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})


def stored_bytes(cloud):
    return sum(path.stat().st_size for path in (cloud.home / "blobs").rglob("*") if path.is_file())


def test_every_acknowledged_object_outlives_the_servers_death(new_cloud):
    bucket = new_bucket(new_cloud.client("s3"))
    acknowledged, tried, chance = [], [], random.Random(3)
    for life in range(4):
        first = life * 100
        writers = [Writer(new_cloud, bucket, first + i * 50, first + i * 50 + 50) for i in (0, 1)]
        for writer in writers:
            writer.start()
        enough = chance.randrange(5, 40)
        while sum(len(writer.acknowledged) for writer in writers) < enough:
            assert any(writer.is_alive() for writer in writers)
            time.sleep(0.001)
        new_cloud.kill()
        for writer in writers:
            writer.join()
            acknowledged += writer.acknowledged
            tried += writer.tried
        new_cloud.start()
    check(new_cloud, bucket, acknowledged, tried)


def check(cloud, bucket, acknowledged, tried):
    """All that was acknowledged is there, byte for byte; anything else is whole or not there."""
    s3 = cloud.client("s3")
    found = {int(key[1:]) for key in keys_of(s3, bucket)}
    assert len(acknowledged) > 20 and set(acknowledged) <= found <= set(tried)
    for number in found:
        assert s3.get_object(Bucket=bucket, Key=f"k{number}")["Body"].read() == body(number)
    pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket)
    for upload in [upload for page in pages for upload in page.get("Uploads", ())]:
        s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    large = sum(len(body(n)) for n in found if len(body(n)) > 16_384 or n % 7 == 0)
    assert stored_bytes(cloud) == large


def test_an_upload_in_parts_goes_on_after_a_restart(new_cloud):
    s3 = new_cloud.client("s3")
    named = {"Bucket": new_bucket(s3), "Key": "k"}
    upload = named | {"UploadId": s3.create_multipart_upload(**named)["UploadId"]}
    pieces = {1: os.urandom(5 * MIB), 2: os.urandom(100)}
    etags = {1: s3.upload_part(**upload, PartNumber=1, Body=pieces[1])["ETag"]}
    new_cloud.kill()
    new_cloud.start()
    etags[2] = s3.upload_part(**upload, PartNumber=2, Body=pieces[2])["ETag"]
    parts = [{"PartNumber": number, "ETag": etag} for number, etag in etags.items()]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    assert s3.get_object(**named)["Body"].read() == pieces[1] + pieces[2]


@pytest.mark.slow
def test_deleted_and_replaced_objects_stay_so(new_cloud):
    s3 = new_cloud.client("s3")
    bucket = new_bucket(s3)
    for key in ("deleted", "replaced"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"old" * 50_000)
    s3.delete_object(Bucket=bucket, Key="deleted")
    s3.put_object(Bucket=bucket, Key="replaced", Body=b"new" * 30_000, Metadata={"a": "b"})
    new_cloud.kill()
    new_cloud.start()
    assert keys_of(s3, bucket) == ["replaced"]
    found = s3.get_object(Bucket=bucket, Key="replaced")
    assert found["Body"].read() == b"new" * 30_000 and found["Metadata"] == {"a": "b"}
    assert stored_bytes(new_cloud) == 90_000
