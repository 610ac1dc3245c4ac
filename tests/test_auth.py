"""Signature Version 4 at the door: who may come in, and what each service says to who may not."""

import datetime

import pytest
from botocore.credentials import Credentials as SignersKey
from botocore.exceptions import ClientError
from roles import Role, allow
from signed_requests import Signer, as_text, send

MINUTE = datetime.timedelta(minutes=1)
LOGS = {
    "X-Amz-Target": "Logs_20140328.DescribeLogGroups",
    "Content-Type": "application/x-amz-json-1.1",
}
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
WHO_AM_I = b"Action=GetCallerIdentity&Version=2011-06-15"


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


@pytest.fixture(scope="module")
def s3(local_cloud):
    client = local_cloud.client("s3")
    client.create_bucket(Bucket="bucket")
    return client


@pytest.fixture
def put(signer, s3):
    """A signed PutObject. However it was changed, a refusal must leave nothing behind."""
    yield signer.request("PUT", "/bucket/key", b"body")
    assert "Contents" not in s3.list_objects_v2(Bucket="bucket")


@pytest.fixture(params=["s3", "logs", "sts"])
def style(request, signer):
    """Each style of service: how to sign a request to it, and what its errors are called."""
    service = request.param
    body, headers = {"s3": (b"", {}), "logs": (b"{}", LOGS), "sts": (WHO_AM_I, FORM)}[service]

    def signed(credentials=None, **changes):
        who = Signer.__new__(Signer)
        who.endpoint_url, who.credentials = signer.endpoint_url, credentials or signer.credentials
        method = "GET" if service == "s3" else "POST"
        return who.request(method, "/", body, headers, service=service, **changes)

    signed.name = service
    return signed


def expect(answer, style, **by_service):
    status, code = by_service[style.name]
    assert (answer.status, answer.code) == (status, code)


# What is refused


def test_a_signed_request_is_answered(style):
    assert send(style()).status == 200


def test_an_unsigned_request_is_refused(style):
    answer = send(style(), Authorization=None)
    expect(
        answer,
        style,
        s3=(403, "AccessDenied"),
        logs=(400, "MissingAuthenticationTokenException"),
        sts=(403, "MissingAuthenticationToken"),
    )


def test_an_unknown_key_is_refused(style):
    answer = send(style(SignersKey("AKIANOBODY", "secret")))
    expect(
        answer,
        style,
        s3=(403, "InvalidAccessKeyId"),
        logs=(400, "UnrecognizedClientException"),
        sts=(403, "InvalidClientTokenId"),
    )


def test_a_wrong_secret_is_refused(style, signer):
    answer = send(style(SignersKey(signer.credentials.access_key, "wrong")))
    expect(
        answer,
        style,
        s3=(403, "SignatureDoesNotMatch"),
        logs=(400, "InvalidSignatureException"),
        sts=(403, "SignatureDoesNotMatch"),
    )


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_clock_that_is_off_by_more_than_15_minutes_is_refused(style, minutes):
    answer = send(style(signed_at=now() + minutes * MINUTE))
    expect(
        answer,
        style,
        s3=(403, "RequestTimeTooSkewed"),
        logs=(400, "InvalidSignatureException"),
        sts=(403, "SignatureDoesNotMatch"),
    )


@pytest.mark.parametrize("minutes", [-13, 13])
def test_a_clock_that_is_off_by_less_is_borne(style, minutes):
    assert send(style(signed_at=now() + minutes * MINUTE)).status == 200


def test_a_garbled_signature_is_refused(style):
    answer = send(style(), Authorization="AWS4-HMAC-SHA256 Credential=a/b/c/s3/aws4_request")
    assert answer.status in (400, 403)


def test_another_body_than_the_signed_one_is_refused(put):
    answer = send(put, body=b"evil")
    assert (answer.status, answer.code) == (400, "XAmzContentSHA256Mismatch")


def test_a_body_of_another_service_than_the_signed_one_is_refused(signer):
    request = signer.request("POST", "/", b"{}", LOGS, service="logs")
    answer = send(request, body=b'{"limit": 1}')
    assert (answer.status, answer.code) == (400, "InvalidSignatureException")


def test_a_signed_header_that_was_changed_is_refused(signer, s3):
    request = signer.request("PUT", "/bucket/key", b"", {"x-amz-meta-name": "right"})
    answer = send(request, **{"x-amz-meta-name": "wrong"})
    assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")
    assert "Contents" not in s3.list_objects_v2(Bucket="bucket")


