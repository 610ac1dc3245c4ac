"""Fetching an object from S3 with the container's own credentials, by the standard library.

boto3 would take longer to import than most scripts here take to run.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import shutil
import time
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

TIMEOUT_S = 60
_ALGORITHM = "AWS4-HMAC-SHA256"
_NO_BODY = hashlib.sha256(b"").hexdigest()


class DownloadError(Exception):
    """The object could not be fetched; the text says which and why."""


def download(uri: str, path: str, variables: Mapping[str, str]) -> None:
    """Write the object that an s3:// URI names to a file.

    variables: hold the credentials and the endpoint, under the names that every AWS SDK reads.
    Raises: DownloadError, also if the object arrives in part.
    """
    bucket, _, key = uri[len("s3://") :].partition("/")
    endpoint = urlsplit(
        variables.get("AWS_ENDPOINT_URL_S3")
        or variables.get("S3_ENDPOINT_URL")
        or variables["AWS_ENDPOINT_URL"]
    )
    target = f"/{quote(bucket, safe='')}/{quote(key, safe='/~')}"
    connect = http.client.HTTPSConnection if endpoint.scheme == "https" else _http_connection
    connection = connect(endpoint.netloc, timeout=TIMEOUT_S)
    try:
        connection.request("GET", target, headers=_signed(endpoint.netloc, target, variables))
        response = connection.getresponse()
        if response.status != 200:
            raise DownloadError(f"{uri}: {response.status} {_reason(response)}")
        size_bytes = response.length
        with open(path, "wb") as file:
            shutil.copyfileobj(response, file)
            if size_bytes is not None and file.tell() != size_bytes:
                raise DownloadError(f"{uri}: only {file.tell()} of {size_bytes} bytes arrived")
    except (OSError, http.client.HTTPException) as error:
        raise DownloadError(f"{uri}: {error}") from error
    finally:
        connection.close()


def _http_connection(netloc: str, timeout: float) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(netloc, timeout=timeout)


def _reason(response: http.client.HTTPResponse) -> str:
    text = response.read(4096).decode("utf-8", "replace")
    code = text.partition("<Code>")[2].partition("</Code>")[0]
    message = text.partition("<Message>")[2].partition("</Message>")[0]
    return f"{code}: {message}" if code else response.reason


def _signed(host: str, target: str, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of a signed GET. Source: AWS Signature Version 4, for S3."""
    region = variables.get("AWS_REGION") or variables.get("AWS_DEFAULT_REGION", "us-east-1")
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    headers = {"host": host, "x-amz-content-sha256": _NO_BODY, "x-amz-date": now}
    if variables.get("AWS_SESSION_TOKEN"):
        headers["x-amz-security-token"] = variables["AWS_SESSION_TOKEN"]
    names = ";".join(sorted(headers))
    lines = [f"{name}:{headers[name]}\n" for name in sorted(headers)]
    canonical = "\n".join(["GET", target, "", "".join(lines), names, _NO_BODY])
    scope = "/".join([now[:8], region, "s3", "aws4_request"])
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    signing_key = ("AWS4" + variables["AWS_SECRET_ACCESS_KEY"]).encode()
    for part in scope.split("/"):
        signing_key = _hmac(signing_key, part)
    signature = _hmac(signing_key, "\n".join([_ALGORITHM, now, scope, digest])).hex()
    credential = f"{variables['AWS_ACCESS_KEY_ID']}/{scope}"
    headers["authorization"] = (
        f"{_ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
    )
    return headers


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
