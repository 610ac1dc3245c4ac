"""Tags of objects, set with the object or after it."""

import pytest
from s3_client import error_of, new_bucket

TAGS = [{"Key": "project", "Value": "maze"}, {"Key": "größe", "Value": "a b+c/d"}]


@pytest.fixture
def there(s3):
    bucket = new_bucket(s3)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    return {"Bucket": bucket, "Key": "k"}


def test_tags_are_set_replaced_and_removed(s3, there):
    assert s3.get_object_tagging(**there)["TagSet"] == []
    s3.put_object_tagging(**there, Tagging={"TagSet": TAGS})
    assert s3.get_object_tagging(**there)["TagSet"] == TAGS
    assert s3.head_object(**there)["TagCount"] == 2
    s3.put_object_tagging(**there, Tagging={"TagSet": TAGS[:1]})
    assert s3.get_object_tagging(**there)["TagSet"] == TAGS[:1]
    s3.delete_object_tagging(**there)
    assert s3.get_object_tagging(**there)["TagSet"] == []


def test_tags_come_with_an_object(s3, there):
    s3.put_object(**there, Body=b"y", Tagging="a=1&b=x%20y&c=")
    assert s3.get_object_tagging(**there)["TagSet"] == [
        {"Key": "a", "Value": "1"},
        {"Key": "b", "Value": "x y"},
        {"Key": "c", "Value": ""},
    ]


def test_tags_come_with_an_upload_in_parts(s3, there):
    upload = there | {"UploadId": s3.create_multipart_upload(**there, Tagging="a=1")["UploadId"]}
    part = {"PartNumber": 1, "ETag": s3.upload_part(**upload, PartNumber=1, Body=b"z")["ETag"]}
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [part]})
    assert s3.get_object_tagging(**there)["TagSet"] == [{"Key": "a", "Value": "1"}]


def test_tags_change_neither_bytes_nor_time(s3, there):
    before = s3.head_object(**there)
    s3.put_object_tagging(**there, Tagging={"TagSet": TAGS})
    after = s3.head_object(**there)
    assert before["LastModified"] == after["LastModified"] and before["ETag"] == after["ETag"]


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ([("a", "1"), ("a", "2")], "InvalidTag"),
        ([("k" * 129, "v")], "InvalidTag"),
        ([("k", "v" * 257)], "InvalidTag"),
        ([("aws:k", "v")], "InvalidTag"),
        ([("k!", "v")], "InvalidTag"),
        ([(str(number), "v") for number in range(11)], "BadRequest"),
    ],
)
def test_tags_against_the_rules_are_refused(s3, there, tags, code):
    tag_set = {"TagSet": [{"Key": key, "Value": value} for key, value in tags]}
    assert error_of(s3.put_object_tagging, **there, Tagging=tag_set) == (400, code)
    assert s3.get_object_tagging(**there)["TagSet"] == []


def test_what_is_not_there_has_no_tags(s3, there):
    missing = there | {"Key": "missing"}
    assert error_of(s3.get_object_tagging, **missing) == (404, "NoSuchKey")
    tagging = {"Tagging": {"TagSet": TAGS}}
    assert error_of(s3.put_object_tagging, **missing, **tagging) == (404, "NoSuchKey")
