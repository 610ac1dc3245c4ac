"""The object store as the engine uses it, without HTTP."""

import os
import random
import threading

import pytest

from maze_helpers.local_cloud.clock import Clock
from maze_helpers.local_cloud.services.s3.copying import copy_span
from maze_helpers.local_cloud.services.s3.errors import (
    BucketNotEmpty,
    NoSuchBucket,
    NoSuchKey,
    PreconditionFailed,
)
from maze_helpers.local_cloud.services.s3.listing import Listing
from maze_helpers.local_cloud.services.s3.multipart import Uploads
from maze_helpers.local_cloud.services.s3.new_content import NewContent
from maze_helpers.local_cloud.services.s3.objects import ObjectStore
from maze_helpers.local_cloud.services.s3.schema import Attributes
from maze_helpers.local_cloud.store import Store

MIB = 1 << 20


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "cloud.db")
    yield store
    store.close()


@pytest.fixture
def objects(store, tmp_path):
    objects = ObjectStore(store, tmp_path / "blobs", Clock())
    objects.create_bucket("bucket")
    return objects


@pytest.fixture
def upload(objects, tmp_path):
    """Upload bytes under a key."""

    def upload(key, body, content_type=None):
        (tmp_path / "source").write_bytes(body)
        return objects.upload("bucket", key, tmp_path / "source", content_type)

    return upload


def blobs(objects):
    return [path for path in objects.blobs.root.rglob("*") if path.is_file()]


@pytest.mark.parametrize("size_bytes", [0, 10, 16_385, 3 * MIB])
def test_a_file_comes_back_as_a_private_copy(objects, upload, tmp_path, size_bytes):
    body = random.Random(size_bytes).randbytes(size_bytes)
    info = upload("folder/key", body, "text/csv")
    target = tmp_path / "new" / "folder" / "copy"
    objects.download("bucket", "folder/key", target)
    assert target.read_bytes() == body
    target.write_bytes(b"changed")
    assert objects.open("bucket", "folder/key").read() == body
    assert (info.size_bytes, info.key, info.bucket) == (size_bytes, "folder/key", "bucket")
    assert objects.head("bucket", "folder/key") == info
    assert info.attributes.headers == {"content-type": "text/csv"}


def test_what_is_not_there_is_missed(objects, tmp_path):
    for call in (objects.head, objects.open):
        with pytest.raises(NoSuchKey):
            call("bucket", "missing")
        with pytest.raises(NoSuchBucket):
            call("missing", "key")
    with pytest.raises(NoSuchKey):
        objects.download("bucket", "missing", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    with pytest.raises(NoSuchBucket):
        list(objects.list_objects("missing", ""))
    assert objects.bucket_exists("bucket") and not objects.bucket_exists("missing")


def test_an_upload_to_no_bucket_leaves_no_blob(objects, tmp_path):
    (tmp_path / "source").write_bytes(bytes(MIB))
    with pytest.raises(NoSuchBucket):
        objects.upload("missing", "key", tmp_path / "source")
    assert blobs(objects) == []


def test_objects_are_listed_in_order_of_key_over_many_pages(objects, upload, store):
    info = upload("k", b"x")
    with store.transaction() as db:
        for number in range(2500):
            key = f"p/{number:04}".encode()
            db.execute(
                "INSERT INTO s3_objects SELECT bucket, ?, size_bytes, etag, modified_at,"
                " attributes, tags, blob_id, upload_id, small FROM s3_objects WHERE key = x'6b'",
                (key,),
            )
    assert [found.key for found in objects.list_objects("bucket", "p/")] == [
        f"p/{number:04}" for number in range(2500)
    ]
    assert list(objects.list_objects("bucket", "k")) == [info]
    assert list(objects.list_objects("bucket", "q")) == []


def test_a_listing_seeks_over_common_prefixes(objects, upload, store):
    for key in ("a/", "b", "c/"):
        upload(key, b"")
    with store.transaction() as db:
        db.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
            " INSERT INTO s3_objects SELECT bucket, CAST(key || i AS BLOB), 0, etag, modified_at,"
            " attributes, tags, blob_id, upload_id, small FROM s3_objects, n WHERE key != x'62'"
        )
    steps = []
    store.connection.set_progress_handler(lambda: steps.append(1), 100)
    page = Listing("bucket", b"", b"/").page(store.connection, b"", 1000)
    store.connection.set_progress_handler(None, 0)
    assert page.common_prefixes == ["a/", "c/"] and [row["key"] for row in page.rows] == [b"b"]
    # Reading each of the 40,000 rows would take over 4,000 times a hundred steps.
    assert len(steps) < 10


