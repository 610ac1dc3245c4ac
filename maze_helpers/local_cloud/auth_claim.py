"""What a request says of its own signature, read before any of it is believed."""

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

from maze_helpers.local_cloud import sigv4
from maze_helpers.local_cloud.auth_errors import Refusals
from maze_helpers.local_cloud.errors import AWSError
from maze_helpers.local_cloud.request_head import RequestHead
from maze_helpers.local_cloud.services.s3 import errors as s3

MAX_EXPIRES_S = 7 * 24 * 3600
AMZ_DATE_FORMAT = "%Y%m%dT%H%M%SZ"
NO_DATE = "AWS authentication requires a valid Date or x-amz-date header"
UNSUPPORTED = {
    "AWS4-ECDSA-P256-SHA256": "Signature Version 4A (AWS4-ECDSA-P256-SHA256)",
    "AWS": "Signature Version 2",
    "AWS3-HTTPS": "Signature Version 3",
}

_AMZ_DATE = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_SIGNED_HEADERS = re.compile(r"[!-:<-~]+(?:;[!-:<-~]+)*")


@dataclass(frozen=True)
class Claim:
    """Who signed a request, when, over what, and the signature.

    amz_date: when, as 20250131T235959Z. expires_s: how long a presigned URL holds; None where
    a header carries the signature.
    """

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    amz_date: str
    signed_at: datetime
    session_token: str | None
    expires_s: int | None = None

    @property
    def scope(self) -> str:
        """The credential scope, as it is signed."""
        return f"{self.date}/{self.region}/{self.service}/aws4_request"

    @property
    def is_presigned(self) -> bool:
        """Whether the URL carries the signature."""
        return self.expires_s is not None


def read_claim(head: RequestHead, refusals: Refusals) -> Claim:
    """Return what the Authorization header or the presigned URL says.

    Raises: AWSError, if there is no signature, two, one of another kind or a garbled one.
    """
    authorization = head.headers.get("authorization")
    query = head.query
    in_query = "X-Amz-Algorithm" in query or "X-Amz-Signature" in query
    if authorization and in_query:
        raise s3.InvalidArgument(
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature "
            "query string parameter or the Authorization header should be specified"
        )
    if authorization:
        return _read_header(head, authorization, refusals)
    if in_query:
        return _read_query(head, refusals)
    if "AWSAccessKeyId" in query and "Signature" in query:
        raise _unsupported(UNSUPPORTED["AWS"], refusals)
    raise refusals.missing()


def _read_header(head: RequestHead, authorization: str, refusals: Refusals) -> Claim:
    algorithm, _, rest = authorization.partition(" ")
    if algorithm in UNSUPPORTED:
        raise _unsupported(UNSUPPORTED[algorithm], refusals)
    if algorithm != sigv4.ALGORITHM:
        raise _unsupported(f"'{algorithm[:40]}'", refusals)
    members = {}
    for member in rest.split(","):
        name, _, value = member.strip().partition("=")
        members[name] = value
    missing = [
        name for name in ("Credential", "Signature", "SignedHeaders") if not members.get(name)
    ]
    if missing:
        raise refusals.malformed(f"Authorization header requires '{missing[0]}' parameter.")
    return _claim(
        refusals,
        credential=members["Credential"],
        signed_headers=members["SignedHeaders"],
        signature=members["Signature"],
        amz_date=_header_date(head, refusals),
        session_token=head.headers.get("x-amz-security-token"),
    )


def _read_query(head: RequestHead, refusals: Refusals) -> Claim:
    query = head.query
    algorithm = query.get("X-Amz-Algorithm", "")
    if algorithm != sigv4.ALGORITHM:
        raise _unsupported(UNSUPPORTED.get(algorithm, f"'{algorithm[:40]}'"), refusals)
    names = ("Credential", "Date", "Expires", "SignedHeaders", "Signature")
    missing = [f"X-Amz-{name}" for name in names if not query.get(f"X-Amz-{name}")]
    if missing:
        raise refusals.malformed_query(
            "Query-string authentication version 4 requires the X-Amz-Algorithm, "
            "X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and "
            f"X-Amz-Expires parameters; {missing[0]} is missing."
        )
    if not _AMZ_DATE.fullmatch(query["X-Amz-Date"]):
        raise refusals.malformed_query(
            "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\""
        )
    return _claim(
        refusals,
        credential=query["X-Amz-Credential"],
        signed_headers=query["X-Amz-SignedHeaders"],
        signature=query["X-Amz-Signature"],
        amz_date=query["X-Amz-Date"],
        session_token=query.get("X-Amz-Security-Token"),
        expires_s=_expires_s(query["X-Amz-Expires"], refusals),
    )


def _claim(
    refusals: Refusals, credential: str, signed_headers: str, amz_date: str, **members: object
) -> Claim:
    parts = credential.rsplit("/", 4)
    if len(parts) != 5 or parts[-1] != "aws4_request" or not all(parts):
        raise refusals.malformed(
            f"The Credential '{credential[:200]}' is not of the form "
            "<access key>/YYYYMMDD/<region>/<service>/aws4_request."
        )
    if not _SIGNED_HEADERS.fullmatch(signed_headers):
        raise refusals.malformed("SignedHeaders is not a list of header names.")
    access_key_id, date, region, service, _ = parts
    if date != amz_date[:8]:
        raise refusals.malformed(
            f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date "
            f"from HTTP: '{date[:20]}' != '{amz_date[:8]}', from '{amz_date}'."
        )
    try:
        # As strptime does with AMZ_DATE_FORMAT, in a twentieth of the time.
        digits = (amz_date[:4], *(amz_date[at : at + 2] for at in (4, 6, 9, 11, 13)))
        signed_at = datetime(*map(int, digits), tzinfo=timezone.utc)
    except ValueError:
        raise refusals.no_date(NO_DATE) from None
    claim = Claim(
        access_key_id=access_key_id,
        date=date,
        region=region,
        service=service,
        # Sorted and in lower case is how the signer had to use them.
        signed_headers=tuple(sorted(signed_headers.lower().split(";"))),
        amz_date=amz_date,
        signed_at=signed_at,
        **members,
    )
    if not _SIGNATURE.fullmatch(claim.signature):
        raise refusals.mismatch()
    return claim


def _header_date(head: RequestHead, refusals: Refusals) -> str:
    amz_date = head.headers.get("x-amz-date") or head.headers.get("date", "")
    if _AMZ_DATE.fullmatch(amz_date):
        return amz_date
    try:
        moment = parsedate_to_datetime(amz_date)
    except ValueError:
        raise refusals.no_date(NO_DATE) from None
    return moment.astimezone(timezone.utc).strftime(AMZ_DATE_FORMAT)


def _expires_s(text: str, refusals: Refusals) -> int:
    if not text.isascii() or not text.removeprefix("-").isdigit():
        raise refusals.malformed_query("X-Amz-Expires should be a number")
    expires_s = int(text)
    if expires_s < 0:
        raise refusals.malformed_query("X-Amz-Expires must be non-negative")
    if expires_s > MAX_EXPIRES_S:
        raise refusals.malformed_query(
            "X-Amz-Expires must be less than a week (in seconds) that is 604800"
        )
    return expires_s


def _unsupported(kind: str, refusals: Refusals) -> AWSError:
    return refusals.unsupported(
        f"The authorization mechanism you have provided is not supported: {kind}. "
        "Please use AWS4-HMAC-SHA256 (in boto3, Config(signature_version='s3v4'))."
    )
