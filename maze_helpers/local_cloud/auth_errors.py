"""How each style of service refuses a request that it cannot trust.

Source: observed answers of AWS: S3, JSON services and query services each have their own codes.
"""

from dataclasses import dataclass

from maze_helpers.local_cloud.errors import AWSError
from maze_helpers.local_cloud.services.s3 import body_errors
from maze_helpers.local_cloud.services.s3 import errors as s3

_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your "
    "AWS Secret Access Key and signing method. Consult the service documentation for details."
)
_UNKNOWN = "The security token included in the request is invalid."
_EXPIRED = "The security token included in the request is expired"
_MISSING = "Missing Authentication Token"


class AuthError(AWSError):
    """A request that is not trusted, with the words that AWS refuses it with."""

    default_message = ""

    def __init__(self, message: str = "", **fields: object) -> None:
        super().__init__(message or self.default_message, **fields)


class UnrecognizedClient(AuthError):
    """A JSON service knows no such key, or its token is not the key's."""

    code = "UnrecognizedClientException"
    status = 400
    default_message = _UNKNOWN


class InvalidSignature(AuthError):
    """A JSON service was sent something other than what was signed."""

    code = "InvalidSignatureException"
    status = 400
    default_message = _MISMATCH


class MissingAuthenticationTokenException(AuthError):
    """A JSON service was called unsigned."""

    code = "MissingAuthenticationTokenException"
    status = 400
    default_message = _MISSING


class ExpiredTokenException(AuthError):
    """A JSON service was called with temporary credentials past their end."""

    code = "ExpiredTokenException"
    status = 400
    default_message = _EXPIRED


class IncompleteSignatureException(AuthError):
    """A JSON service cannot read the signature."""

    code = "IncompleteSignatureException"
    status = 400


class InvalidClientTokenId(AuthError):
    """A query service knows no such key, or its token is not the key's."""

    code = "InvalidClientTokenId"
    status = 403
    default_message = _UNKNOWN


class SignatureDoesNotMatch(AuthError):
    """A query service was sent something other than what was signed."""

    code = "SignatureDoesNotMatch"
    status = 403
    default_message = _MISMATCH


class MissingAuthenticationToken(AuthError):
    """A query service was called unsigned."""

    code = "MissingAuthenticationToken"
    status = 403
    default_message = _MISSING


class ExpiredToken(AuthError):
    """A query service was called with temporary credentials past their end."""

    code = "ExpiredToken"
    status = 403
    default_message = _EXPIRED


class IncompleteSignature(AuthError):
    """A query service cannot read the signature."""

    code = "IncompleteSignature"
    status = 400


class RequestTooLarge(AuthError):
    """A body is longer than any that a service takes."""

    code = "RequestEntityTooLargeException"
    status = 413


@dataclass(frozen=True)
class Refusals:
    """One style of service's errors, by what is wrong with a request."""

    missing: type[AWSError]
    malformed: type[AWSError]
    malformed_query: type[AWSError]
    unsupported: type[AWSError]
    no_date: type[AWSError]
    unknown_key: type[AWSError]
    bad_token: type[AWSError]
    expired_token: type[AWSError]
    skewed: type[AWSError]
    mismatch: type[AWSError]
    unsigned_headers: type[AWSError]
    too_large: type[AWSError]


JSON = Refusals(
    missing=MissingAuthenticationTokenException,
    malformed=IncompleteSignatureException,
    malformed_query=IncompleteSignatureException,
    unsupported=IncompleteSignatureException,
    no_date=IncompleteSignatureException,
    unknown_key=UnrecognizedClient,
    bad_token=UnrecognizedClient,
    expired_token=ExpiredTokenException,
    skewed=InvalidSignature,
    mismatch=InvalidSignature,
    unsigned_headers=InvalidSignature,
    too_large=RequestTooLarge,
)
QUERY = Refusals(
    missing=MissingAuthenticationToken,
    malformed=IncompleteSignature,
    malformed_query=IncompleteSignature,
    unsupported=IncompleteSignature,
    no_date=IncompleteSignature,
    unknown_key=InvalidClientTokenId,
    bad_token=InvalidClientTokenId,
    expired_token=ExpiredToken,
    skewed=SignatureDoesNotMatch,
    mismatch=SignatureDoesNotMatch,
    unsigned_headers=SignatureDoesNotMatch,
    too_large=RequestTooLarge,
)
S3 = Refusals(
    missing=s3.AccessDenied,
    malformed=s3.AuthorizationHeaderMalformed,
    malformed_query=s3.AuthorizationQueryParametersError,
    unsupported=s3.InvalidRequest,
    no_date=s3.AccessDenied,
    unknown_key=s3.InvalidAccessKeyId,
    bad_token=s3.InvalidToken,
    expired_token=s3.ExpiredToken,
    skewed=s3.RequestTimeTooSkewed,
    mismatch=s3.SignatureDoesNotMatch,
    unsigned_headers=s3.AccessDenied,
    too_large=body_errors.MaxMessageLengthExceeded,
)
