"""A container's folder: its /opt/ml, what is beside it, and which process it belongs to."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from maze_helpers.local_cloud.credentials import Credentials
from maze_helpers.local_cloud.engine.containers import end_stray


class ContainerFolder:
    """The paths that every container has."""

    # Begins the names of its folders for temporary files.
    tmp_prefix = "maze-"

    def __init__(self, root: Path) -> None:
        self.root = root
        self.opt_ml = root / "opt" / "ml"
        self.model = self.opt_ml / "model"
        self.home = root / "home"
        self._tmp = root / "tmp"
        self._container = root / "container.json"
        self._key = root / "key.json"

    @property
    def tmp(self) -> Path:
        """The folder for temporary files, elsewhere: sockets in it need a short path."""
        return Path(os.readlink(self._tmp))

    def make_anew(self) -> None:
        """Make the folder, empty but for these folders."""
        self.remove()
        for folder in (self.model, self.home):
            folder.mkdir(parents=True)
        self._tmp.symlink_to(tempfile.mkdtemp(prefix=self.tmp_prefix))

    def remove(self) -> None:
        """Remove the folder and all below it; it may be missing.

        Raises: OSError, if something cannot be removed.
        """
        # The link is the container's to change: only a folder that can be one of ours is removed.
        if self._tmp.is_symlink() and self.tmp.name.startswith(self.tmp_prefix):
            remove_folder(Path(tempfile.gettempdir()) / self.tmp.name)
        remove_folder(self.root)

    def is_untouched(self, path: Path) -> bool:
        """Return whether no link took a path's place, or that of a folder above it.

        The container owns its folders, and could put a link to anywhere there.
        """
        real_root = os.path.realpath(self.root)
        return os.path.realpath(path) == os.path.join(real_root, path.relative_to(self.root))

    def note_container(self, pid: int, created_at: float) -> None:
        """Write down which process is the container."""
        write_json(self._container, {"pid": pid, "created_at": created_at})

    def end_container(self) -> None:
        """End the container that was written down, if it still runs."""
        try:
            noted = json.loads(self._container.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return  # It was never started, or ended with the server that was starting it.
        end_stray(noted["pid"], noted["created_at"])

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


def write_json(path: Path, value: object) -> None:
    """Write a value as a JSON file."""
    path.write_text(json.dumps(value), encoding="utf-8")


def remove_folder(folder: Path) -> None:
    """Remove a folder and all below it, whatever a container made of it; it may be missing.

    Raises: OSError, if something cannot be removed.
    """
    if not folder.exists():
        return
    try:
        shutil.rmtree(folder)
    except (OSError, RecursionError):
        # Something is unwritable, or there are more folders in each other than Python goes down.
        subprocess.run(["chmod", "-R", "u+rwx", folder], capture_output=True)
        removed = subprocess.run(["rm", "-rf", folder], capture_output=True, text=True)
        if removed.returncode != 0:
            raise OSError(removed.stderr.strip()) from None
