"""Signature Version 4: what is signed, and the signature that it must carry.

Source: "Create a signed AWS API request", AWS General Reference; botocore signs the same way.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from functools import lru_cache
from posixpath import normpath
from urllib.parse import quote, unquote_to_bytes

ALGORITHM = "AWS4-HMAC-SHA256"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


@lru_cache(maxsize=256)
def signing_key(secret_access_key: str, date: str, region: str, service: str) -> bytes:
    """Return the key that signs one day's requests to one service. date: YYYYMMDD."""
    key = f"AWS4{secret_access_key}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def sign(key: bytes, string_to_sign: str) -> str:
    """Return the signature, in lower-case hexadecimal."""
    return hmac.digest(key, string_to_sign.encode(), "sha256").hex()


def string_to_sign(amz_date: str, scope: str, canonical_request: bytes) -> str:
    """Return what is signed. amz_date: as 20250131T235959Z. scope: date/region/service/…"""
    digest = hashlib.sha256(canonical_request).hexdigest()
    return f"{ALGORITHM}\n{amz_date}\n{scope}\n{digest}"


def canonical_request(
    method: str,
    canonical_path: str,
    canonical_query: str,
    headers: Mapping[str, str],
    signed_headers: Sequence[str],
    payload_hash: str,
) -> bytes:
    """Return the canonical request.

    headers: by lower-case name, each character one byte (Latin-1).
    """
    lines = [
        name.encode("latin-1") + b":" + b" ".join(headers.get(name, "").encode("latin-1").split())
        for name in signed_headers
    ]
    head = f"{method}\n{canonical_path}\n{canonical_query}\n".encode()
    tail = f"\n\n{';'.join(signed_headers)}\n{payload_hash}".encode("latin-1")
    return head + b"\n".join(lines) + tail


def canonical_paths(raw_path: str, service: str) -> list[str]:
    """Return the forms in which a client may have signed the path, the likeliest first.

    S3 takes the path as it is, encoded once: '/a//b%20c' stays. Other services take it
    normalised and encoded again: '/a//b%20c' gives '/a/b%2520c'.
    """
    if service != "s3":
        return [quote(_normalise(raw_path), safe="/~")]
    # botocore signs the bytes that it sends; other SDKs and AWS encode the decoded key afresh.
    return list(dict.fromkeys([raw_path or "/", quote(unquote_to_bytes(raw_path), safe="/~")]))


def canonical_query(raw_query: str, left_out: str = "") -> str:
    """Return the query's parameters, encoded afresh and sorted; left_out: a name to drop."""
    if not raw_query:
        return ""
    pairs = []
    for pair in raw_query.split("&"):
        name, _, value = pair.partition("=")
        if pair and name != left_out:
            pairs.append((_encode_afresh(name), _encode_afresh(value)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _encode_afresh(text: str) -> str:
    return quote(unquote_to_bytes(text.replace("+", " ")), safe="-_.~")


def _normalise(path: str) -> str:
    if not path:
        return "/"
    normal = normpath(path)
    # POSIX lets a path begin with two slashes; a URL's normal form has one.
    normal = "/" + normal.lstrip("/")
    return normal + "/" if path.endswith("/") and normal != "/" else normal
