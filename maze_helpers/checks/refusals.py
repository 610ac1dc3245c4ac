"""Telling what a learner's AWS account refuses: no fault of the work, nor of the check."""

import re

from botocore.exceptions import ClientError, NoCredentialsError, NoRegionError

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
_ACTION = re.compile(r"not authorized to perform: ([\w-]+:\w+)")


def refusal(error: Exception) -> str | None:
    """Return one sentence on what the account refuses; None, if the error is another."""
    if isinstance(error, NoCredentialsError):
        return "No AWS credentials were found: run `aws sso login` or `aws configure`."
    if isinstance(error, NoRegionError):
        return "No AWS region is set: run `aws configure set region us-east-1`."
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
