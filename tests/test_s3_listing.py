"""Listings: in byte order, rolled up, in pages; whatever the pages, what they hold is the same."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from s3_client import error_of, new_bucket

# Few letters, so that prefixes and delimiters meet keys; € and 𝄞 sort differently in UTF-16.
NAMES = st.text("ab/€𝄞\uffff", min_size=1, max_size=5)
KEYS = st.lists(NAMES, min_size=1, max_size=25, unique=True)
PREFIXES = st.text("ab/€", max_size=2)
DELIMITERS = st.sampled_from(["", "/", "a", "b/", "€"])


def fill(s3, keys):
    bucket = new_bucket(s3)
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    return bucket


def model(keys, prefix, delimiter, after=""):
    """What S3 documents: the keys and the common prefixes, each in byte order."""
    found, rolled = [], []
    for key in sorted(keys, key=str.encode):
        if not key.startswith(prefix) or key.encode() <= after.encode():
            continue
        head, separator, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
        if separator:
            rolled.append(prefix + head + separator)
        else:
            found.append(key)
    return found, list(dict.fromkeys(rolled))


def listed(pages):
    """The keys and common prefixes of pages, and how many items each page had."""
    found, rolled, sizes = [], [], []
    for page in pages:
        keys = [entry["Key"] for entry in page.get("Contents", ())]
        prefixes = [entry["Prefix"] for entry in page.get("CommonPrefixes", ())]
        assert page.get("KeyCount", len(keys) + len(prefixes)) == len(keys) + len(prefixes)
        found += keys
        rolled += prefixes
        sizes.append(len(keys) + len(prefixes))
    return found, rolled, sizes


@settings(max_examples=40, deadline=None)
@given(
    keys=KEYS,
    prefix=PREFIXES,
    delimiter=DELIMITERS,
    size=st.integers(1, 7),
    after=NAMES | st.just(""),
)
def test_pages_of_version_2_hold_what_the_model_says(s3, keys, prefix, delimiter, size, after):
    bucket = fill(s3, keys)
    asked = {"Bucket": bucket, "Prefix": prefix, "Delimiter": delimiter, "StartAfter": after}
    pages = s3.get_paginator("list_objects_v2").paginate(
        **asked, PaginationConfig={"PageSize": size}
    )
    found, rolled, sizes = listed(pages)
    assert (found, rolled) == model(keys, prefix, delimiter, after)
    assert all(count == size for count in sizes[:-1]) and sizes[-1] <= size


@settings(max_examples=25, deadline=None)
@given(keys=KEYS, prefix=PREFIXES, delimiter=DELIMITERS, size=st.integers(1, 7))
@pytest.mark.parametrize("operation", ["list_objects", "list_object_versions"])
def test_pages_by_marker_hold_what_the_model_says(s3, operation, keys, prefix, delimiter, size):
    bucket = fill(s3, keys)
    pages = s3.get_paginator(operation).paginate(
        Bucket=bucket, Prefix=prefix, Delimiter=delimiter, PaginationConfig={"PageSize": size}
    )
    pages = [page | {"Contents": page.get("Contents", page.get("Versions", []))} for page in pages]
    found, rolled, _ = listed(pages)
    assert (found, rolled) == model(keys, prefix, delimiter)


def test_a_marker_inside_a_common_prefix_skips_all_of_it(s3):
    # observed on AWS (documented by test suites that run there).
    bucket = fill(s3, ["a/1", "a/2", "b/1", "c"])
    page = s3.list_objects(Bucket=bucket, Delimiter="/", Marker="a/1")
    assert listed([page])[:2] == (["c"], ["b/"])


def test_the_next_marker_is_given_only_with_a_delimiter(s3):
    bucket = fill(s3, ["a", "b/1", "c"])
    assert s3.list_objects(Bucket=bucket, MaxKeys=2, Delimiter="/")["NextMarker"] == "b/"
    assert "NextMarker" not in s3.list_objects(Bucket=bucket, MaxKeys=2)


def test_an_entry_says_what_the_object_is(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"abc", StorageClass="STANDARD_IA")
    entry = s3.list_objects_v2(Bucket=bucket)["Contents"][0]
    head = s3.head_object(Bucket=bucket, Key="k")
    assert entry["Size"] == 3 and entry["ETag"] == head["ETag"]
    assert entry["LastModified"] == head["LastModified"]
    assert entry["StorageClass"] == "STANDARD_IA"
    assert entry["ChecksumAlgorithm"] == ["CRC32"] and "Owner" not in entry


def test_the_owner_is_told_to_who_asks(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"abc")
    owner = s3.list_buckets()["Owner"]["ID"]
    page = s3.list_objects_v2(Bucket=bucket, FetchOwner=True)
    assert page["Contents"][0]["Owner"]["ID"] == owner
    assert s3.list_objects(Bucket=bucket)["Contents"][0]["Owner"]["ID"] == owner


def test_max_keys_of_zero_gives_an_empty_last_page(s3):
    bucket = fill(s3, ["a", "b"])
    page = s3.list_objects_v2(Bucket=bucket, MaxKeys=0)
    assert page["KeyCount"] == 0 and page["MaxKeys"] == 0 and not page["IsTruncated"]


def test_a_page_never_has_more_than_a_thousand(s3, bucket, local_cloud):
    keys = [f"{number:04}" for number in range(1003)]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    page = s3.list_objects_v2(Bucket=bucket, MaxKeys=5000)
    assert (page["KeyCount"], page["MaxKeys"], page["IsTruncated"]) == (1000, 1000, True)
    rest = s3.list_objects_v2(Bucket=bucket, ContinuationToken=page["NextContinuationToken"])
    assert [entry["Key"] for entry in rest["Contents"]] == keys[1000:]
    assert not rest["IsTruncated"]


def test_a_token_goes_on_where_it_was_though_the_next_key_is_gone(s3):
    bucket = fill(s3, ["a", "b", "c", "d"])
    page = s3.list_objects_v2(Bucket=bucket, MaxKeys=2)
    s3.delete_object(Bucket=bucket, Key="c")
    rest = s3.list_objects_v2(Bucket=bucket, ContinuationToken=page["NextContinuationToken"])
    assert listed([rest])[0] == ["d"]


@pytest.mark.parametrize(
    "wrong", [{"ContinuationToken": "?"}, {"MaxKeys": -1}, {"EncodingType": "gzip"}]
)
def test_arguments_that_make_no_sense_are_refused(s3, bucket, wrong):
    assert error_of(s3.list_objects_v2, Bucket=bucket, **wrong) == (400, "InvalidArgument")


def test_keys_come_encoded_to_who_asks(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a b+c/d&e%", Body=b"")
    # boto3 asks by itself, and decodes; told the encoding, it leaves that to its caller.
    page = s3.list_objects_v2(Bucket=bucket, EncodingType="url", Delimiter="&")
    assert page["CommonPrefixes"] == [{"Prefix": "a%20b%2Bc/d%26"}]
    assert page["EncodingType"] == "url"
