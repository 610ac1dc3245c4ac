"""Log events: put, get from one stream, filter over a group."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.errors import InvalidParameterException
from maze_helpers.local_cloud.services.logs.filter_pattern import FilterPattern
from maze_helpers.local_cloud.services.logs.pages import (
    BACKWARD,
    FORWARD,
    MAX_PAGE_BYTES,
    MAX_PAGE_EVENTS,
    make_event_token,
    make_token,
    read_event_token,
    read_token,
)
from maze_helpers.local_cloud.services.logs.store import (
    END,
    EVENT_OVERHEAD_BYTES,
    MS_PER_DAY,
    Event,
    Position,
)
from maze_helpers.local_cloud.services.logs.streams import LogStreams, sequence_token

# PutLogEvents: what a batch may hold, and how far from now its events may be.
MAX_BATCH_BYTES = 1_048_576
MAX_BATCH_SPAN_MS = MS_PER_DAY
MAX_AGE_MS = 14 * MS_PER_DAY
MAX_LEAD_MS = 2 * 3_600_000

# FilterLogEvents: 2024-01-01; the newest events come first only in ranges from then on.
NEWEST_FIRST_FROM_MS = 1_704_067_200_000


class LogEvents:
    """The operations on log events."""

    def __init__(self, streams: LogStreams) -> None:
        self.streams = streams
        self.groups = streams.groups
        self.logs = streams.logs
        self.operations = {
            "PutLogEvents": self.put_log_events,
            "GetLogEvents": self.get_log_events,
            "FilterLogEvents": self.filter_log_events,
        }

    def put_log_events(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Append a batch to a stream; what is too old or too new is left out and reported."""
        group = self.groups.find(request)
        stream_name = request["logStreamName"]
        self.streams.find(group["name"], stream_name)
        events = [(event["timestamp"], event["message"]) for event in request["logEvents"]]
        _check_batch(events)
        accepted, rejected = self._sort_out(events, group)
        if accepted and accepted[-1][0] - accepted[0][0] > MAX_BATCH_SPAN_MS:
            raise InvalidParameterException(
                "The batch of log events in a single PutLogEvents request cannot span more "
                "than 24 hours."
            )
        with self.logs.store.transaction() as db:
            self.logs.append(db, group["name"], stream_name, accepted)
        stream = self.streams.find(group["name"], stream_name)
        answer: dict[str, Any] = {"nextSequenceToken": sequence_token(stream)}
        if rejected:
            answer["rejectedLogEventsInfo"] = rejected
        return answer

    def _sort_out(
        self, events: list[tuple[int, str]], group: sqlite3.Row
    ) -> tuple[list[tuple[int, str]], dict[str, int]]:
        """Return the events that are near enough to now, and where those that are not stand."""
        now_ms = self.logs.now_ms()
        expired = sum(timestamp_ms < self._expiry_ms(group) for timestamp_ms, _ in events)
        too_old = sum(timestamp_ms < now_ms - MAX_AGE_MS for timestamp_ms, _ in events)
        too_new = sum(timestamp_ms > now_ms + MAX_LEAD_MS for timestamp_ms, _ in events)
        last = len(events) - too_new
        rejected = {}
        if too_new:
            rejected["tooNewLogEventStartIndex"] = last
        if too_old:
            rejected["tooOldLogEventEndIndex"] = too_old
        if expired:
            rejected["expiredLogEventEndIndex"] = expired
        return events[max(expired, too_old) : last], rejected

    def _expiry_ms(self, group: sqlite3.Row) -> int:
        """Return the time before which a group's events have expired."""
        days = group["retention_days"]
        return 0 if days is None else self.logs.now_ms() - days * MS_PER_DAY

    def get_log_events(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return a page of one stream, oldest first, and the tokens to go on either way.

        At an end of the stream the token for that way is the one that was passed in.
        """
        group = self.groups.find(request)
        stream = self.streams.find(group["name"], request["logStreamName"])
        after = _at(max(request.get("startTime", 0), self._expiry_ms(group)))
        before = _at(request["endTime"]) if "endTime" in request else END
        here, forward = after, request.get("startFromHead", False)
        if "nextToken" in request:
            direction, here = read_event_token(request["nextToken"])
            forward = direction == FORWARD
            after, before = (max(after, here), before) if forward else (after, min(before, here))
        found = self.logs.events(stream["id"], after, before, newest_first=not forward)
        page = list(_page(found, request.get("limit", MAX_PAGE_EVENTS)))
        if not forward:
            page.reverse()
        first, last = (page[0].position, page[-1].position) if page else _ends(here, forward)
        return {
            "events": [_shown(event) for event in page],
            "nextForwardToken": make_event_token(FORWARD, last),
            "nextBackwardToken": make_event_token(BACKWARD, first),
        }

    def filter_log_events(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return a page of a group's events that match, oldest first unless asked otherwise.

        A token goes on in the direction in which its page went.
        """
        group = self.groups.find(request)
        names = {stream["id"]: stream["name"] for stream in self._searched(group, request)}
        newest_first, last = _direction(request)
        after = _at(max(request.get("startTime", 0), self._expiry_ms(group)))
        before = _at(request["endTime"] + 1) if "endTime" in request else END
        ranges: Iterable[tuple[int, Position, Position]]
        ranges = ((stream_id, after, before) for stream_id in names)
        if last is not None:
            ranges = (_going_on(stream_range, last, newest_first) for stream_range in ranges)
        pattern = FilterPattern(request.get("filterPattern", ""))
        events = self.logs.merged_events(ranges, newest_first)
        found = (event for event in events if pattern.matches(event.message))
        page = list(_page(found, request.get("limit", MAX_PAGE_EVENTS)))
        answer: dict[str, Any] = {
            "events": [
                _shown(event) | {"logStreamName": names[event.stream_id], "eventId": _id(event)}
                for event in page
            ],
            "searchedLogStreams": [],
        }
        if page:
            # Also where none is left: the page after it is empty, and has no token. The SageMaker
            # SDK's deploy(endpoint_logging=True) prints only pages that have one.
            # Source: github.com/aws-amplify/aws-sdk-android/issues/2483.
            answer["nextToken"] = make_token(newest_first, *page[-1][:3])
        return answer

    def _searched(self, group: sqlite3.Row, request: dict[str, Any]) -> Iterable[sqlite3.Row]:
        names, prefix = request.get("logStreamNames"), request.get("logStreamNamePrefix")
        if names is not None and prefix is not None:
            raise InvalidParameterException(
                "logStreamNames and logStreamNamePrefix are mutually exclusive parameters."
            )
        if names is not None:
            return [self.streams.find(group["name"], name) for name in names]
        return self.logs.streams(group["name"], prefix or "")


def _check_batch(events: list[tuple[int, str]]) -> None:
    """Check what a batch may hold.

    Raises: InvalidParameterException.
    """
    timestamps = [timestamp_ms for timestamp_ms, _ in events]
    if any(later < earlier for earlier, later in zip(timestamps, timestamps[1:], strict=False)):
        raise InvalidParameterException(
            "Log events in a single PutLogEvents request must be in chronological order."
        )
    size_bytes = sum(len(message.encode()) + EVENT_OVERHEAD_BYTES for _, message in events)
    if size_bytes > MAX_BATCH_BYTES:
        raise InvalidParameterException(
            f"Upload too large: {size_bytes} bytes exceeds limit of {MAX_BATCH_BYTES}"
        )


def _direction(request: dict[str, Any]) -> tuple[bool, tuple[int, ...] | None]:
    """Return whether the newest events come first, and the last event of the page before.

    Raises: InvalidParameterException.
    """
    if "nextToken" in request:
        newest_first, *last = read_token(request["nextToken"], bool, int, int, int)
        return newest_first, tuple(last)
    newest_first = not request.get("startFromHead", True)
    if newest_first and request.get("startTime", NEWEST_FIRST_FROM_MS) < NEWEST_FIRST_FROM_MS:
        raise InvalidParameterException(
            "startFromHead can be false only where startTime is on or after Jan 1, 2024."
        )
    return newest_first, None


def _at(timestamp_ms: int) -> Position:
    """Return the position before all events of a millisecond."""
    return Position(timestamp_ms, 0)


def _page(events: Iterator[Event], limit: int) -> Iterator[Event]:
    """Yield events until the page is full; the next one is then still there to be taken."""
    size_bytes = 0
    for number, event in enumerate(events, 1):
        yield event
        size_bytes += event.size_bytes
        if number == limit or size_bytes >= MAX_PAGE_BYTES:
            return


def _ends(here: Position, forward: bool) -> tuple[Position, Position]:
    """Return the positions to go back and on from, when there is nothing past `here`.

    The token for the way taken stays the same; the other one leads back over what is at `here`.
    """
    timestamp_ms, sequence = here
    if forward:
        return Position(timestamp_ms, sequence + 1), here
    return here, Position(timestamp_ms, max(sequence - 1, 0))


def _going_on(
    stream_range: tuple[int, Position, Position], last: tuple[int, ...], newest_first: bool
) -> tuple[int, Position, Position]:
    """Return a stream's range without what the pages up to the last event have covered.

    Events sort by time, stream and sequence, so at the last event's time the streams before its
    own are covered, and those behind it are not; the other way round when newest come first.
    """
    stream_id, after, before = stream_range
    last_ms, last_stream_id, last_sequence = last
    if stream_id == last_stream_id:
        limit = Position(last_ms, last_sequence)
    else:
        limit = _at(last_ms + 1 if stream_id < last_stream_id else last_ms)
    if newest_first:
        return stream_id, after, min(before, limit)
    return stream_id, max(after, limit), before


def _shown(event: Event) -> dict[str, Any]:
    return {
        "timestamp": event.timestamp_ms,
        "message": event.message,
        "ingestionTime": event.ingestion_ms,
    }


def _id(event: Event) -> str:
    """Return an event's id: 56 digits, as long as AWS's, unique and in the order of events."""
    return f"{event.timestamp_ms:018d}{event.stream_id:018d}{event.sequence:020d}"
