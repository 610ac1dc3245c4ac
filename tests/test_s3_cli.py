"""The AWS CLI's S3 commands, as anybody types them."""

import os
import random
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from s3_client import keys_of


@pytest.fixture(scope="module")
def aws(local_cloud):
    """Run an AWS CLI command; return what it printed. ok=False: it has to fail."""

    def run(*arguments, ok=True, **options):
        command = [str(Path(sys.executable).with_name("aws")), *map(str, arguments)]
        done = subprocess.run(command, env=local_cloud.env, capture_output=True, **options)
        assert (done.returncode == 0) is ok, done.stderr.decode()
        return (done.stdout if ok else done.stderr).decode()

    return run


@pytest.fixture
def tree(tmp_path):
    """A folder with files, some with names that need care."""
    for name in ("a.txt", "folder/b c.txt", "folder/ü&+%.txt", "folder/deep/empty"):
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"" if name.endswith("empty") else name.encode())
        # S3's times have whole seconds: of a file as young as its copy, sync cannot tell.
        os.utime(path, (time.time() - 60, time.time() - 60))
    return tmp_path / "tree"


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_bucket_is_made_listed_and_removed(aws):
    assert aws("s3", "mb", "s3://made-by-cli") == "make_bucket: made-by-cli\n"
    assert "made-by-cli" in aws("s3", "ls")
    assert aws("s3", "rb", "s3://made-by-cli") == "remove_bucket: made-by-cli\n"
    assert "NoSuchBucket" in aws("s3", "ls", "s3://made-by-cli", ok=False)


def test_a_file_goes_up_over_and_down(aws, bucket, tmp_path):
    (tmp_path / "up").write_bytes(b"bytes")
    aws("s3", "cp", tmp_path / "up", f"s3://{bucket}/a/b")
    aws("s3", "cp", f"s3://{bucket}/a/b", f"s3://{bucket}/c")
    aws("s3", "mv", f"s3://{bucket}/c", tmp_path / "down")
    assert (tmp_path / "down").read_bytes() == b"bytes"
    listing = aws("s3", "ls", f"s3://{bucket}", "--recursive")
    assert listing.split()[-2:] == ["5", "a/b"] and "c\n" not in listing


def test_a_large_file_goes_up_over_and_down_in_parts(aws, s3, bucket, tmp_path):
    body = random.Random(0).randbytes(20_000_000)
    (tmp_path / "up").write_bytes(body)
    aws("s3", "cp", tmp_path / "up", f"s3://{bucket}/large")
    aws("s3", "cp", f"s3://{bucket}/large", f"s3://{bucket}/copy")
    aws("s3", "cp", f"s3://{bucket}/copy", tmp_path / "down")
    assert (tmp_path / "down").read_bytes() == body
    assert s3.head_object(Bucket=bucket, Key="large")["ETag"].endswith('-3"')


def test_a_stream_goes_up_and_down(aws, bucket):
    aws("s3", "cp", "-", f"s3://{bucket}/k", input=b"from a pipe")
    assert aws("s3", "cp", f"s3://{bucket}/k", "-") == "from a pipe"


def test_folders_are_synchronised_both_ways(aws, s3, bucket, tree, tmp_path):
    aws("s3", "sync", tree, f"s3://{bucket}/tree")
    assert keys_of(s3, bucket) == sorted(f"tree/{name}" for name in files(tree))
    assert aws("s3", "sync", tree, f"s3://{bucket}/tree") == ""
    (tree / "a.txt").write_bytes(b"changed, and longer")
    (tree / "folder" / "b c.txt").unlink()
    aws("s3", "sync", "--delete", tree, f"s3://{bucket}/tree")
    aws("s3", "sync", f"s3://{bucket}/tree", tmp_path / "copy")
    assert files(tmp_path / "copy") == files(tree)


def test_prefixes_are_listed_like_folders(aws, bucket, tree):
    aws("s3", "sync", tree, f"s3://{bucket}")
    listing = aws("s3", "ls", f"s3://{bucket}/folder/")
    assert "PRE deep/" in listing and "ü&+%.txt" in listing and "a.txt" not in listing


def test_all_is_removed(aws, s3, bucket, tree):
    aws("s3", "sync", tree, f"s3://{bucket}")
    aws("s3", "rm", f"s3://{bucket}/folder", "--recursive")
    assert keys_of(s3, bucket) == ["a.txt"]
    aws("s3", "rb", f"s3://{bucket}", "--force")
    assert bucket not in aws("s3", "ls")


def test_a_presigned_url_is_read_by_anybody(aws, s3, bucket):
    s3.put_object(Bucket=bucket, Key="a b", Body=b"bytes")
    url = aws("s3", "presign", f"s3://{bucket}/a b").strip()
    with urllib.request.urlopen(url, timeout=30) as answer:
        assert answer.read() == b"bytes"


def test_the_s3api_commands_answer_in_json(aws, s3, bucket, tmp_path):
    (tmp_path / "up").write_bytes(b"bytes")
    put = ["s3api", "put-object", "--bucket", bucket, "--key", "k", "--body", tmp_path / "up"]
    aws(*put, "--metadata", "a=b", "--tagging", "c=d")
    head = aws("s3api", "head-object", "--bucket", bucket, "--key", "k", "--query", "Metadata.a")
    assert head == '"b"\n'
    keys = ["--query", "Contents[].Key", "--output", "text"]
    assert aws("s3api", "list-objects-v2", "--bucket", bucket, *keys) == "k\n"
    aws("s3api", "wait", "object-exists", "--bucket", bucket, "--key", "k")
    got = aws("s3api", "get-object", "--bucket", bucket, "--key", "k", tmp_path / "down")
    assert '"ContentLength": 5' in got and (tmp_path / "down").read_bytes() == b"bytes"


def test_an_error_is_told_in_awss_words(aws, bucket):
    told = aws("s3api", "get-object", "--bucket", bucket, "--key", "missing", os.devnull, ok=False)
    assert "An error occurred (NoSuchKey) when calling the GetObject operation" in told
    told = aws("s3api", "get-bucket-cors", "--bucket", bucket, ok=False)
    assert "(NotImplemented)" in told and "GetBucketCors" in told
