"""Telling what somebody else deleted meanwhile: what is listed may be gone when it is looked at."""

from botocore.exceptions import ClientError


def is_gone(error: ClientError) -> bool:
    """Return whether a call failed because what it names is not there."""
    code = error.response["Error"]["Code"]
    # SageMaker has no code of its own for it.
    return code == "ResourceNotFoundException" or (
        code == "ValidationException" and "Could not find" in str(error)
    )
