"""Preconditions: If-Match and its kin, on reads, writes and the sources of copies.

Source: "Conditional requests", Amazon S3 User Guide, after RFC 9110, section 13.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from maze_helpers.local_cloud.services.s3.errors import (
    NoSuchKey,
    NotImplementedHere,
    NotModified,
    PreconditionFailed,
)
from maze_helpers.local_cloud.services.s3.schema import ObjectInfo

WriteCondition = Callable[[ObjectInfo | None], None]


def check_read(info: ObjectInfo, parameters: Mapping[str, Any]) -> None:
    """Raise PreconditionFailed, or NotModified, if the object is not to be sent."""
    if (etags := parameters.get("IfMatch")) is not None:
        if not _names(etags, info):
            raise PreconditionFailed(Condition="If-Match")
    elif since := parameters.get("IfUnmodifiedSince"):
        if _modified_since(info, since):
            raise PreconditionFailed(Condition="If-Unmodified-Since")
    if (etags := parameters.get("IfNoneMatch")) is not None:
        if _names(etags, info):
            raise NotModified(validators(info))
    elif (since := parameters.get("IfModifiedSince")) and not _modified_since(info, since):
        raise NotModified(validators(info))


def validators(info: ObjectInfo) -> dict[str, str]:
    """Return the headers that later conditions can name: ETag and Last-Modified."""
    modified = format_datetime(info.last_modified, usegmt=True)
    return {"ETag": f'"{info.etag}"', "Last-Modified": modified}


def check_copy_source(info: ObjectInfo, parameters: Mapping[str, Any]) -> None:
    """Raise PreconditionFailed if the object is not to be copied."""
    renamed = {
        name.removeprefix("CopySource"): value
        for name, value in parameters.items()
        if name.startswith("CopySourceIf")
    }
    try:
        check_read(info, renamed)
    except NotModified as error:
        raise PreconditionFailed(Condition="x-amz-copy-source-If-None-Match") from error


def write_condition(parameters: Mapping[str, Any]) -> WriteCondition | None:
    """Return a check of the object that a write would replace, or None.

    Raises: NotImplementedHere, for an If-None-Match that S3 does not take either.
    """
    none_match, match = parameters.get("IfNoneMatch"), parameters.get("IfMatch")
    if none_match is not None and none_match != "*":
        raise NotImplementedHere(
            "A header you provided implies functionality that is not implemented",
            Header="If-None-Match",
            additionalMessage="We don't accept the provided value of If-None-Match header for "
            "this API",
        )
    if none_match is None and match is None:
        return None

    def check(existing: ObjectInfo | None) -> None:
        if none_match and existing:
            raise PreconditionFailed(Condition="If-None-Match")
        if match is not None and existing is None:
            raise NoSuchKey()
        if match is not None and not _names(match, existing):
            raise PreconditionFailed(Condition="If-Match")

    return check


def _names(etags: str, info: ObjectInfo) -> bool:
    return etags.strip() == "*" or any(
        etag.strip().removeprefix("W/").strip('"') == info.etag for etag in etags.split(",")
    )


def _modified_since(info: ObjectInfo, moment: datetime) -> bool:
    # A Last-Modified header has whole seconds, and what it says must compare as equal.
    return int(info.modified_at) > moment.timestamp()
