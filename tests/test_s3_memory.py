"""Memory: the server uses as much for a large object as for a small one."""

import os
import threading
import time
from contextlib import contextmanager

from s3_client import new_bucket

MB = 1_000_000
# Room for the buffers of ten parts at once, far below the size of the object.
ALLOWED_BYTES = 60 * MB


class Zeros:
    """A file of many bytes that takes no room."""

    def __init__(self, size_bytes) -> None:
        self.size_bytes = size_bytes
        self.at = 0

    def read(self, size=-1):
        size = min(size if size >= 0 else self.size_bytes, self.size_bytes - self.at)
        self.at += size
        return bytes(size)

    def seek(self, offset, whence=os.SEEK_SET):
        self.at = (
            offset + {os.SEEK_SET: 0, os.SEEK_CUR: self.at, os.SEEK_END: self.size_bytes}[whence]
        )
        return self.at

    def tell(self):
        return self.at


@contextmanager
def peak_of(cloud):
    """Measure the most memory that the server uses meanwhile, in bytes."""
    process, done, peak = cloud.info.process(), threading.Event(), []

    def watch():
        while not done.wait(0.01):
            peak.append(process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()


def download(s3, bucket, key):
    return sum(
        len(chunk) for chunk in s3.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(MB)
    )


def test_memory_does_not_grow_with_an_object(new_cloud):
    s3 = new_cloud.client("s3")
    bucket = new_bucket(s3)
    s3.put_object(Bucket=bucket, Key="small", Body=Zeros(MB))
    assert download(s3, bucket, "small") == MB
    before = new_cloud.info.process().memory_info().rss
    with peak_of(new_cloud) as peak:
        s3.put_object(Bucket=bucket, Key="large", Body=Zeros(300 * MB))
        assert download(s3, bucket, "large") == 300 * MB
        s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/large")
        s3.upload_fileobj(Zeros(300 * MB), bucket, "parts")
        assert download(s3, bucket, "parts") == 300 * MB
    assert max(peak) - before < ALLOWED_BYTES


def test_memory_does_not_grow_with_a_client_that_does_not_read(new_cloud):
    s3 = new_cloud.client("s3")
    bucket = new_bucket(s3)
    s3.put_object(Bucket=bucket, Key="large", Body=Zeros(200 * MB))
    before = new_cloud.info.process().memory_info().rss
    with peak_of(new_cloud) as peak:
        bodies = [s3.get_object(Bucket=bucket, Key="large")["Body"] for _ in range(5)]
        for body in bodies:
            assert body.read(1000) == bytes(1000)
        s3.put_object(Bucket=bucket, Key="small", Body=b"x")
        for body in bodies:
            body.close()
    assert max(peak) - before < ALLOWED_BYTES


def test_a_client_that_goes_away_ends_its_download(new_cloud):
    s3 = new_cloud.client("s3")
    bucket = new_bucket(s3)
    s3.put_object(Bucket=bucket, Key="large", Body=Zeros(100 * MB))
    s3.get_object(Bucket=bucket, Key="large")["Body"].close()
    process = new_cloud.info.process()
    deadline = time.monotonic() + 20
    while any("/blobs/" in file.path for file in process.open_files()):
        assert time.monotonic() < deadline
