"""A model server's folder."""

import json
from pathlib import Path

from maze_helpers.local_cloud.credentials import Credentials
from maze_helpers.local_cloud.engine.container_folder import ContainerFolder, write_json


class ServerFolder(ContainerFolder):
    """The paths below one model server's folder."""

    tmp_prefix = "maze-server-"

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._key = root / "key.json"

    @property
    def socket(self) -> Path:
        """The unix socket on which the server answers."""
        return self.tmp / "socket"

    @property
    def failure(self) -> Path:
        """The file in which the container says why it cannot serve."""
        return self.tmp / "failure"

    def note_key(self, access_key_id: str) -> None:
        """Write down which of the role's keys the container was lent."""
        write_json(self._key, access_key_id)

    def revoke_key(self, credentials: Credentials) -> None:
        """Have the key that was written down accepted no more."""
        try:
            access_key_id = json.loads(self._key.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return  # It was not lent yet, or written in the moment of a kill: then never used.
        credentials.revoke(access_key_id)
