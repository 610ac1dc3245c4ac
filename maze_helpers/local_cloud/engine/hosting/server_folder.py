"""A model server's folder."""

from pathlib import Path

from maze_helpers.local_cloud.engine.container_folder import ContainerFolder


class ServerFolder(ContainerFolder):
    """The paths below one model server's folder."""

    tmp_prefix = "maze-server-"

    @property
    def socket(self) -> Path:
        """The unix socket on which the server answers."""
        return self.tmp / "socket"

    @property
    def failure(self) -> Path:
        """The file in which the container says why it cannot serve."""
        return self.tmp / "failure"
