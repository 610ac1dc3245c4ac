"""S3 on the wire: addresses, errors, and requests that no SDK would send."""

import base64
import hashlib
import socket
from urllib.parse import urlsplit

import pytest
from s3_client import keys_of
from signed_requests import send


def put_tagging(signer, bucket, body):
    md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
    return send(signer.request("PUT", f"/{bucket}/k?tagging", body, {"Content-MD5": md5}))


def test_an_error_is_xml_with_the_requests_ids(signer, bucket):
    answer = send(signer.request("GET", f"/{bucket}/missing"))
    assert answer.headers["content-type"] == "application/xml"
    request_id = answer.headers["x-amz-request-id"]
    assert answer.body.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey')
    assert f"<Key>missing</Key><RequestId>{request_id}</RequestId>".encode() in answer.body


def test_the_error_of_a_head_has_no_body(signer, bucket):
    answer = send(signer.request("HEAD", f"/{bucket}/missing"))
    assert (answer.status, answer.body) == (404, b"")


def test_a_bucket_can_be_named_by_the_host(local_cloud, signer, s3, bucket):
    port = urlsplit(local_cloud.endpoint_url).port
    for host in (
        f"{bucket}.localhost",
        f"{bucket}.s3.localhost",
        f"{bucket}.s3.us-east-1.localhost",
    ):
        put = signer.request("PUT", "/a/key", b"x", {"Host": f"{host}:{port}"})
        assert send(put).status == 200
        assert s3.get_object(Bucket=bucket, Key="a/key")["Body"].read() == b"x"
        s3.delete_object(Bucket=bucket, Key="a/key")


def test_a_host_that_names_no_bucket_leaves_it_to_the_path(local_cloud, signer, bucket):
    port = urlsplit(local_cloud.endpoint_url).port
    for host in ("localhost", "s3.localhost", "s3.us-east-1.localhost"):
        listing = signer.request(
            "GET", f"/{bucket}?list-type=2", headers={"Host": f"{host}:{port}"}
        )
        assert send(listing).status == 200


def test_a_path_that_is_not_utf8_is_refused(signer, bucket):
    answer = send(signer.request("PUT", f"/{bucket}/%ff%fe", b"x"))
    assert (answer.status, answer.code) == (400, "InvalidURI")


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/"), ("POST", "/{}"), ("POST", "/{}/k"), ("PUT", "/{}/k?uploads")]
)
def test_a_method_that_a_resource_lacks_is_not_allowed(signer, s3, bucket, method, path):
    answer = send(signer.request(method, path.format(bucket), b"x"))
    assert (answer.status, answer.code) == (405, "MethodNotAllowed")
    assert keys_of(s3, bucket) == []


BOMB = b"""<!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<Tagging><TagSet><Tag><Key>&b;</Key><Value>x</Value></Tag></TagSet></Tagging>"""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not xml",
        b"<Tagging>",
        b"<Tagging><Unknown/></Tagging>",
        b"<Tagging><TagSet><Tag><Key>k</Key></Tag></TagSet></Tagging>",
        BOMB,
        BOMB.decode().encode("utf-16"),
    ],
)
def test_xml_that_is_not_what_the_operation_takes_is_refused(signer, s3, bucket, body):
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    answer = put_tagging(signer, bucket, body)
    assert (answer.status, answer.code) == (400, "MalformedXML")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []


def test_xml_needs_no_namespace(signer, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    body = b"<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>"
    assert put_tagging(signer, bucket, body).status == 200
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "k", "Value": "v"}]


def test_a_long_xml_body_is_refused(signer, bucket):
    body = b"<Tagging>" + b" " * 5_000_000 + b"</Tagging>"
    answer = put_tagging(signer, bucket, body)
    assert (answer.status, answer.code) == (400, "MaxMessageLengthExceeded")


def test_unknown_parameters_are_passed_over(signer, s3, bucket):
    # Other SDKs name the operation in the query.
    assert send(signer.request("PUT", f"/{bucket}/k?x-id=PutObject", b"x")).status == 200
    assert send(signer.request("GET", f"/{bucket}/k?x-id=GetObject")).body == b"x"


def test_a_parameter_that_is_no_number_is_refused(signer, bucket):
    answer = send(signer.request("GET", f"/{bucket}?list-type=2&max-keys=many"))
    assert (answer.status, answer.code) == (400, "InvalidArgument")


def test_a_client_that_goes_away_leaves_nothing_behind(local_cloud, signer, s3, bucket):
    body = b"x" * 5_000_000
    request = signer.request("PUT", f"/{bucket}/k", body)
    url = urlsplit(request.url)
    head = [f"PUT {url.path} HTTP/1.1", f"Host: {url.netloc}", f"Content-Length: {len(body)}"]
    head += [
        f"{name}: {value if isinstance(value, str) else value.decode()}"
        for name, value in request.headers.items()
        if name.lower() != "content-length"
    ]
    with socket.create_connection((url.hostname, url.port)) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode() + body[:3_000_000])
    s3.put_object(Bucket=bucket, Key="other", Body=b"x")
    assert keys_of(s3, bucket) == ["other"]


def test_without_a_length_nothing_is_taken(signer, s3, bucket):
    request = signer.request("PUT", f"/{bucket}/k", b"")
    del request.headers["Content-Length"]
    answer = send(request)
    assert (answer.status, answer.code) == (411, "MissingContentLength")
    assert keys_of(s3, bucket) == []
