"""Telling what somebody else deleted meanwhile: what is listed may be gone when it is looked at."""

from botocore.exceptions import ClientError

# S3 answers a HEAD request with a bare 404.
_NO_OBJECT = ("404", "NoSuchKey", "NoSuchBucket")
_WORDS = ("Could not find", "RecordNotFound", "Lifecycle Config does not exist")


def is_gone(error: ClientError) -> bool:
    """Return whether a call failed because what it names is not there."""
    code = error.response["Error"]["Code"]
    # SageMaker has no code of its own for it; the last two are a notebook instance's.
    return code == "ResourceNotFoundException" or (
        code == "ValidationException" and any(words in str(error) for words in _WORDS)
    )


def is_object_gone(error: ClientError) -> bool:
    """Return whether a call of S3 failed because there is no such object, or no such bucket."""
    return error.response["Error"]["Code"] in _NO_OBJECT
