"""The signature's arithmetic: AWS's published examples, and botocore's own on anything."""

import asyncio
import datetime
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as SignersKey
from hypothesis import given, settings
from hypothesis import strategies as st
from signed_requests import as_text
from starlette.requests import Request

from maze_helpers.local_cloud import auth
from maze_helpers.local_cloud.clock import Clock
from maze_helpers.local_cloud.credentials import AccessKey, Credentials
from maze_helpers.local_cloud.errors import AWSError
from maze_helpers.local_cloud.store import Store

# The key of the examples in AWS's documentation.
KEY = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
USER = AccessKey(*KEY, account_id="111122223333", role_name="role", session_name="me")
MAY_24_2013_S = datetime.datetime(2013, 5, 24, tzinfo=datetime.timezone.utc).timestamp()
SCOPE = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"


@pytest.fixture(scope="module")
def credentials(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("keys") / "cloud.db")
    yield Credentials(store, Clock(), USER)
    store.close()


def request(method, url, headers, body=b"", pieces=None):
    """A request as uvicorn hands it over, its body in pieces."""
    parts = urlsplit(url)
    waiting = list(pieces or [body])

    async def receive():
        piece = waiting.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(waiting)}

    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    scope = {
        "type": "http",
        "method": method,
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "headers": raw,
    }
    return Request(scope, receive)


def body_of(credentials, request, now_s):
    """Return the body of a request that verifies."""
    signed = auth.verify(request, credentials, now_s)
    return asyncio.run(signed.read_body(request, 10**7))


def documented(signature, signed_headers, **headers):
    """The headers of an example in the S3 API Reference."""
    return {
        "Host": "examplebucket.s3.amazonaws.com",
        "x-amz-date": "20130524T000000Z",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={SCOPE},"
        f"SignedHeaders={signed_headers},Signature={signature}",
    } | {name.replace("_", "-"): value for name, value in headers.items()}


def test_the_documented_get_object_verifies(credentials):
    headers = documented(
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        "host;range;x-amz-content-sha256;x-amz-date",
        Range="bytes=0-9",
        x_amz_content_sha256="e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    )
    sent = request("GET", "https://examplebucket.s3.amazonaws.com/test.txt", headers)
    assert body_of(credentials, sent, MAY_24_2013_S) == b""


def test_the_documented_put_object_verifies(credentials):
    headers = documented(
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
        Date="Fri, 24 May 2013 00:00:00 GMT",
        x_amz_storage_class="REDUCED_REDUNDANCY",
        x_amz_content_sha256="44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
    )
    url = "https://examplebucket.s3.amazonaws.com/test%24file.text"
    body = b"Welcome to Amazon S3."
    assert body_of(credentials, request("PUT", url, headers, body), MAY_24_2013_S) == body


def test_the_documented_listing_verifies(credentials):
    headers = documented(
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        "host;x-amz-content-sha256;x-amz-date",
        x_amz_content_sha256="e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    )
    url = "https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J"
    assert body_of(credentials, request("GET", url, headers), MAY_24_2013_S) == b""


def presigned_example():
    query = (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524"
        "%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
        "&X-Amz-SignedHeaders=host&X-Amz-Signature="
        "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )
    headers = {"Host": "examplebucket.s3.amazonaws.com"}
    return request("GET", f"https://examplebucket.s3.amazonaws.com/test.txt?{query}", headers)


def test_the_documented_presigned_url_verifies_for_a_day(credentials):
    assert body_of(credentials, presigned_example(), MAY_24_2013_S + 86_400) == b""
    with pytest.raises(AWSError, match="Request has expired"):
        auth.verify(presigned_example(), credentials, MAY_24_2013_S + 86_401)
    with pytest.raises(AWSError, match="not valid yet"):
        auth.verify(presigned_example(), credentials, MAY_24_2013_S - 901)


CHUNKED = (
    b"10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n"
    + b"a" * 65536
    + b"\r\n"
    b"400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n"
    + b"a"
    * 1024
    + b"\r\n"
    b"0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"
)


def chunked_example(body, pieces=None):
    headers = documented(
        "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
        "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;"
        "x-amz-decoded-content-length;x-amz-storage-class",
        Content_Encoding="aws-chunked",
        Content_Length="66824",
        x_amz_content_sha256="STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        x_amz_decoded_content_length="66560",
        x_amz_storage_class="REDUCED_REDUNDANCY",
    ) | {"Host": "s3.amazonaws.com"}
    url = "https://s3.amazonaws.com/examplebucket/chunkObject.txt"
    return request("PUT", url, headers, body, pieces)


@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.integers(0, len(CHUNKED)), max_size=8))
def test_the_documented_chunked_upload_verifies_however_it_is_cut(credentials, cuts):
    ends = sorted({0, *cuts, len(CHUNKED)})
    pieces = [CHUNKED[start:end] for start, end in zip(ends, ends[1:], strict=False)]
    sent = chunked_example(CHUNKED, pieces)
    assert body_of(credentials, sent, MAY_24_2013_S) == b"a" * 66_560


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, len(CHUNKED) - 1), byte=st.integers(0, 255), cut=st.booleans())
def test_a_chunked_upload_with_one_wrong_byte_or_a_missing_end_is_refused(
    credentials, at, byte, cut
):
    wrong = CHUNKED[:at] if cut else CHUNKED[:at] + bytes([byte]) + CHUNKED[at + 1 :]
    # A chunk's length may be written in either case.
    if wrong.lower() == CHUNKED or (cut and at >= len(CHUNKED) - 2):
        return
    with pytest.raises(AWSError):
        body_of(credentials, chunked_example(wrong), MAY_24_2013_S)


