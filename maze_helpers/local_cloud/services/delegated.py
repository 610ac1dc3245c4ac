"""Services that moto answers, in this process, behind one lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maze_helpers.local_cloud.protocol import ServiceProtocol

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud


class Delegated:
    """A service that is forwarded to moto."""

    def __init__(self, cloud: LocalCloud, service_name: str) -> None:
        self.cloud = cloud
        self.protocol = ServiceProtocol(service_name)
        self.operations = {}
