"""S3's errors about the body of a request: one class a wire code, as in `errors`."""

from maze_helpers.local_cloud.services.s3.errors import S3Error


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


class BadDigest(S3Error):
    """The body does not have the digest that its headers state."""

    code = "BadDigest"
    status = 400
    default_message = "The Content-MD5 you specified did not match what we received."


class InvalidDigest(S3Error):
    """Content-MD5 is not an MD5."""

    code = "InvalidDigest"
    status = 400
    default_message = "The Content-MD5 you specified was invalid."


class EntityTooLarge(S3Error):
    """The body has more than 5 GiB."""

    code = "EntityTooLarge"
    status = 400
    default_message = "Your proposed upload exceeds the maximum allowed size"


class EntityTooSmall(S3Error):
    """A part other than the last has less than 5 MiB."""

    code = "EntityTooSmall"
    status = 400
    default_message = "Your proposed upload is smaller than the minimum allowed size"


class MalformedXML(S3Error):
    """The body is not the XML that the operation takes."""

    code = "MalformedXML"
    status = 400
    default_message = (
        "The XML you provided was not well-formed or did not validate against our published schema"
    )
