"""Checksums: checked on the way in, kept, returned; in headers, in trailers, part by part."""

import base64
import hashlib
import random
import zlib

import pytest
from botocore.auth import S3SigV4Auth
from hypothesis import given, settings
from hypothesis import strategies as st
from s3_client import error_of, keys_of
from signed_requests import send

from maze_helpers.local_cloud import sigv4
from maze_helpers.local_cloud.services.s3 import crc
from maze_helpers.local_cloud.services.s3.checksums import ALGORITHMS

BODY = b"123456789" * 1000
# The check values of the CRCs over '123456789'. Source: the catalogue of parametrised CRCs.
CHECK_VALUES = {"CRC32": "cbf43926", "CRC32C": "e3069283", "CRC64NVME": "ae8b14860a799888"}


def checksum(name, body):
    whole = ALGORITHMS[name].new()
    whole.update(body)
    return base64.b64encode(whole.digest()).decode()


# The arithmetic


@pytest.mark.parametrize("name", CHECK_VALUES)
def test_a_crc_has_its_published_check_value(name):
    assert base64.b64decode(checksum(name, b"123456789")).hex() == CHECK_VALUES[name]


@settings(max_examples=40, deadline=None)
@given(body=st.binary(max_size=9000), cut=st.integers(0, 9000))
def test_the_fast_crc_is_the_plain_one_however_it_is_fed(body, cut):
    plain = zlib.crc32(body).to_bytes(4, "big")
    fast = crc.Crc(32, crc.CRC32_POLYNOMIAL)
    fast.update(body[:cut])
    fast.update(body[cut:])
    assert fast.digest() == plain


@settings(max_examples=40, deadline=None)
@given(first=st.binary(max_size=5000), second=st.binary(max_size=5000))
@pytest.mark.parametrize("name", CHECK_VALUES)
def test_the_crcs_of_two_pieces_give_that_of_the_whole(name, first, second):
    digests = [base64.b64decode(checksum(name, piece)) for piece in (first, second)]
    joined = crc.combine(*digests, len(second), ALGORITHMS[name].polynomial)
    assert base64.b64encode(joined).decode() == checksum(name, first + second)


# In a header


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_checksum_in_a_header_is_checked_kept_and_returned(s3, bucket, name):
    value = checksum(name, BODY)
    put = s3.put_object(Bucket=bucket, Key="k", Body=BODY, **{f"Checksum{name}": value})
    assert put[f"Checksum{name}"] == value and put["ChecksumType"] == "FULL_OBJECT"
    found = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert found[f"Checksum{name}"] == value and found["Body"].read() == BODY
    silent = s3.head_object(Bucket=bucket, Key="k")
    assert f"Checksum{name}" not in silent


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_wrong_checksum_is_refused_and_nothing_is_written(s3, bucket, name):
    put = {"Bucket": bucket, "Key": "k", "Body": BODY}
    wrong = {f"Checksum{name}": checksum(name, b"other")}
    assert error_of(s3.put_object, **put, **wrong) == (400, "BadDigest")
    garbled = {f"Checksum{name}": "AAAA"}
    assert error_of(s3.put_object, **put, **garbled) == (400, "InvalidRequest")
    assert keys_of(s3, bucket) == []


def test_a_range_has_no_checksum_of_the_whole(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=BODY)
    part = s3.get_object(Bucket=bucket, Key="k", Range="bytes=0-9", ChecksumMode="ENABLED")
    assert "ChecksumCRC32" not in part and part["Body"].read() == BODY[:10]


def test_content_md5_is_checked(s3, bucket):
    put = {"Bucket": bucket, "Key": "k", "Body": BODY}
    right = base64.b64encode(hashlib.md5(BODY).digest()).decode()
    s3.put_object(**put, ContentMD5=right)
    other = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    assert error_of(s3.put_object, **put, ContentMD5=other) == (400, "BadDigest")
    assert error_of(s3.put_object, **put, ContentMD5="AAAA") == (400, "InvalidDigest")


def test_deleting_many_needs_a_digest_of_the_request(signer, bucket):
    body = b"<Delete><Object><Key>k</Key></Object></Delete>"
    answer = send(signer.request("POST", f"/{bucket}?delete", body))
    assert (answer.status, answer.code) == (400, "InvalidRequest")
    md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
    signed = signer.request("POST", f"/{bucket}?delete", body, {"Content-MD5": md5})
    assert send(signed).status == 200


# In a trailer


class ChunkSigner(S3SigV4Auth):
    """Signs a request's head for a body in chunks, as SDKs other than boto3 send it."""

    def __init__(self, kind, credentials):
        super().__init__(credentials, "s3", "us-east-1")
        self.kind = kind

    def payload(self, request):
        return self.kind


