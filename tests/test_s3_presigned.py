"""Presigned URLs: plain HTTP clients read and write with them, and with nothing else."""

import datetime
import urllib.error
import urllib.request
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from s3_client import keys_of, new_bucket
from signed_requests import send

NOW = datetime.datetime.now(datetime.timezone.utc)


@pytest.fixture(scope="module")
def s3(local_cloud):
    # In some regions boto3 presigns with Signature Version 2 unless it is told not to.
    return local_cloud.client("s3", signature_version="s3v4")


@pytest.fixture
def there(s3):
    bucket = new_bucket(s3)
    s3.put_object(Bucket=bucket, Key="a key/ü+&=", Body=b"bytes", ContentType="text/plain")
    return {"Bucket": bucket, "Key": "a key/ü+&="}


def fetch(url, method="GET", body=None, **headers):
    """Answer a URL with Python's own client: status, headers, body."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data=body, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def test_an_object_is_read(s3, there):
    status, headers, body = fetch(s3.generate_presigned_url("get_object", there))
    assert (status, body, headers["content-type"]) == (200, b"bytes", "text/plain")


def test_an_object_is_read_by_ranges_though_the_range_is_not_signed(s3, there):
    url = s3.generate_presigned_url("get_object", there)
    assert fetch(url, Range="bytes=1-2")[::2] == (206, b"yt")


def test_an_answers_headers_can_be_signed_for(s3, there):
    asked = there | {"ResponseContentDisposition": 'attachment; filename="a.txt"'}
    url = s3.generate_presigned_url("get_object", asked)
    assert fetch(url)[1]["content-disposition"] == 'attachment; filename="a.txt"'
    assert fetch(url.replace("a.txt", "b.txt"))[0] == 403


def test_an_object_is_written(s3, there):
    target = there | {"Key": "new", "ContentType": "text/csv", "Metadata": {"a": "b"}}
    url = s3.generate_presigned_url("put_object", target)
    headers = {"Content_Type": "text/csv", "x_amz_meta_a": "b"}
    assert fetch(url, "PUT", b"x" * 300_000, **headers)[0] == 200
    found = s3.get_object(Bucket=there["Bucket"], Key="new")
    assert found["Body"].read() == b"x" * 300_000
    assert (found["ContentType"], found["Metadata"]) == ("text/csv", {"a": "b"})


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Type": "text/html", "x_amz_meta_a": "b"},
        {"Content_Type": "text/csv", "x_amz_meta_a": "c"},
        {"Content_Type": "text/csv"},
        {"Content_Type": "text/csv", "x_amz_meta_a": "b", "x_amz_meta_more": "d"},
    ],
)
def test_what_was_signed_for_has_to_be_sent(s3, there, headers):
    target = there | {"Key": "new", "ContentType": "text/csv", "Metadata": {"a": "b"}}
    url = s3.generate_presigned_url("put_object", target)
    assert fetch(url, "PUT", b"x", **headers)[0] == 403
    assert keys_of(s3, there["Bucket"]) == [there["Key"]]


def test_a_url_serves_one_method_and_one_key(s3, there):
    url = s3.generate_presigned_url("get_object", there)
    assert fetch(url, "PUT", b"evil")[0] == 403
    assert fetch(url, "DELETE")[0] == 403
    assert fetch(url.replace("a%20key", "b%20key"))[0] == 403
    assert s3.get_object(**there)["Body"].read() == b"bytes"


def test_an_upload_in_parts_goes_by_urls_alone(s3, there):
    named = {"Bucket": there["Bucket"], "Key": "parts"}
    upload = named | {"UploadId": s3.create_multipart_upload(**named)["UploadId"]}
    pieces = {1: b"x" * (5 << 20), 2: b"end"}
    parts = ""
    for number, piece in pieces.items():
        url = s3.generate_presigned_url("upload_part", upload | {"PartNumber": number})
        etag = fetch(url, "PUT", piece)[1]["etag"]
        parts += f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
    url = s3.generate_presigned_url("complete_multipart_upload", upload)
    body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
    assert fetch(url, "POST", body, Content_Type="")[0] == 200
    assert s3.get_object(**named)["Body"].read() == b"".join(pieces.values())


def test_other_sdks_put_headers_into_the_query(s3, there, signer):
    # documented: a presigned URL may carry x-amz- headers as query parameters.
    path = f"/{there['Bucket']}/new?x-amz-meta-a=b&x-amz-storage-class=STANDARD_IA"
    request = signer.presigned("PUT", path)
    assert fetch(request.url, "PUT", b"x")[0] == 200
    head = s3.head_object(Bucket=there["Bucket"], Key="new")
    assert (head["Metadata"], head["StorageClass"]) == ({"a": "b"}, "STANDARD_IA")


def test_a_query_cannot_smuggle_a_header_in(s3, there, signer):
    path = f"/{there['Bucket']}/new?x-amz-meta-a=b%0D%0ASet-Cookie:c"
    assert fetch(signer.presigned("PUT", path).url, "PUT", b"x")[0] == 400
    path = f"/{there['Bucket']}/new?x-amz-meta-a=%E2%82%AC"
    assert fetch(signer.presigned("PUT", path).url, "PUT", b"x")[0] == 200
    url = s3.generate_presigned_url("get_object", there | {"Key": "new"})
    assert fetch(url)[1]["x-amz-meta-a"].encode("latin-1").decode() == "€"


def test_a_url_expires(signer, there):
    path = f"/{there['Bucket']}/k"
    old = signer.presigned(
        "GET", path, signed_at=NOW - datetime.timedelta(seconds=61), expires_s=60
    )
    answer = send(old)
    assert (answer.status, answer.code) == (403, "AccessDenied")
    assert b"Request has expired" in answer.body and b"<Expires>" in answer.body
    early = signer.presigned("GET", path, signed_at=NOW + datetime.timedelta(hours=1))
    assert b"Request is not valid yet" in send(early).body


@pytest.mark.parametrize("expires", ["604801", "-1", "x", ""])
def test_a_url_lives_a_week_at_most(signer, there, expires):
    url = signer.presigned("GET", f"/{there['Bucket']}/k").url
    status, _, body = fetch(url.replace("X-Amz-Expires=60", f"X-Amz-Expires={expires}"))
    assert status == 400 and b"AuthorizationQueryParametersError" in body


def test_a_longer_life_cannot_be_claimed(signer, there):
    url = signer.presigned("GET", f"/{there['Bucket']}/k").url
    status, _, body = fetch(url.replace("X-Amz-Expires=60", "X-Amz-Expires=600"))
    assert status == 403 and b"SignatureDoesNotMatch" in body


def test_a_url_may_be_encoded_otherwise(s3, there):
    # Browsers and HTTP clients do not all leave a URL as it was.
    parts = urlsplit(s3.generate_presigned_url("get_object", there))
    query = urlencode(parse_qsl(parts.query), safe="/;")
    assert fetch(parts._replace(query=query).geturl())[::2] == (200, b"bytes")


def test_a_url_of_signature_version_2_is_refused_by_name(local_cloud, there):
    old = local_cloud.client("s3", signature_version="s3")
    status, _, body = fetch(old.generate_presigned_url("get_object", there))
    assert status == 400 and b"Signature Version 2" in body
