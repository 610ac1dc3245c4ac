"""A notebook instance's folder: /home/ec2-user as it finds it, of which SageMaker outlives stops.

Differs from AWS: where the machine has no namespaces, its home is a folder elsewhere, as HOME says.
Source: SageMaker guide, "SageMaker notebook instances", on what is kept when one is stopped.
"""

import tempfile
from pathlib import Path
from typing import Any

from maze_helpers.local_cloud.engine.container_folder import (
    ContainerFolder,
    remove_folder,
    write_json,
)
from maze_helpers.local_cloud.engine.containers import isolation

HOME = Path("/home/ec2-user")
VOLUME = "SageMaker"


class NotebookFolder(ContainerFolder):
    """The paths below one notebook instance's folder."""

    tmp_prefix = "maze-notebook-"

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.volume = self.home / VOLUME
        self.settings = root / "settings.json"

    @property
    def runtime(self) -> Path:
        """Where Jupyter has its sockets, and says on which port it listens."""
        return self.tmp / "jupyter"

    @property
    def home_seen(self) -> Path:
        """Where the instance finds its home."""
        has_one = isolation() != "none" and HOME.parent.is_dir()
        return HOME if has_one else self.home

    def make_instance(self, name: str, arn: str) -> None:
        """Make all anew but the volume, with the file that tells an instance who it is.

        Source: SageMaker guide, "Get Notebook Instance Metadata".
        """
        self.remove_instance()
        self.volume.mkdir(parents=True, exist_ok=True)
        metadata = self.opt_ml / "metadata"
        metadata.mkdir(parents=True)
        write_json(metadata / "resource-metadata.json", {"ResourceArn": arn, "ResourceName": name})
        self._tmp.symlink_to(tempfile.mkdtemp(prefix=self.tmp_prefix))

    def remove_instance(self) -> None:
        """Remove what does not outlive a stop. Raises: OSError, if something cannot be removed."""
        if self._tmp.is_symlink():
            if self.tmp.name.startswith(self.tmp_prefix):
                remove_folder(Path(tempfile.gettempdir()) / self.tmp.name)
            self._tmp.unlink()
        remove_folder(self.root / "opt")
        if self.home.is_symlink():  # The instance's own doing: what is behind it is not ours.
            self.home.unlink()
        for path in self.home.iterdir() if self.home.is_dir() else ():
            if path.is_symlink() or not path.is_dir():
                path.unlink()
            elif path != self.volume:
                remove_folder(path)

    def write_settings(self, settings: dict[str, Any]) -> None:
        """Write what the instance is to run."""
        write_json(self.settings, settings)
