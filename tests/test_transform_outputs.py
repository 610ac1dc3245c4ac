"""A transform job's outputs become objects all together, or leave nothing."""

import pytest

from maze_helpers.local_cloud.clock import Clock
from maze_helpers.local_cloud.engine.transform.outputs import Outputs
from maze_helpers.local_cloud.services.s3.errors import NoSuchBucket
from maze_helpers.local_cloud.services.s3.objects import ObjectStore
from maze_helpers.local_cloud.store import Store


@pytest.fixture
def store(tmp_path):
    found = Store(tmp_path / "cloud.db")
    yield found
    found.close()


@pytest.fixture
def objects(tmp_path, store):
    """An object store with a bucket."""
    found = ObjectStore(store, tmp_path / "blobs", Clock())
    found.create_bucket("bucket")
    return found


def outputs_of(objects: ObjectStore, contents: dict[str, bytes]) -> Outputs:
    outputs = Outputs(objects)
    for uri, data in contents.items():
        content = outputs.new()
        content.write(data)
        outputs.keep(uri, content)
    return outputs


def store_all(store: Store, objects: ObjectStore, outputs: Outputs) -> None:
    with store.transaction() as db:
        garbage = outputs.store(db)
    objects.blobs.remove(garbage)


def found_in(objects: ObjectStore) -> dict[str, bytes]:
    found = {}
    for one in objects.list_objects("bucket"):
        with objects.open("bucket", one.key) as file:
            found[one.key] = file.read()
    return found


def n_blobs(objects: ObjectStore) -> int:
    return sum(path.is_file() for path in objects.blobs.root.rglob("*"))


CONTENTS = {"s3://bucket/a.out": b"", "s3://bucket/b/c.out": b"1\n" * 50_000}


def test_outputs_are_objects_once_they_are_stored(store, objects):
    outputs = outputs_of(objects, CONTENTS)
    assert found_in(objects) == {}
    store_all(store, objects, outputs)
    assert found_in(objects) == {"a.out": b"", "b/c.out": b"1\n" * 50_000}
    objects.recover()
    assert found_in(objects) == {"a.out": b"", "b/c.out": b"1\n" * 50_000}


def test_what_they_replace_is_removed(store, objects):
    for _ in range(2):
        store_all(store, objects, outputs_of(objects, CONTENTS))
    assert n_blobs(objects) == 2


def test_those_that_are_discarded_leave_nothing(objects):
    outputs_of(objects, CONTENTS).discard()
    assert n_blobs(objects) == 0


def test_where_one_has_no_place_none_is_stored(store, objects):
    outputs = outputs_of(objects, {**CONTENTS, "s3://none/d.out": b"2"})
    with pytest.raises(NoSuchBucket):
        store_all(store, objects, outputs)
    assert found_in(objects) == {}
    outputs.discard()
    assert n_blobs(objects) == 0
