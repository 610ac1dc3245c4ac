"""S3's errors: one class a wire code.

Source: "Error responses", Amazon S3 API Reference.
"""

from collections.abc import Mapping

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


class MethodNotAllowed(S3Error):
    """The resource has no such method."""

    code = "MethodNotAllowed"
    status = 405
    default_message = "The specified method is not allowed against this resource."


class InvalidRange(S3Error):
    """The range begins past the object's end."""

    code = "InvalidRange"
    status = 416
    default_message = "The requested range is not satisfiable"


class PreconditionFailed(S3Error):
    """A condition in the request's headers does not hold."""

    code = "PreconditionFailed"
    status = 412
    default_message = "At least one of the pre-conditions you specified did not hold"


class NotModified(S3Error):
    """The client has the object already. The answer has no body."""

    code = "NotModified"
    status = 304

    def __init__(self, headers: Mapping[str, str]) -> None:
        """headers: such as ETag, which the answer carries."""
        super().__init__()
        self.headers = headers


class InvalidTag(S3Error):
    """A tag breaks S3's limits on tags."""

    code = "InvalidTag"
    status = 400


class BadRequest(S3Error):
    """There are too many tags."""

    code = "BadRequest"
    status = 400


class InvalidURI(S3Error):
    """The path is not UTF-8."""

    code = "InvalidURI"
    status = 400
    default_message = "Couldn't parse the specified URI."


class InvalidBucketName(S3Error):
    """The name breaks the rules for buckets' names."""

    code = "InvalidBucketName"
    status = 400
    default_message = "The specified bucket is not valid."


class KeyTooLongError(S3Error):
    """The key has more than 1024 bytes."""

    code = "KeyTooLongError"
    status = 400
    default_message = "Your key is too long"


class NoSuchUpload(S3Error):
    """The upload is not there, or no longer."""

    code = "NoSuchUpload"
    status = 404
    default_message = (
        "The specified upload does not exist. The upload ID may be invalid, or the upload may "
        "have been aborted or completed."
    )


class InvalidPart(S3Error):
    """A part that is to be completed is not there, or is another one."""

    code = "InvalidPart"
    status = 400
    default_message = (
        "One or more of the specified parts could not be found.  The part may not have been "
        "uploaded, or the specified entity tag may not match the part's entity tag."
    )


class InvalidPartOrder(S3Error):
    """The parts that are to be completed do not ascend."""

    code = "InvalidPartOrder"
    status = 400
    default_message = (
        "The list of parts was not in ascending order. Parts must be ordered by part number."
    )


class AccessControlListNotSupported(S3Error):
    """The bucket's objects belong to its owner, whatever an ACL says."""

    code = "AccessControlListNotSupported"
    status = 400
    default_message = "The bucket does not allow ACLs"


class InvalidStorageClass(S3Error):
    """There is no such storage class."""

    code = "InvalidStorageClass"
    status = 400
    default_message = "The storage class you specified is not valid"


class MetadataTooLarge(S3Error):
    """The metadata has more than 2 KB."""

    code = "MetadataTooLarge"
    status = 400
    default_message = "Your metadata headers exceed the maximum allowed metadata size"


class InvalidPartNumber(S3Error):
    """The object has no such part."""

    code = "InvalidPartNumber"
    status = 416
    default_message = "The requested partnumber is not satisfiable"


class InsufficientStorage(S3Error):
    """The disk is full. Differs from AWS: S3 has no end."""

    code = "InsufficientStorage"
    # Not 500 or 503: botocore would try again, in vain.
    status = 507
    default_message = (
        "The local cloud's disk is full. Nothing was written, and nothing was lost: free some "
        "space, then try again."
    )


class BucketAlreadyOwnedByYou(S3Error):
    """The bucket is there, outside us-east-1."""

    code = "BucketAlreadyOwnedByYou"
    status = 409
    default_message = (
        "Your previous request to create the named bucket succeeded and you already own it."
    )


class BucketNotEmpty(S3Error):
    """The bucket holds objects."""

    code = "BucketNotEmpty"
    status = 409
    default_message = "The bucket you tried to delete is not empty"


class IllegalLocationConstraint(S3Error):
    """The bucket is to be made in another region than the one that was called."""

    code = "IllegalLocationConstraintException"
    status = 400


class InvalidLocationConstraint(S3Error):
    """There is no such region."""

    code = "InvalidLocationConstraint"
    status = 400
    default_message = "The specified location-constraint is not valid"


class InvalidBucketAclWithObjectOwnership(S3Error):
    """The ACL contradicts BucketOwnerEnforced, the default."""

    code = "InvalidBucketAclWithObjectOwnership"
    status = 400
    default_message = (
        "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
    )


class NoSuchTagSet(S3Error):
    """The bucket has no tags."""

    code = "NoSuchTagSet"
    status = 404
    default_message = "The TagSet does not exist"


class NoSuchVersion(S3Error):
    """There is one version of each object, 'null'."""

    code = "NoSuchVersion"
    status = 404
    default_message = "The specified version does not exist."
