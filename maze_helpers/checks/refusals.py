"""Telling what an account refuses, or that nothing answers: no fault of work or check."""

import re
from urllib.parse import urlsplit

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
)

# S3 answers a HEAD request with a bare 403.
NOT_ALLOWED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403")
NOT_KNOWN = (
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
)
UNREACHABLE = (EndpointConnectionError, ConnectTimeoutError, ConnectionClosedError)
LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")
_ACTION = re.compile(r"not authorized to perform: ([\w-]+:\w+)")


def refusal(error: Exception) -> str | None:
    """Return one sentence on what is refused or out of reach; None, if the error is another."""
    if isinstance(error, NoCredentialsError):
        return "No AWS credentials were found: run `aws sso login` or `aws configure`."
    if isinstance(error, NoRegionError):
        return "No AWS region is set: run `aws configure set region us-east-1`."
    if isinstance(error, UNREACHABLE):
        return _unreachable(error.kwargs["endpoint_url"])
    if not isinstance(error, ClientError):
        return None
    code = error.response["Error"]["Code"]
    if code in NOT_KNOWN:
        return f"AWS does not accept your credentials ({code}): sign in again, and check again."
    if code in NOT_ALLOWED:
        action = _ACTION.search(error.response["Error"].get("Message", ""))
        return (
            f"AWS does not allow you {action[1] if action else error.operation_name}, which the "
            "check needs: ask for that right, or check from Studio, with its role."
        )
    return None


def _unreachable(url: str) -> str:
    if urlsplit(url).hostname in LOCAL_HOSTS:
        return "The local cloud is down: run `maze up` in a terminal here, and check again."
    return f"AWS does not answer at {url}: look whether you are online, and check again."