def test_an_open_file_can_be_read_from_anywhere(objects, upload):
    body = os.urandom(2 * MIB)
    upload("key", body)
    with objects.open("bucket", "key") as file:
        assert file.seek(-5, os.SEEK_END) == len(body) - 5
        assert file.read() == body[-5:]
        file.seek(100)
        assert file.read(10) == body[100:110] and file.tell() == 110


def test_an_open_file_of_parts_is_read_across_them(objects, store):
    uploads = Uploads(store, objects, Clock())
    started = uploads.create("bucket", "key", Attributes(), {})
    pieces = {1: os.urandom(5 * MIB), 2: os.urandom(5 * MIB + 3), 9: b"end"}
    wanted = []
    for number, piece in pieces.items():
        content = NewContent(objects.blobs, small_bytes=0)
        content.write(piece)
        part = uploads.put_part(started, number, content.close())
        wanted.append({"PartNumber": number, "ETag": part.etag})
    uploads.complete("bucket", "key", started.upload_id, wanted, None, None, None)
    body = b"".join(pieces.values())
    with objects.open("bucket", "key") as file:
        assert file.read() == body
        file.seek(5 * MIB - 2)
        assert file.read(4) == body[5 * MIB - 2 : 5 * MIB + 2]


@pytest.mark.parametrize("replace", [True, False])
def test_blobs_outlive_their_row_until_the_last_reader_is_done(objects, upload, replace):
    old = os.urandom(MIB)
    upload("key", old)
    first, second = objects.open("bucket", "key"), objects.open("bucket", "key")
    if replace:
        upload("key", b"new")
    else:
        objects.delete("bucket", "key")
    assert first.read(10) == old[:10] and len(blobs(objects)) == 1
    first.close()
    assert second.read() == old
    second.close()
    assert blobs(objects) == []


def test_a_reader_never_finds_its_blob_gone(objects, upload):
    bodies = [bytes([number]) * 20_000 for number in range(4)]
    upload("key", bodies[0])
    done, wrong = threading.Event(), []

    def read():
        while not done.is_set():
            with objects.open("bucket", "key") as file:
                if file.read() not in bodies:
                    wrong.append("torn")

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for turn in range(200):
        upload("key", bodies[turn % 4])
    done.set()
    for reader in readers:
        reader.join()
    assert not wrong and len(blobs(objects)) == 1


def test_recovery_removes_what_no_row_names_and_nothing_else(objects, upload, store):
    upload("kept", bytes(MIB))
    uploads = Uploads(store, objects, Clock())
    content = NewContent(objects.blobs, small_bytes=0)
    content.write(b"part")
    uploads.put_part(uploads.create("bucket", "k", Attributes(), {}), 1, content.close())
    kept = set(blobs(objects))
    half_written = objects.blobs.create()
    half_written.write([b"half"])
    objects.recover()
    assert set(blobs(objects)) == kept
    assert objects.open("bucket", "kept").read() == bytes(MIB)


def test_a_blob_that_cannot_be_removed_is_no_failure_of_the_put(objects, upload):
    upload("key", bytes(MIB))
    [blob] = blobs(objects)
    blob.unlink()
    blob.mkdir()
    upload("key", b"new" * MIB)
    assert objects.open("bucket", "key").read() == b"new" * MIB


def test_a_blob_that_was_cut_short_is_told_and_not_waited_for(objects, upload, tmp_path):
    upload("key", bytes(MIB))
    [blob] = blobs(objects)
    os.truncate(blob, 1000)
    stored = objects.read("bucket", "key")
    with stored.reader, pytest.raises(EOFError):
        copy_span(objects.blobs, stored.reader, range(MIB), None)
    assert blobs(objects) == [blob]


def test_a_condition_that_fails_changes_nothing(objects, upload):
    info = upload("key", b"x" * 20_000)

    def refuse(existing):
        assert existing == info
        raise PreconditionFailed()

    with pytest.raises(PreconditionFailed):
        objects.delete("bucket", "key", refuse)
    assert objects.head("bucket", "key") == info


def test_a_bucket_with_an_object_stays(objects, upload):
    upload("key", b"x")
    with pytest.raises(BucketNotEmpty):
        objects.delete_bucket("bucket")
    objects.delete("bucket", "key")
    objects.delete_bucket("bucket")
    assert not objects.bucket_exists("bucket")
