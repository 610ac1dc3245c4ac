"""Requests signed by botocore, sent byte by byte as a test wants them, whole or tampered with."""

import datetime
import http.client
import re
from dataclasses import dataclass
from unittest.mock import patch
from urllib.parse import urlsplit

import botocore.auth
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


@dataclass
class Answer:
    """A response, read to its end."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The error's code, whatever the protocol."""
        text = self.body.decode()
        match = re.search(r"<Code>(.+?)</Code>|\"__type\"\s*:\s*\"(?:.+?#)?(.+?)\"", text)
        return (match[1] or match[2]) if match else ""


class Signer:
    """Signs requests to a local cloud as somebody."""

    def __init__(self, cloud, credentials: Credentials | None = None) -> None:
        found = cloud.session.get_credentials().get_frozen_credentials()
        self.endpoint_url = cloud.endpoint_url
        self.credentials = credentials or Credentials(found.access_key, found.secret_key)

    def request(self, method, path, body=b"", headers=None, signed_at=None, service="s3"):
        """Return a prepared request with the signature in a header."""
        kind = S3SigV4Auth if service == "s3" else SigV4Auth
        signer = kind(self.credentials, service, "us-east-1")
        return self._sign(signer, method, path, body, headers, signed_at)

    def presigned(self, method, path, headers=None, signed_at=None, expires_s=60):
        """Return a prepared request with the signature in its query."""
        signer = S3SigV4QueryAuth(self.credentials, "s3", "us-east-1", expires=expires_s)
        return self._sign(signer, method, path, b"", headers, signed_at)

    def _sign(self, signer, method, path, body, headers, signed_at):
        request = AWSRequest(method, self.endpoint_url + path, data=body, headers=headers or {})
        moment = signed_at or datetime.datetime.now(datetime.timezone.utc)
        with patch.object(botocore.auth, "get_current_datetime", lambda: moment):
            signer.add_auth(request)
        return request.prepare()


def send(request, body=None, **changed_headers) -> Answer:
    """Send a prepared request, its body or headers changed (None drops one)."""
    url = urlsplit(request.url)
    body = request.body if body is None else body
    headers = {name: as_text(value) for name, value in request.headers.items()}
    for name, value in changed_headers.items():
        headers[name.replace("_", "-")] = value
    connection = http.client.HTTPConnection(url.netloc, timeout=30)
    target = url.path + (f"?{url.query}" if url.query else "")
    connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
    host = headers.pop("Host", url.netloc)
    lowered = {name.lower() for name in headers}
    for name, value in {"Host": host, **headers}.items():
        if value is not None and name.lower() != "content-length":
            connection.putheader(name, value)
    if body or "content-length" in lowered:
        connection.putheader("Content-Length", str(len(body or b"")))
    connection.endheaders(body or None)
    response = connection.getresponse()
    answer = Answer(response.status, dict(response.getheaders()), response.read())
    connection.close()
    return answer


def as_text(value: str | bytes) -> str:
    """Return a header's value as text."""
    return value.decode("latin-1") if isinstance(value, bytes) else value
