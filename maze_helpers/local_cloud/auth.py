"""Signature Version 4, verified: who sent a request, and that it is what they signed."""

import hmac
import re
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta, timezone

from starlette.requests import Request

from maze_helpers.local_cloud import auth_errors, sigv4
from maze_helpers.local_cloud.auth_claim import AMZ_DATE_FORMAT, Claim, read_claim
from maze_helpers.local_cloud.auth_errors import Refusals
from maze_helpers.local_cloud.credentials import AccessKey, Credentials
from maze_helpers.local_cloud.errors import AWSError
from maze_helpers.local_cloud.payload import (
    ChunkedBody,
    PlainBody,
    SignatureChain,
    decoded_length,
)
from maze_helpers.local_cloud.request_head import RequestHead
from maze_helpers.local_cloud.services.s3 import body_errors
from maze_helpers.local_cloud.services.s3 import errors as s3

# Services that are called in every region.
ANYWHERE = ("s3", "sts")
MAX_SKEW_S = 15 * 60
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
# The declared payload hash of a chunked body: are its chunks signed, and does it end in a trailer?
STREAMING = {
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD": (True, False),
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER": (True, True),
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER": (False, True),
}
# An unsigned request's service, by the prefix of its operation's name.
SERVICES_BY_TARGET = {
    "SageMaker": "sagemaker",
    "SageMakerMetrics": "sagemaker",
    "Logs_20140328": "logs",
    "GraniteServiceVersion20100801": "monitoring",
    "ServiceQuotasV20190624": "servicequotas",
}

_CREDENTIAL = re.compile(r"Credential=([^,\s]+)")
_SHA256 = re.compile(r"[0-9a-f]{64}")
# amazonaws.com: the SDK signs some calls for AWS's own name, and they are sent here after that.
_OWN_HOST = re.compile(
    r"(?:(?:.+\.)?localhost|127\.\d+\.\d+\.\d+|\[::1\]|.+\.amazonaws\.com)(?::\d+)?", re.IGNORECASE
)


class SignedRequest:
    """A request whose sender is known. Its body counts only once it was read to the end."""

    def __init__(
        self,
        head: RequestHead,
        caller: AccessKey,
        claim: Claim,
        refusals: Refusals,
        new_body: Callable[[], PlainBody | ChunkedBody],
    ) -> None:
        self.head = head
        self.caller = caller
        self.service = claim.service
        self.region = claim.region
        self.is_presigned = claim.is_presigned
        self._refusals = refusals
        self._new_body = new_body

    def check_region(self, region: str) -> None:
        """Raise unless the request is signed for a region, or for a service that is in all.

        STS has an endpoint in each region, which all are this one; S3's buckets say where they
        are. Source of AWS's sentence, the first: public reports.
        """
        if self.region != region and self.service not in ANYWHERE:
            raise self._refusals.mismatch(
                f"Credential should be scoped to a valid region, not '{self.region}'. "
                f"The local cloud's region is '{region}'."
            )

    def body(self) -> PlainBody | ChunkedBody:
        """Return the decoder that the raw body has to pass through."""
        return self._new_body()

    async def stream(self, request: Request) -> AsyncIterator[bytes]:
        """Yield the payload; raise at its end, unless it is what was signed."""
        body = self.body()
        async for raw in request.stream():
            if data := body.feed(raw):
                yield data
        body.finish()

    async def read_body(self, request: Request, max_bytes: int) -> bytes:
        """Return the whole payload, verified.

        Raises: AWSError, if it is not what was signed or is longer than max_bytes.
        """
        pieces, size_bytes = [], 0
        async for data in self.stream(request):
            pieces.append(data)
            size_bytes += len(data)
            if size_bytes > max_bytes:
                raise self._refusals.too_large(f"The body may have {max_bytes} bytes at most.")
        return b"".join(pieces)


def claimed_service(request: Request) -> str:
    """Return the service that a request means, by its signature's scope where it has one.

    Nothing is verified: the answer only decides how an error is shaped.
    """
    return _claimed_service(RequestHead.of(request))


def means_sagemaker_runtime(head: RequestHead) -> bool:
    """Return whether a request signed for SageMaker, or not at all, is for its runtime."""
    return head.method == "POST" and head.path.startswith("/endpoints/")


def verify(request: Request, credentials: Credentials, now_s: float) -> SignedRequest:
    """Return who sent the request, once its signature is found right.

    now_s: seconds since the epoch. A service other than S3 signs its body's hash without
    stating it, so there the signature is compared when the body has been read.
    Raises: AWSError, with the code that the service in question gives.
    """
    head = RequestHead.of(request)
    refusals = _refusals(head)
    _check_host(head)
    claim = read_claim(head, refusals)
    _check_service(head, claim, refusals)
    key = _find_key(claim, credentials, refusals, now_s)
    _check_time(claim, refusals, now_s)
    _check_signed_headers(head, claim, refusals)
    return _Verification(head, claim, key, refusals).signed_request()