def chunked(signer, kind, path, payload, trailer=None, chunk_bytes=8192, spoil=None):
    """Return a signed PUT whose body is in chunks. spoil: what to do to its last signature."""
    headers = {
        "Content-Encoding": "aws-chunked",
        "x-amz-decoded-content-length": str(len(payload)),
    }
    if trailer:
        headers["x-amz-trailer"] = trailer[0]
    request = signer._sign(ChunkSigner(kind, signer.credentials), "PUT", path, b"", headers, None)
    authorization = request.headers["Authorization"]
    previous = (authorization if isinstance(authorization, str) else authorization.decode())[-64:]
    date = request.headers["X-Amz-Date"]
    date = date if isinstance(date, str) else date.decode()
    scope = f"{date[:8]}/us-east-1/s3/aws4_request"
    key = sigv4.signing_key(signer.credentials.secret_key, date[:8], "us-east-1", "s3")

    def sign(what, *hashes):
        lines = "\n".join([f"AWS4-HMAC-SHA256-{what}", date, scope, previous, *hashes])
        return sigv4.sign(key, lines)

    signs = kind.startswith("STREAMING-AWS4")
    body = b""
    pieces = [payload[at : at + chunk_bytes] for at in range(0, len(payload), chunk_bytes)]
    for piece in [*pieces, b""]:
        body += b"%x" % len(piece)
        if signs:
            digest = hashlib.sha256(piece).hexdigest()
            previous = sign("PAYLOAD", hashlib.sha256(b"").hexdigest(), digest)
            body += b";chunk-signature=" + previous.encode()
        body += b"\r\n" + (piece + b"\r\n" if piece else b"")
    if trailer:
        line = f"{trailer[0]}:{trailer[1]}"
        body += line.encode() + b"\r\n"
        if signs:
            signature = sign("TRAILER", hashlib.sha256(f"{line}\n".encode()).hexdigest())
            body += b"x-amz-trailer-signature:" + signature.encode() + b"\r\n"
    return request, (spoil or bytes)(body + b"\r\n")


SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
LARGE = random.Random(7).randbytes(2_500_000)


@pytest.mark.parametrize("kind", [SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER])
@pytest.mark.parametrize("payload", [b"", BODY, LARGE], ids=["empty", "small", "large"])
def test_a_body_in_chunks_is_decoded(s3, signer, bucket, kind, payload):
    trailer = None if kind == SIGNED else ("x-amz-checksum-crc32", checksum("CRC32", payload))
    request, body = chunked(signer, kind, f"/{bucket}/k", payload, trailer)
    answer = send(request, body=body)
    assert answer.status == 200, answer.body
    found = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert found["Body"].read() == payload and "ContentEncoding" not in found
    assert found.get("ChecksumCRC32") == (trailer[1] if trailer else None)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_checksum_can_come_in_a_trailer(s3, signer, bucket, name):
    header, value = ALGORITHMS[name].header, checksum(name, BODY)
    request, body = chunked(signer, UNSIGNED_TRAILER, f"/{bucket}/k", BODY, (header, value))
    assert send(request, body=body).headers[header] == value


@pytest.mark.parametrize("kind", [SIGNED_TRAILER, UNSIGNED_TRAILER])
def test_a_wrong_checksum_in_a_trailer_is_refused(s3, signer, bucket, kind):
    trailer = ("x-amz-checksum-sha256", checksum("SHA256", b"other"))
    request, body = chunked(signer, kind, f"/{bucket}/k", LARGE, trailer)
    answer = send(request, body=body)
    assert (answer.status, answer.code) == (400, "BadDigest")
    assert keys_of(s3, bucket) == []


SPOILED = {
    "data": lambda body: body.replace(b"123456789", b"123456780", 1),
    "signature": lambda body: body.replace(b"chunk-signature=", b"chunk-signature=0", 1)[:-1],
    "trailer signature": lambda body: body[:-10] + b"0" * 6 + b"\r\n\r\n",
    "no trailer signature": lambda body: body[: body.rindex(b"x-amz-trailer-sig")] + b"\r\n",
    "no trailer": lambda body: body[: body.rindex(b"x-amz-checksum")] + b"\r\n",
    "no end": lambda body: body[: body.rindex(b"\r\n0;")] + b"\r\n",
    "more behind the end": lambda body: body + b"1\r\nx\r\n",
    "no chunks": lambda body: BODY,
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_a_body_in_chunks_that_was_tampered_with_is_refused(s3, signer, bucket, spoil):
    trailer = ("x-amz-checksum-crc32", checksum("CRC32", BODY))
    request, body = chunked(
        signer, SIGNED_TRAILER, f"/{bucket}/k", BODY, trailer, chunk_bytes=5000, spoil=spoil
    )
    answer = send(request, body=body)
    assert answer.status in (400, 403) and answer.code
    assert keys_of(s3, bucket) == []


def test_a_body_in_chunks_has_to_be_as_long_as_it_says(s3, signer, bucket):
    request, body = chunked(signer, SIGNED, f"/{bucket}/k", BODY)
    longer, _ = chunked(signer, SIGNED, f"/{bucket}/k", BODY + b"x")
    assert send(longer, body=body).code in ("IncompleteBody", "SignatureDoesNotMatch")
    assert keys_of(s3, bucket) == []


# Statements that contradict themselves


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"x-amz-sdk-checksum-algorithm": "CRC32"}, 400, "InvalidRequest"),
        ({"x-amz-checksum-crc32": "AAAAAA==", "x-amz-checksum-sha1": "A"}, 400, "InvalidRequest"),
        ({"x-amz-checksum-xxhash64": "AAAAAAAAAAA="}, 501, "NotImplemented"),
        ({"x-amz-checksum-crc16": "AAA="}, 400, "InvalidRequest"),
        ({"x-amz-trailer": "x-amz-meta-a"}, 400, "InvalidRequest"),
    ],
)
def test_statements_that_make_no_sense_are_refused(signer, s3, bucket, headers, status, code):
    answer = send(signer.request("PUT", f"/{bucket}/k", BODY, headers))
    assert (answer.status, answer.code) == (status, code)
    assert keys_of(s3, bucket) == []


def test_an_object_put_without_a_checksum_has_none(signer, s3, bucket):
    assert send(signer.request("PUT", f"/{bucket}/k", BODY)).status == 200
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert not [name for name in head if name.startswith("Checksum")]
