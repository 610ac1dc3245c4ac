"""How training jobs end, and why."""

from __future__ import annotations

from typing import NamedTuple

from maze_helpers.local_cloud.engine.artifacts import MAX_REASON_CHARACTERS
from maze_helpers.local_cloud.errors import AWSError
from maze_helpers.local_cloud.services.s3.errors import NoSuchKey


class Ending(NamedTuple):
    """How a job ends.

    reason: why it failed. keeps_output: whether what it wrote until then goes to S3.
    """

    status: str
    secondary_status: str
    reason: str = ""
    keeps_output: bool = True


STOPPED = Ending("Stopped", "Stopped")
OUT_OF_TIME = Ending("Stopped", "MaxRuntimeExceeded")
WAITED_TOO_LONG = Ending("Stopped", "MaxWaitTimeExceeded")
COMPLETED = Ending("Completed", "Completed")


class JobEnd(Exception):
    """The job ends here, before its processes did or could."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.reason)
        self.ending = ending


def failed(reason: str, keeps_output: bool = True) -> Ending:
    """Return the ending of a job that failed."""
    return Ending("Failed", "Failed", reason[:MAX_REASON_CHARACTERS], keeps_output)


def explain(error: Exception) -> str:
    """Return why an error happened, in words for the job's owner."""
    if isinstance(error, NoSuchKey) and "Key" in error.fields:
        # S3's message does not say which; a manifest may name thousands.
        return f"{error.message.rstrip('.')}: {error.fields['Key']}"
    if isinstance(error, AWSError):
        return error.message or error.code
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error) or type(error).__name__
