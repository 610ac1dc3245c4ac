"""Which objects a transform job reads, which instance reads which, and where their outputs go."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze_helpers.local_cloud.clock import Clock
from maze_helpers.local_cloud.engine.transform.inputs import (
    InputObject,
    NoInput,
    input_objects,
    output_uri,
    partition,
    relative_key,
)
from maze_helpers.local_cloud.services.s3.objects import ObjectStore
from maze_helpers.local_cloud.store import Store


@pytest.fixture
def objects(tmp_path):
    """An object store with a bucket."""
    store = Store(tmp_path / "cloud.db")
    found = ObjectStore(store, tmp_path / "blobs", Clock())
    found.create_bucket("bucket")
    yield found
    store.close()


def put(objects: ObjectStore, tmp_path: Path, *keys: str, body: bytes = b"1\n") -> None:
    path = tmp_path / "body"
    path.write_bytes(body)
    for key in keys:
        objects.upload("bucket", key, path)


def of_prefix(objects: ObjectStore, prefix: str) -> dict[str, str]:
    """Return the path of each key that a prefix names."""
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://bucket/{prefix}"}
    return {found.key: found.path for found in input_objects(objects, source)}


def of_manifest(objects: ObjectStore, tmp_path: Path, manifest: object) -> dict[str, str]:
    put(objects, tmp_path, "manifest", body=json.dumps(manifest).encode())
    source = {"S3DataType": "ManifestFile", "S3Uri": "s3://bucket/manifest"}
    return {found.key: found.path for found in input_objects(objects, source)}


def test_a_prefix_names_what_begins_with_it_in_order_of_key(objects, tmp_path):
    put(objects, tmp_path, "in/b.csv", "in/a/c.csv", "in_2/d.csv", "in/", "other")
    assert list(of_prefix(objects, "in").items()) == [
        ("in/a/c.csv", "a/c.csv"),
        ("in/b.csv", "b.csv"),
        ("in_2/d.csv", "in_2/d.csv"),
    ]
    assert list(of_prefix(objects, "in/")) == ["in/a/c.csv", "in/b.csv"]


def test_a_prefix_may_be_one_object_or_the_bucket(objects, tmp_path):
    put(objects, tmp_path, "data/in.csv", "more.csv")
    assert of_prefix(objects, "data/in.csv") == {"data/in.csv": "in.csv"}
    assert of_prefix(objects, "") == {"data/in.csv": "data/in.csv", "more.csv": "more.csv"}


def test_keys_that_no_file_could_have_are_keys_all_the_same(objects, tmp_path):
    put(objects, tmp_path, "in//a", "in/../a", "in/é" + 300 * "x", "in/a")
    assert of_prefix(objects, "in/") == {
        "in/../a": "../a",
        "in//a": "/a",
        "in/a": "a",
        "in/é" + 300 * "x": "é" + 300 * "x",
    }


def test_nothing_under_a_prefix_is_an_error(objects, tmp_path):
    put(objects, tmp_path, "in/")
    with pytest.raises(NoInput, match='No S3 objects found under S3 URL "s3://bucket/in"'):
        of_prefix(objects, "in")


def test_two_objects_with_one_output_are_refused(objects, tmp_path):
    put(objects, tmp_path, "data/in", "data/in/in")
    with pytest.raises(NoInput, match='"bucket/data/in" and "bucket/data/in/in" have the same'):
        of_prefix(objects, "data/in")


def test_a_manifest_names_keys_after_its_prefix(objects, tmp_path):
    manifest = [{"prefix": "s3://bucket/some/"}, "b/c.csv", "a.csv", "a.csv"]
    assert list(of_manifest(objects, tmp_path, manifest).items()) == [
        ("some/a.csv", "a.csv"),
        ("some/b/c.csv", "b/c.csv"),
    ]


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        ({}, "not a JSON array"),
        ([], "not a JSON array"),
        (["a.csv"], "not a JSON array"),
        ([{"prefix": 1}, "a.csv"], "not a JSON array"),
        ([{"prefix": "https://bucket/"}, "a.csv"], "not a JSON array"),
        ([{"prefix": "s3://bucket/"}, 1], "something other than names"),
        ([{"prefix": "s3://bucket/"}, ""], "something other than names"),
        ([{"prefix": "s3://bucket/"}], "No S3 objects found"),
    ],
)
def test_what_is_no_manifest_is_an_error(objects, tmp_path, manifest, why):
    with pytest.raises(NoInput, match=why):
        of_manifest(objects, tmp_path, manifest)


def test_a_manifest_that_is_not_there_is_an_error(objects):
    source = {"S3DataType": "ManifestFile", "S3Uri": "s3://bucket/none"}
    with pytest.raises(NoInput, match='The manifest "s3://bucket/none" cannot be read'):
        input_objects(objects, source)


@given(count=st.integers(0, 9), instances=st.integers(1, 12))
def test_every_object_is_one_instances_and_none_has_two_more_than_another(count, instances):
    inputs = [InputObject("bucket", str(number), str(number)) for number in range(count)]
    parts = partition(inputs, instances)
    assert sorted(found.key for part in parts for found in part) == [one.key for one in inputs]
    assert len(parts) == instances
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_objects_go_to_one_instance_after_another():
    inputs = [InputObject("bucket", key, key) for key in "abcde"]
    assert [[one.key for one in part] for part in partition(inputs, 2)] == [list("ace"), list("bd")]


@pytest.mark.parametrize("path", ["s3://bucket/out", "s3://bucket/out/"])
def test_an_output_is_below_the_output_path(path):
    found = InputObject("bucket", "in/a/b.csv", "a/b.csv")
    assert output_uri(path, found) == "s3://bucket/out/a/b.csv.out"


@given(names=st.lists(st.text("ab/", max_size=4), unique=True), prefix=st.text("ab/", max_size=3))
def test_keys_below_a_folder_have_outputs_of_their_own(names, prefix):
    folder = f"{prefix}/"
    assert len({relative_key(folder + name, folder) for name in names}) == len(names)
