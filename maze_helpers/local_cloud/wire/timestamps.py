"""Timestamps on the wire: the formats that the models name, to and from aware datetimes."""

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime, parsedate_to_datetime

from maze_helpers.local_cloud.errors import SerializationException

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

UNIX = "unixTimestamp"
ISO8601 = "iso8601"
RFC822 = "rfc822"


def parse(value: object) -> datetime:
    """Return the moment that a wire value names, whichever of the formats it is in.

    Example: 1700000000.5, '1700000000.5' and '2023-11-14T22:13:20.5Z' are the same moment.
    Raises: SerializationException.
    """
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=timezone.utc)
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return EPOCH + timedelta(seconds=value)
        if isinstance(value, str):
            return _parse_text(value)
    except (ValueError, OverflowError) as error:
        raise SerializationException(f"'{value}' is not a timestamp") from error
    raise SerializationException(f"'{value}' is not a timestamp")


def _parse_text(text: str) -> datetime:
    if text[:1].isalpha():
        moment = parsedate_to_datetime(text)
    elif "-" in text[1:] and "e-" not in text.lower():
        # Python 3.10 reads neither "Z" nor fractions of other than 3 or 6 digits.
        moment = _parse_iso8601(text)
    else:
        moment = EPOCH + timedelta(seconds=float(text))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _parse_iso8601(text: str) -> datetime:
    clock, dot, rest = text.partition(".")
    if not dot:
        return datetime.fromisoformat(clock.replace("Z", "+00:00").replace("z", "+00:00"))
    digits = rest.rstrip("Zz")
    offset = "+00:00" if digits != rest else ""
    for sign in "+-":
        if sign in digits:
            digits, _, tail = digits.partition(sign)
            offset = sign + tail
    return datetime.fromisoformat(f"{clock}.{digits[:6]:0<6}{offset}")


def epoch_s(moment: datetime) -> float:
    """Return seconds since the epoch, to the millisecond: what AWS puts in JSON."""
    return round((moment - EPOCH) / timedelta(milliseconds=1)) / 1000


def render(moment: datetime, wire_format: str) -> str | float:
    """Return a moment in a wire format: a number for unixTimestamp, else text."""
    if wire_format.lower() == UNIX.lower():
        return epoch_s(moment)
    in_utc = moment.astimezone(timezone.utc)
    if wire_format == RFC822:
        return format_datetime(in_utc.replace(microsecond=0), usegmt=True)
    return in_utc.isoformat(timespec="milliseconds").replace("+00:00", "Z").replace(".000Z", "Z")