class _Verification:
    """The comparison of one request with its claim."""

    def __init__(self, head: RequestHead, claim: Claim, key: AccessKey, refusals: Refusals) -> None:
        self.head = head
        self.claim = claim
        self.key = key
        self.refusals = refusals
        self.signing_key = sigv4.signing_key(
            key.secret_access_key, claim.date, claim.region, claim.service
        )

    def signed_request(self) -> SignedRequest:
        """Return the request's body and sender; the signature is compared at once if it can be."""
        declared = self._declared_payload_hash()
        if declared is None:
            return self._signed(lambda: PlainBody(self.compare))
        self.compare(declared)
        if declared in STREAMING:
            chunks_signed, has_trailer = STREAMING[declared]
            length = self._decoded_length()
            return self._signed(
                lambda: ChunkedBody(length, has_trailer, self._chain() if chunks_signed else None)
            )
        if declared == UNSIGNED_PAYLOAD:
            return self._signed(lambda: PlainBody(None))
        return self._signed(lambda: PlainBody(lambda digest: self._check_hash(declared, digest)))

    def _signed(self, new_body: Callable[[], PlainBody | ChunkedBody]) -> SignedRequest:
        return SignedRequest(self.head, self.key, self.claim, self.refusals, new_body)

    def compare(self, payload_hash: str) -> None:
        """Raise unless the signature is the one that the key makes over this request."""
        claim = self.claim
        query = sigv4.canonical_query(
            self.head.query_string, left_out="X-Amz-Signature" if claim.is_presigned else ""
        )
        paths = sigv4.canonical_paths(self.head.path, claim.service)
        for path in paths:
            canonical = sigv4.canonical_request(
                self.head.method,
                path,
                query,
                self.head.headers,
                claim.signed_headers,
                payload_hash,
            )
            string_to_sign = sigv4.string_to_sign(claim.amz_date, claim.scope, canonical)
            signature = sigv4.sign(self.signing_key, string_to_sign)
            if hmac.compare_digest(signature.encode(), claim.signature.encode()):
                return
        raise self._mismatch(string_to_sign, canonical)

    def _mismatch(self, string_to_sign: str, canonical: bytes) -> AWSError:
        if self.claim.service != "s3":
            return self.refusals.mismatch()
        return self.refusals.mismatch(
            AWSAccessKeyId=self.claim.access_key_id,
            StringToSign=string_to_sign,
            SignatureProvided=self.claim.signature,
            StringToSignBytes=string_to_sign.encode().hex(" "),
            CanonicalRequest=canonical.decode("utf-8", "replace"),
            CanonicalRequestBytes=canonical.hex(" "),
        )

    def _declared_payload_hash(self) -> str | None:
        declared = self.head.headers.get("x-amz-content-sha256")
        if self.claim.service != "s3":
            if declared and not _SHA256.fullmatch(declared):
                raise self.refusals.mismatch(f"A body signed as '{declared}' is for S3 alone.")
            return declared
        if self.claim.is_presigned:
            declared = self.head.query.get("X-Amz-Content-Sha256", declared)
            declared = declared or UNSIGNED_PAYLOAD
        if not declared:
            raise s3.InvalidRequest(
                "Missing required header for this request: x-amz-content-sha256"
            )
        if declared.startswith("STREAMING-AWS4-ECDSA"):
            raise s3.NotImplementedHere("The local cloud does not verify SigV4A signatures.")
        if declared not in (*STREAMING, UNSIGNED_PAYLOAD) and not _SHA256.fullmatch(declared):
            raise s3.InvalidArgument(
                "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, "
                f"{', '.join(STREAMING)}, or a valid sha256 value.",
                ArgumentName="x-amz-content-sha256",
                ArgumentValue=declared,
            )
        return declared

    def _decoded_length(self) -> int:
        length = self.head.headers.get("x-amz-decoded-content-length")
        if length is None:
            raise body_errors.MissingContentLength()
        return decoded_length(length)

    def _chain(self) -> SignatureChain:
        claim = self.claim
        return SignatureChain(self.signing_key, claim.amz_date, claim.scope, claim.signature)

    def _check_hash(self, declared: str, computed: str) -> None:
        if declared != computed and self.claim.service == "s3":
            raise body_errors.ContentSHA256Mismatch(
                ClientComputedContentSHA256=declared, S3ComputedContentSHA256=computed
            )
        if declared != computed:
            raise self.refusals.mismatch()


