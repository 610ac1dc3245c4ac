"""S3's errors: one class a wire code.

Source: "Error responses", Amazon S3 API Reference.
"""

from maze_helpers.local_cloud.errors import AWSError


class S3Error(AWSError):
    """An error that S3 renders as an XML <Error> with the bucket's and key's names in it."""

    default_message = ""

    def __init__(self, message: str = "", **fields: object) -> None:
        super().__init__(message or self.default_message, **fields)


class AccessDenied(S3Error):
    """The request is unsigned, out of date, or not the caller's to make."""

    code = "AccessDenied"
    status = 403
    default_message = "Access Denied"


class InvalidAccessKeyId(S3Error):
    """No such key is known."""

    code = "InvalidAccessKeyId"
    status = 403
    default_message = "The AWS Access Key Id you provided does not exist in our records."


class SignatureDoesNotMatch(S3Error):
    """The request is not what its signer signed."""

    code = "SignatureDoesNotMatch"
    status = 403
    default_message = (
        "The request signature we calculated does not match the signature you provided. "
        "Check your key and signing method."
    )


class RequestTimeTooSkewed(S3Error):
    """The signer's clock is more than 15 minutes off."""

    code = "RequestTimeTooSkewed"
    status = 403
    default_message = "The difference between the request time and the current time is too large."


class ExpiredToken(S3Error):
    """The temporary credentials are past their end."""

    code = "ExpiredToken"
    status = 400
    default_message = "The provided token has expired."


class InvalidToken(S3Error):
    """The session token is not the key's."""

    code = "InvalidToken"
    status = 400
    default_message = "The provided token is malformed or otherwise invalid."


class AuthorizationHeaderMalformed(S3Error):
    """The Authorization header cannot be read."""

    code = "AuthorizationHeaderMalformed"
    status = 400
    default_message = "The authorization header that you provided is not valid."


class AuthorizationQueryParametersError(S3Error):
    """A presigned URL's parameters cannot be read."""

    code = "AuthorizationQueryParametersError"
    status = 400


class ContentSHA256Mismatch(S3Error):
    """The body is not the one that was signed."""

    code = "XAmzContentSHA256Mismatch"
    status = 400
    default_message = "The provided 'x-amz-content-sha256' header does not match what was computed."


class IncompleteBody(S3Error):
    """The body is shorter or longer than its headers say."""

    code = "IncompleteBody"
    status = 400
    default_message = (
        "You did not provide the number of bytes specified by the Content-Length HTTP header"
    )


class MalformedTrailer(S3Error):
    """What follows the last chunk is not a trailer."""

    code = "MalformedTrailerError"
    status = 400
    default_message = (
        "The request contained trailing data that was not well-formed or did not conform to "
        "our published schema."
    )


class InvalidRequest(S3Error):
    """The request contradicts itself, or uses something that is not supported."""

    code = "InvalidRequest"
    status = 400


class NotImplementedHere(S3Error):
    """The operation or option is S3's, but not the local cloud's."""

    code = "NotImplemented"
    status = 501


class InternalError(S3Error):
    """A fault of ours. The traceback is in the server's log."""

    code = "InternalError"
    status = 500
    default_message = "We encountered an internal error. Please try again."


class NoSuchBucket(S3Error):
    """The bucket is not there."""

    code = "NoSuchBucket"
    status = 404
    default_message = "The specified bucket does not exist"


class NoSuchKey(S3Error):
    """The object is not there."""

    code = "NoSuchKey"
    status = 404
    default_message = "The specified key does not exist."


class InvalidArgument(S3Error):
    """A header's or parameter's value is not one that S3 takes."""

    code = "InvalidArgument"
    status = 400


class MissingContentLength(S3Error):
    """The body's length is not said in a header."""

    code = "MissingContentLength"
    status = 411
    default_message = "You must provide the Content-Length HTTP header."


class MaxMessageLengthExceeded(S3Error):
    """An XML body is larger than S3 takes."""

    code = "MaxMessageLengthExceeded"
    status = 400
    default_message = "Your request was too big."
