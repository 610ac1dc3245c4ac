"""The operations of CloudWatch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maze_helpers.local_cloud.protocol import ServiceProtocol

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud


class CloudWatch:
    """CloudWatch metrics."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.protocol = ServiceProtocol("cloudwatch")
        self.operations = {}
