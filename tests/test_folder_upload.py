"""A folder whose files go to S3 while a job writes them."""

import os
import time
from pathlib import Path

import pytest

from maze_helpers.local_cloud.clock import Clock
from maze_helpers.local_cloud.engine.container_folder import remove_folder
from maze_helpers.local_cloud.engine.folder_upload import FolderUpload
from maze_helpers.local_cloud.services.s3.errors import KeyTooLongError, NoSuchBucket
from maze_helpers.local_cloud.services.s3.objects import ObjectStore
from maze_helpers.local_cloud.store import Store


class CountingStore(ObjectStore):
    """An object store that knows how often each key was uploaded."""

    uploads: list[str]

    def upload(self, bucket: str, key: str, path: Path, content_type: str | None = None):
        self.uploads.append(key)
        return super().upload(bucket, key, path, content_type)


@pytest.fixture
def objects(tmp_path) -> CountingStore:
    store = CountingStore(Store(tmp_path / "cloud.db"), tmp_path / "blobs", Clock())
    store.uploads = []
    store.create_bucket("bucket")
    return store


@pytest.fixture
def folder(tmp_path) -> Path:
    path = tmp_path / "folder"
    path.mkdir()
    return path


def contents(objects: ObjectStore) -> dict[str, bytes]:
    return {
        found.key: objects.open("bucket", found.key).read()
        for found in objects.list_objects("bucket")
    }


def test_what_was_there_before_is_not_stored_again(objects, folder):
    (folder / "old").write_text("old")
    upload = FolderUpload(objects, folder, "s3://bucket/c")
    upload.start()
    (folder / "new").write_text("new")
    upload.finish()
    assert contents(objects) == {"c/new": b"new"}


def test_a_change_is_stored_and_a_removal_is_not(objects, folder):
    upload = FolderUpload(objects, folder, "s3://bucket/c/")
    upload.start()
    (folder / "a").write_text("1")
    (folder / "b").write_text("1")
    deadline_s = time.monotonic() + 60
    while len(contents(objects)) < 2:
        assert time.monotonic() < deadline_s
        time.sleep(0.02)
    (folder / "a").write_text("22")
    (folder / "b").unlink()
    upload.finish()
    assert contents(objects) == {"c/a": b"22", "c/b": b"1"}


def test_a_file_that_stays_as_it_is_goes_once(objects, folder):
    upload = FolderUpload(objects, folder, "s3://bucket/c")
    upload.start()
    (folder / "a").write_text("1")
    deadline_s = time.monotonic() + 60
    while not objects.uploads:
        assert time.monotonic() < deadline_s
        time.sleep(0.02)
    upload.finish()
    assert objects.uploads == ["c/a"]


def test_links_are_not_followed(objects, folder, tmp_path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("secret")
    upload = FolderUpload(objects, folder, "s3://bucket/c")
    upload.start()
    (folder / "file").symlink_to(tmp_path / "secret" / "key")
    (folder / "folder").symlink_to(tmp_path / "secret")
    upload.finish()
    assert contents(objects) == {}


def test_a_link_in_the_folders_place_is_not_followed(objects, folder, tmp_path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("secret")
    upload = FolderUpload(objects, folder, "s3://bucket/c")
    upload.start()
    folder.rmdir()
    folder.symlink_to(tmp_path / "secret")
    upload.finish()
    assert contents(objects) == {}


def test_a_folder_that_was_never_made_stores_nothing(objects, tmp_path):
    upload = FolderUpload(objects, tmp_path / "absent", "s3://bucket/c")
    upload.start()
    upload.finish()
    assert contents(objects) == {}


def test_what_cannot_be_stored_is_told_at_the_end(objects, folder):
    upload = FolderUpload(objects, folder, "s3://no-such-bucket/c")
    upload.start()
    (folder / "a").write_text("1")
    with pytest.raises(NoSuchBucket):
        upload.finish()


def test_a_name_that_no_key_can_have_is_told_at_the_end(objects, folder):
    upload = FolderUpload(objects, folder, "s3://bucket/c")
    upload.start()
    with open(os.fsencode(folder) + b"/\xff", "w"):
        pass
    with pytest.raises(OSError, match="is not UTF-8"):
        upload.finish()


def test_an_upload_that_never_began_ends_without_a_word(objects, folder):
    (folder / "a").write_text("1")
    FolderUpload(objects, folder, "s3://bucket/c").finish()
    assert contents(objects) == {}


def test_a_key_that_is_too_long_is_told_at_the_end(objects, folder):
    upload = FolderUpload(objects, folder, "s3://bucket/c")
    upload.start()
    deep = folder / "/".join(["d" * 200] * 6)
    deep.mkdir(parents=True)
    (deep / "a").write_text("1")
    with pytest.raises(KeyTooLongError):
        upload.finish()
    assert contents(objects) == {}


def test_folders_that_cannot_be_read_are_told_at_the_end(objects, folder, monkeypatch):
    upload = FolderUpload(objects, folder, "s3://bucket/c")
    upload.start()
    # Their path is longer than the system takes.
    monkeypatch.chdir(folder)
    for _ in range(25):
        os.mkdir("d" * 200)
        os.chdir("d" * 200)
    with pytest.raises(OSError, match="too long"):
        upload.finish()
    remove_folder(folder)
