"""Tags of buckets and objects: their limits, and the two ways in which they are written."""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl

from maze_helpers.local_cloud.services.s3.errors import (
    BadRequest,
    InvalidArgument,
    InvalidTag,
)

MAX_OBJECT_TAGS = 10
MAX_BUCKET_TAGS = 50
_ALLOWED = re.compile(r"[\w\s+\-=.:/@]*")


def from_header(text: str | None) -> dict[str, str]:
    """Return the tags of an x-amz-tagging header, such as 'a=1&b=2'.

    Raises: InvalidArgument, InvalidTag.
    """
    if not text:
        return {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        raise InvalidArgument(
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query "
            "parameters without tag name duplicates.",
            ArgumentName="x-amz-tagging",
            ArgumentValue=text,
        ) from None
    return _checked(pairs, MAX_OBJECT_TAGS)


def from_tag_set(
    tag_set: Iterable[Mapping[str, str]], limit: int = MAX_OBJECT_TAGS
) -> dict[str, str]:
    """Return the tags of a TagSet. Raises: InvalidTag."""
    return _checked([(tag["Key"], tag["Value"]) for tag in tag_set], limit)


def to_tag_set(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return a TagSet."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _checked(pairs: list[tuple[str, str]], limit: int) -> dict[str, str]:
    tags: dict[str, str] = {}
    for key, value in pairs:
        if not 1 <= len(key) <= 128 or not _ALLOWED.fullmatch(key):
            raise InvalidTag("The TagKey you have provided is invalid", TagKey=key)
        if len(value) > 256 or not _ALLOWED.fullmatch(value):
            raise InvalidTag("The TagValue you have provided is invalid", TagKey=key)
        if key in tags:
            raise InvalidTag("Cannot provide multiple Tags with the same key", TagKey=key)
        if key.lower().startswith("aws:"):
            raise InvalidTag("System tags cannot be added/updated by requester", TagKey=key)
        tags[key] = value
    if len(tags) > limit:
        kind = "Object" if limit == MAX_OBJECT_TAGS else "Bucket"
        raise BadRequest(f"{kind} tags cannot be greater than {limit}")
    return tags