def _check_host(head: RequestHead) -> None:
    # A web page cannot reach the local cloud by pointing its own name at the loopback address.
    if not _OWN_HOST.fullmatch(head.headers.get("host", "")):
        raise s3.AccessDenied("The local cloud answers on loopback names alone, such as localhost.")


def _check_service(head: RequestHead, claim: Claim, refusals: Refusals) -> None:
    # Whoever signs by hand signs easily for the runtime's host or its API's name.
    # Source: github.com/aws/aws-sdk-go/issues/2244 and /1836.
    by_its_own_name = claim.service != "sagemaker" and "sagemaker" in claim.service
    if by_its_own_name and means_sagemaker_runtime(head):
        raise refusals.mismatch("Credential should be scoped to correct service: 'sagemaker'.")


def _find_key(
    claim: Claim, credentials: Credentials, refusals: Refusals, now_s: float
) -> AccessKey:
    key = credentials.find(claim.access_key_id)
    if key is None or (key.session_token and not claim.session_token):
        raise refusals.unknown_key(AWSAccessKeyId=claim.access_key_id)
    given, right = claim.session_token or "", key.session_token or ""
    if not hmac.compare_digest(given.encode(), right.encode()):
        raise refusals.bad_token()
    if key.expires_at is not None and key.expires_at <= now_s:
        raise refusals.expired_token()
    return key


def _check_time(claim: Claim, refusals: Refusals, now_s: float) -> None:
    now = datetime.fromtimestamp(now_s, tz=timezone.utc)
    skew = timedelta(seconds=MAX_SKEW_S)
    if claim.expires_s is not None:
        _check_presigned_time(claim, refusals, now)
    elif refusals is auth_errors.S3 and abs(now - claim.signed_at) > skew:
        raise refusals.skewed(
            RequestTime=claim.amz_date,
            ServerTime=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            MaxAllowedSkewMilliseconds=MAX_SKEW_S * 1000,
        )
    elif claim.signed_at < now - skew:
        earliest, moment = (_amz_date(at) for at in (now - skew, now))
        raise refusals.skewed(
            f"Signature expired: {claim.amz_date} is now earlier than {earliest} "
            f"({moment} - 15 min.)"
        )
    elif claim.signed_at > now + skew:
        latest, moment = (_amz_date(at) for at in (now + skew, now))
        raise refusals.skewed(
            f"Signature not yet current: {claim.amz_date} is still later than {latest} "
            f"({moment} + 15 min.)"
        )


def _check_presigned_time(claim: Claim, refusals: Refusals, now: datetime) -> None:
    expires_at = claim.signed_at + timedelta(seconds=claim.expires_s)
    error = s3.AccessDenied if refusals is auth_errors.S3 else refusals.skewed
    if claim.signed_at > now + timedelta(seconds=MAX_SKEW_S):
        raise error("Request is not valid yet", ServerTime=_iso(now))
    if expires_at < now:
        raise error(
            "Request has expired",
            **{"X-Amz-Expires": claim.expires_s},
            Expires=_iso(expires_at),
            ServerTime=_iso(now),
        )


def _check_signed_headers(head: RequestHead, claim: Claim, refusals: Refusals) -> None:
    signed = claim.signed_headers
    unsigned = [
        name
        for name in head.headers
        if (name == "host" or name.startswith("x-amz-")) and name not in signed
    ]
    if unsigned or "host" not in signed:
        raise refusals.unsigned_headers(
            "There were headers present in the request which were not signed",
            HeadersNotSigned=", ".join(unsigned),
        )


def _amz_date(moment: datetime) -> str:
    return moment.strftime(AMZ_DATE_FORMAT)


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _claimed_service(head: RequestHead) -> str:
    credential = _CREDENTIAL.search(head.headers.get("authorization", ""))
    scope = credential[1] if credential else head.query.get("X-Amz-Credential", "")
    if scope.count("/") >= 4:
        return scope.split("/")[-2]
    target = head.headers.get("x-amz-target") or head.path.removeprefix("/service/")
    if service := SERVICES_BY_TARGET.get(re.split(r"[./]", target)[0]):
        return service
    if means_sagemaker_runtime(head):
        return "sagemaker"
    return "sts" if _is_query_protocol(head) else "s3"


def _is_query_protocol(head: RequestHead) -> bool:
    if means_sagemaker_runtime(head):
        # Its bodies are of any media type.
        return False
    content_type = head.headers.get("content-type", "")
    return content_type.startswith("application/x-www-form-urlencoded") or "Action" in head.query


def _refusals(head: RequestHead) -> Refusals:
    if _claimed_service(head) == "s3":
        return auth_errors.S3
    if "x-amz-target" not in head.headers and _is_query_protocol(head):
        return auth_errors.QUERY
    return auth_errors.JSON
