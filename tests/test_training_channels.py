"""An input channel: which S3 objects become which files."""

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze_helpers.local_cloud.clock import Clock
from maze_helpers.local_cloud.engine.channels import (
    ChannelError,
    ChannelObject,
    channel_objects,
    download_channel,
    download_objects,
    relative_path,
    share_by_key,
)
from maze_helpers.local_cloud.services.s3.objects import ObjectStore
from maze_helpers.local_cloud.store import Store


class Bucket:
    """A bucket of an object store, and a channel's folder beside it."""

    def __init__(self, tmp_path: Path) -> None:
        self.objects = ObjectStore(Store(tmp_path / "cloud.db"), tmp_path / "blobs", Clock())
        self.objects.create_bucket("bucket")
        self.source = tmp_path / "source"
        self.folder = tmp_path / "channel"

    def put(self, *keys: str) -> None:
        """Store objects, each with its own key as its content."""
        for key in keys:
            self.source.write_text(key)
            self.objects.upload("bucket", key, self.source)

    def files(self, prefix: str) -> dict[str, str]:
        """Download the channel and return its files' contents, by path."""
        download_channel(self.objects, f"s3://bucket/{prefix}", self.folder, lambda: None)
        paths = [path for path in self.folder.rglob("*") if path.is_file()]
        return {path.relative_to(self.folder).as_posix(): path.read_text() for path in paths}


@pytest.fixture
def bucket(tmp_path) -> Bucket:
    return Bucket(tmp_path)


@pytest.mark.parametrize("prefix", ["data/train", "data/train/"])
def test_a_folder_gives_what_is_below_it_with_or_without_its_last_slash(bucket, prefix):
    bucket.put("data/train/a.csv", "data/train/more/b.csv", "data/test/c.csv")
    assert bucket.files(prefix) == {
        "a.csv": "data/train/a.csv",
        "more/b.csv": "data/train/more/b.csv",
    }


def test_an_object_gives_a_file_of_its_name(bucket):
    bucket.put("data/train.csv")
    assert bucket.files("data/train.csv") == {"train.csv": "data/train.csv"}


def test_a_prefix_is_a_plain_string(bucket):
    """Documented for transform jobs, whose inputs are named alike."""
    bucket.put("data/train-1.csv", "data/train-2.csv", "data/test.csv")
    assert sorted(bucket.files("data/train")) == ["train-1.csv", "train-2.csv"]


def test_a_whole_bucket_can_be_a_channel(bucket):
    bucket.put("a.csv", "data/b.csv")
    assert sorted(bucket.files("")) == ["a.csv", "data/b.csv"]


def test_an_object_that_marks_a_folder_becomes_one(bucket):
    bucket.put("data/", "data/empty/", "data/a.csv")
    assert sorted(bucket.files("data/")) == ["a.csv"]
    assert (bucket.folder / "empty").is_dir()


@pytest.mark.parametrize(
    "key", ["data/../../../etc/cron", "data/a/../b", "data/./a", "data/" + "x" * 300]
)
def test_a_key_that_no_file_can_have_ends_the_download(bucket, key):
    bucket.put(key)
    with pytest.raises(ChannelError, match="cannot be the path of a file"):
        bucket.files("data/")


def test_a_name_cannot_be_both_a_folder_and_a_file(bucket):
    bucket.put("data/a", "data/a/b")
    with pytest.raises(ChannelError, match="both a folder and a file"):
        bucket.files("data/")


def test_two_keys_cannot_be_the_same_file(bucket):
    bucket.put("data/a/b", "data/a//b")
    with pytest.raises(ChannelError, match="are the same file"):
        bucket.files("data/")


def test_the_check_before_each_object_can_end_the_download(bucket):
    class Stop(Exception):
        pass

    def stop():
        raise Stop

    bucket.put("data/a")
    with pytest.raises(Stop):
        download_channel(bucket.objects, "s3://bucket/data", bucket.folder, stop)
    assert list(bucket.folder.iterdir()) == []


# Manifests


def manifest(bucket: Bucket, text: str) -> dict[str, str]:
    """Download the channel of a manifest's text and return its files' contents, by path."""
    bucket.source.write_text(text)
    bucket.objects.upload("bucket", "the.manifest", bucket.source)
    found = channel_objects(bucket.objects, "s3://bucket/the.manifest", "ManifestFile")
    download_objects(bucket.objects, found, bucket.folder, lambda: None)
    paths = [path for path in bucket.folder.rglob("*") if path.is_file()]
    return {path.relative_to(bucket.folder).as_posix(): path.read_text() for path in paths}


def test_a_manifest_gives_what_it_lists_at_the_relative_names(bucket):
    bucket.put("data/a.csv", "data/more/b.csv", "data/c.csv")
    text = '[{"prefix": "s3://bucket/data/"}, "more/b.csv", "a.csv", "a.csv"]'
    assert manifest(bucket, text) == {"a.csv": "data/a.csv", "more/b.csv": "data/more/b.csv"}


def test_a_prefix_and_a_name_in_a_manifest_are_put_together_as_they_are(bucket):
    bucket.put("data/train-1.csv")
    assert manifest(bucket, '[{"prefix": "s3://bucket/data/train"}, "-1.csv"]') == {
        "-1.csv": "data/train-1.csv"
    }


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '["a.csv"]', '[{"prefix": 3}, "a"]', '[{"prefix": "data/"}, "a"]', "[" * 9999],
)
def test_what_is_not_a_manifest_is_told_so(bucket, text):
    with pytest.raises(ChannelError, match="is not a JSON array"):
        manifest(bucket, text)


@pytest.mark.parametrize("name", ["3", '""', "null", '{"a": 1}'])
def test_what_is_not_a_name_in_a_manifest_is_told_so(bucket, name):
    with pytest.raises(ChannelError, match="something other than names"):
        manifest(bucket, f'[{{"prefix": "s3://bucket/"}}, {name}]')


def test_no_name_in_a_manifest_leaves_the_folder(bucket):
    with pytest.raises(ChannelError, match="cannot be the path of a file"):
        manifest(bucket, '[{"prefix": "s3://bucket/a/"}, "../b"]')


# Shards


@given(st.integers(0, 20), st.integers(1, 6))
def test_shards_hold_every_object_once_and_differ_by_one_at_most(count, hosts):
    found = [ChannelObject("bucket", f"data/{n:02}", f"{n:02}") for n in range(count)]
    shards = share_by_key(found, hosts)
    assert sorted((one for shard in shards for one in shard), key=str) == found
    assert len(shards) == hosts
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


def test_every_shard_has_the_folders():
    folder = ChannelObject("bucket", "data/empty/", "empty")
    assert share_by_key([folder], 2) == [[folder], [folder]]


_keys = st.text(alphabet="ab./", max_size=8)


@given(prefix=_keys, rest=_keys)
def test_no_key_whatsoever_leaves_its_folder(prefix, rest):
    try:
        path = PurePosixPath(relative_path(prefix + rest, prefix))
    except ChannelError:
        return
    assert not path.is_absolute() and ".." not in path.parts


@given(st.lists(st.text(alphabet="ab", min_size=1), min_size=1, max_size=3), st.booleans())
def test_below_a_folder_the_path_is_what_follows_it(names, slash):
    relative = "/".join(names)
    assert relative_path(f"data/{relative}", "data/" if slash else "data") == relative
