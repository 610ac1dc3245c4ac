"""CloudWatch Logs: its protocol and its operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maze_helpers.local_cloud.protocol import ServiceProtocol
from maze_helpers.local_cloud.services.logs.events import LogEvents
from maze_helpers.local_cloud.services.logs.groups import LogGroups
from maze_helpers.local_cloud.services.logs.streams import LogStreams

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud


class Logs:
    """CloudWatch Logs."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.protocol = ServiceProtocol("logs")
        groups = LogGroups(cloud)
        streams = LogStreams(groups)
        events = LogEvents(streams)
        self.operations = groups.operations | streams.operations | events.operations