PATHS = st.lists(st.text(max_size=8), max_size=5).map(lambda names: "/" + "/".join(names))
TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
HEADERS = st.dictionaries(
    st.from_regex(r"x-amz-meta-[a-z]{1,8}", fullmatch=True), TEXT.map(str.strip), max_size=3
)
QUERIES = st.lists(st.tuples(st.text(min_size=1, max_size=5), st.text(max_size=5)), max_size=4)
SIGNERS = {"s3": S3SigV4Auth, "presigned": S3SigV4QueryAuth, "logs": SigV4Auth}


def signed_by_botocore(kind, method, path, query, headers, body):
    encoded = "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in query)
    url = "http://127.0.0.1:6293" + quote(path, safe="/~") + (f"?{encoded}" if query else "")
    # A presigned URL is made before its body is known.
    signed_body = b"" if kind == "presigned" else body
    sent = AWSRequest(method, url, data=signed_body, headers=headers)
    service = "logs" if kind == "logs" else "s3"
    SIGNERS[kind](SignersKey(*KEY), service, "us-east-1").add_auth(sent)
    sent = sent.prepare()
    headers = {name: as_text(value) for name, value in sent.headers.items()}
    return request(method, sent.url, {"Host": "127.0.0.1:6293"} | headers, body)


@pytest.mark.parametrize("kind", SIGNERS)
@settings(max_examples=100, deadline=None)
@given(path=PATHS, query=QUERIES, headers=HEADERS, body=st.binary(max_size=50))
def test_whatever_botocore_signs_verifies(credentials, kind, path, query, headers, body):
    query = list(dict(query).items())
    sent = signed_by_botocore(kind, "PUT", path, query, headers, body)
    assert body_of(credentials, sent, Clock().time_s()) == body


def test_a_client_may_sign_the_decoded_key_encoded_afresh(credentials):
    # Source: UriEncode in the S3 API Reference. Clients differ in what they encode on the wire.
    sent = signed_by_botocore("s3", "GET", "/bucket/a(b)c", [], {}, b"")
    sent.scope["raw_path"] = b"/bucket/a(b)c"
    assert body_of(credentials, sent, Clock().time_s()) == b""


def test_temporary_credentials_end(tmp_path):
    store = Store(tmp_path / "cloud.db")
    credentials = Credentials(store, Clock(), USER)
    key = credentials.lend("role", "me", duration_s=60)
    sent = AWSRequest("GET", "http://127.0.0.1:6293/")
    signer = SignersKey(key.access_key_id, key.secret_access_key, key.session_token)
    S3SigV4Auth(signer, "s3", "us-east-1").add_auth(sent)
    sent = request("GET", sent.url, {"Host": "127.0.0.1:6293"} | dict(sent.headers.items()))
    assert auth.verify(sent, credentials, Clock().time_s()).caller == key
    with pytest.raises(AWSError) as caught:
        auth.verify(sent, credentials, Clock().time_s() + 61)
    assert (caught.value.code, caught.value.status) == ("ExpiredToken", 400)
    store.close()
