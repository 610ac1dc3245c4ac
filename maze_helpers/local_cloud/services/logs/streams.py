"""Log streams: create, delete, describe."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import islice
from typing import Any

from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.errors import (
    InvalidParameterException,
    ResourceAlreadyExistsException,
    ResourceNotFoundException,
)
from maze_helpers.local_cloud.services.logs.groups import DEFAULT_LIMIT, LogGroups
from maze_helpers.local_cloud.services.logs.pages import make_token, read_token


class LogStreams:
    """The operations on log streams."""

    def __init__(self, groups: LogGroups) -> None:
        self.groups = groups
        self.logs = groups.logs
        self.operations = {
            "CreateLogStream": self.create_log_stream,
            "DeleteLogStream": self.delete_log_stream,
            "DescribeLogStreams": self.describe_log_streams,
        }

    def find(self, group_name: str, stream_name: str) -> sqlite3.Row:
        """Return a stream.

        Raises: ResourceNotFoundException.
        """
        stream = self.logs.stream(group_name, stream_name)
        if stream is None:
            raise ResourceNotFoundException("The specified log stream does not exist.")
        return stream

    def create_log_stream(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Make an empty stream."""
        group = self.groups.find(request)
        try:
            self.logs.store.connection.execute(
                "INSERT INTO log_streams (group_name, name, created_ms) VALUES (?, ?, ?)",
                (group["name"], request["logStreamName"], self.logs.now_ms()),
            )
        except sqlite3.IntegrityError as error:
            raise ResourceAlreadyExistsException(
                "The specified log stream already exists"
            ) from error
        return {}

    def delete_log_stream(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Delete a stream with its events."""
        group = self.groups.find(request)
        stream = self.find(group["name"], request["logStreamName"])
        self.logs.store.connection.execute("DELETE FROM log_streams WHERE id = ?", (stream["id"],))
        return {}

    def describe_log_streams(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return a page of a group's streams, by name or by last event."""
        group = self.groups.find(request)
        by_time = request.get("orderBy") == "LastEventTime"
        if by_time and "logStreamNamePrefix" in request:
            raise InvalidParameterException(
                "Cannot order by LastEventTime with a logStreamNamePrefix."
            )
        limit = request.get("limit", DEFAULT_LIMIT)
        page = list(islice(self._streams(group["name"], request, by_time), limit + 1))
        answer: dict[str, Any] = {
            "logStreams": [self._described(stream) for stream in page[:limit]]
        }
        if len(page) > limit:
            last = page[limit - 1]
            key = (_last_event_ms(last), last["name"]) if by_time else (last["name"],)
            answer["nextToken"] = make_token(*key)
        return answer

    def _streams(
        self, group_name: str, request: dict[str, Any], by_time: bool
    ) -> Iterator[sqlite3.Row]:
        token, descending = request.get("nextToken"), request.get("descending", False)
        if by_time:
            after = read_token(token, int, str) if token else None
            return self.logs.streams_by_last_event(group_name, after, descending)
        name = read_token(token, str)[0] if token else None
        prefix = request.get("logStreamNamePrefix", "")
        return self.logs.streams(group_name, prefix, name, descending)

    def _described(self, stream: sqlite3.Row) -> dict[str, Any]:
        return {
            "logStreamName": stream["name"],
            "creationTime": stream["created_ms"],
            "firstEventTimestamp": stream["first_event_ms"],
            "lastEventTimestamp": stream["last_event_ms"],
            "lastIngestionTime": stream["last_ingestion_ms"],
            "uploadSequenceToken": sequence_token(stream),
            "arn": f"{self.groups.arn(stream['group_name'])}:log-stream:{stream['name']}",
            # AWS reports 0 for every stream since 2019; the group has the sum.
            "storedBytes": 0,
        }


def sequence_token(stream: sqlite3.Row) -> str:
    """Return the token that PutLogEvents once demanded: it is given out, and ignored."""
    return f"{stream['id']:028d}{stream['last_sequence']:028d}"


def _last_event_ms(stream: sqlite3.Row) -> int:
    return -1 if stream["last_event_ms"] is None else stream["last_event_ms"]