def test_an_amz_header_that_was_added_is_refused(put):
    answer = send(put, x_amz_tagging="a=b")
    assert (answer.status, answer.code) == (403, "AccessDenied")
    assert b"not signed" in answer.body and b"x-amz-tagging" in answer.body


@pytest.mark.parametrize("change", ["/bucket/other", "/bucket/key?tagging", "/bucket/KEY"])
def test_another_path_or_query_than_the_signed_one_is_refused(put, change):
    put.url = put.url.replace("/bucket/key", change)
    assert send(put).code == "SignatureDoesNotMatch"


def test_another_method_than_the_signed_one_is_refused(signer, s3):
    request = signer.request("GET", "/bucket/key")
    request.method = "PUT"
    assert send(request).code == "SignatureDoesNotMatch"


def test_a_request_whose_host_is_not_signed_is_refused(put):
    authorization = as_text(put.headers["Authorization"]).replace("host;", "")
    assert send(put, Authorization=authorization).code == "AccessDenied"


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example"]
)
def test_a_name_that_points_at_the_loopback_is_no_way_in(put, host):
    answer = send(put, Host=host)
    assert (answer.status, answer.code) == (403, "AccessDenied")


@pytest.mark.parametrize(
    ("authorization", "named"),
    [
        ("AWS AKIAEXAMPLE:signature", b"Signature Version 2"),
        ("AWS4-ECDSA-P256-SHA256 Credential=a", b"Signature Version 4A"),
        ("Bearer token", b"Bearer"),
    ],
)
def test_other_kinds_of_signature_are_refused_by_name(put, authorization, named):
    answer = send(put, Authorization=authorization)
    assert (answer.status, answer.code) == (400, "InvalidRequest")
    assert named in answer.body and b"AWS4-HMAC-SHA256" in answer.body


def test_a_signature_in_both_places_is_refused(signer, s3):
    request = signer.presigned("GET", "/bucket/key")
    answer = send(request, Authorization="AWS4-HMAC-SHA256 Credential=a")
    assert (answer.status, answer.code) == (400, "InvalidArgument")


def test_an_s3_request_has_to_state_its_bodys_hash(put):
    answer = send(put, **{"X-Amz-Content-SHA256": None})
    assert (answer.status, answer.code) == (400, "InvalidRequest")


def test_a_hash_of_no_known_kind_is_refused(signer, s3):
    request = signer.request("PUT", "/bucket/key")
    answer = send(request, **{"X-Amz-Content-SHA256": "STREAMING-SOMETHING"})
    assert (answer.status, answer.code) == (400, "InvalidArgument")


def test_the_answer_to_a_wrong_signature_shows_what_should_have_been_signed(put):
    answer = send(put, Date=None, **{"X-Amz-Date": "20200101T000000Z"})
    assert answer.code in ("AuthorizationHeaderMalformed", "RequestTimeTooSkewed")
    put.url = put.url.replace("/key", "/other")
    assert b"<CanonicalRequest>PUT\n/bucket/other" in send(put).body


# Who comes in


def test_the_date_header_serves_where_there_is_no_amz_date(signer, s3):
    assert send(signer.request("GET", "/bucket", headers={"Date": "replaced"})).status == 200


def test_temporary_credentials_need_their_token(local_cloud, style, signer):
    lent = Role(local_cloud, allow("*")).assume()
    keys = lent["AccessKeyId"], lent["SecretAccessKey"]
    assert send(style(SignersKey(*keys, lent["SessionToken"]))).status == 200
    without = send(style(SignersKey(*keys)))
    expect(
        without,
        style,
        s3=(403, "InvalidAccessKeyId"),
        logs=(400, "UnrecognizedClientException"),
        sts=(403, "InvalidClientTokenId"),
    )
    wrong = send(style(SignersKey(*keys, "wrong")))
    expect(
        wrong,
        style,
        s3=(400, "InvalidToken"),
        logs=(400, "UnrecognizedClientException"),
        sts=(403, "InvalidClientTokenId"),
    )


def test_a_long_lived_key_takes_no_token(signer, style):
    user = signer.credentials
    assert send(style(SignersKey(user.access_key, user.secret_key, "token"))).status in (400, 403)


def test_no_refusal_tells_the_secret(put, signer):
    put.url = put.url.replace("/key", "/other")
    assert signer.credentials.secret_key.encode() not in send(put).body


def test_boto3_reports_the_code_as_on_aws(local_cloud):
    client = local_cloud.session.client(
        "s3",
        endpoint_url=local_cloud.endpoint_url,
        aws_access_key_id="AKIANOBODY",
        aws_secret_access_key="x",
    )
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        client.list_buckets()
    with pytest.raises(ClientError, match="403"):
        client.head_bucket(Bucket="bucket")
