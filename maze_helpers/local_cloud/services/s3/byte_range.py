"""The Range header: which bytes of an object a client asks for."""

import re

from maze_helpers.local_cloud.services.s3.errors import (
    InvalidArgument,
    InvalidRange,
)

_RANGE = re.compile(r"bytes=\s*(\d*)-(\d*)\s*", re.ASCII)
_COPY_RANGE = re.compile(r"bytes=(\d+)-(\d+)", re.ASCII)


def parse(header: str | None, size_bytes: int) -> range | None:
    """Return the offsets that a Range asks for, or None for the whole object.

    Examples, of 10 bytes: 'bytes=2-3' gives range(2, 4), 'bytes=-3' range(7, 10), and
    'bytes=8-99' range(8, 10). What is not a single range counts for nothing, as in S3.
    Raises: InvalidRange, if it begins past the end.
    """
    match = _RANGE.fullmatch(header or "")
    if not match or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        asked = range(max(0, size_bytes - int(last)), size_bytes)
    elif last and int(last) < int(first):
        return None
    else:
        asked = range(int(first), min(int(last) + 1 if last else size_bytes, size_bytes))
    if not asked:
        raise InvalidRange(RangeRequested=header, ActualObjectSize=size_bytes)
    return asked


def parse_copy_source(header: str | None, size_bytes: int) -> range:
    """Return the offsets that x-amz-copy-source-range asks for.

    Raises: InvalidArgument, unless it is 'bytes=first-last' within the source.
    """
    if header is None:
        return range(size_bytes)
    match = _COPY_RANGE.fullmatch(header)
    if not match or int(match[2]) < int(match[1]):
        raise InvalidArgument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first "
            "and last are the zero-based offsets of the first and last bytes to copy",
            ArgumentName="x-amz-copy-source-range",
            ArgumentValue=header,
        )
    if int(match[2]) >= size_bytes:
        raise InvalidArgument(
            f"Range specified is not valid for source object of size: {size_bytes}",
            ArgumentName="x-amz-copy-source-range",
            ArgumentValue=header,
        )
    return range(int(match[1]), int(match[2]) + 1)
