"""The maze's folder (`.maze`): where it is, what it holds, and whether it can be used."""

import errno
import json
import os
import shutil
import sqlite3
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from maze_helpers.local_cloud.errors import MazeError

FOLDER = ".maze"
# A process is recognised by its pid and by when it began, to the clock tick and rounding.
START_TOLERANCE_S = 1.5
FULL_BYTES = 64 * 1024


@dataclass(frozen=True)
class ServerInfo:
    """A running server, as `server.json` tells of it.

    started_after_boot_s: unlike a wall-clock time, it survives a change of the system's clock.
    """

    pid: int
    started_after_boot_s: float
    port: int
    version: str

    @property
    def endpoint_url(self) -> str:
        """Where clients reach the server."""
        return f"http://127.0.0.1:{self.port}"

    def process(self) -> psutil.Process | None:
        """Return the server's process, or None when it has ended or its pid is now another's."""
        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            drift_s = started_after_boot_s(process) - self.started_after_boot_s
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return None
        return process if abs(drift_s) < START_TOLERANCE_S else None


def started_after_boot_s(process: psutil.Process) -> float:
    """Return how many seconds after the machine's start a process began."""
    return process.create_time() - psutil.boot_time()


class Home:
    """The files of one maze folder."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.abspath(path))
        self.lock = self.path / "server.lock"
        self.log = self.path / "logs" / "server.log"
        self.stderr = self.path / "logs" / "server.stderr"
        self.aws = self.path / "aws"
        self._info = self.path / "server.json"
        self._port = self.path / "port"

    def prepare(self) -> None:
        """Make the folder, for its owner alone and ignored by git.

        Raises: MazeError, if it cannot be written to.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.path / "logs").mkdir(exist_ok=True)
            self.aws.mkdir(exist_ok=True)
            # Written at every start: it also proves that the folder takes a file.
            write_whole(self.path / ".gitignore", "*\n")
        except OSError as error:
            raise MazeError(explain(error, self.path)) from error

    def read_info(self) -> ServerInfo | None:
        """Return the server that runs on this folder, or None."""
        try:
            server = ServerInfo(**json.loads(self._info.read_text()))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, TypeError):  # another version's file: whoever wrote it is not ours
            return None
        return server if server.process() else None

    def write_info(self, server: ServerInfo) -> None:
        """Tell others that the server answers, and keep its port for the next start."""
        write_whole(self._port, f"{server.port}\n")
        write_whole(self._info, json.dumps(asdict(server)) + "\n")

    def forget_info(self) -> None:
        """Tell others that the server answers no more."""
        self._info.unlink(missing_ok=True)

    def remembered_port(self) -> int | None:
        """Return the port that the last server used, so that a restart keeps the endpoint."""
        try:
            return int(self._port.read_text())
        except (FileNotFoundError, ValueError):
            return None


def find_home() -> Path:
    """Return `$MAZE_HOME`, else `.maze` of the checkout around the current folder, else here."""
    if os.environ.get("MAZE_HOME"):
        return Path(os.path.abspath(Path(os.environ["MAZE_HOME"]).expanduser()))
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / FOLDER).exists() or _is_checkout(folder):
            return folder / FOLDER
    return here / FOLDER


def _is_checkout(folder: Path) -> bool:
    project = folder / "pyproject.toml"
    return project.is_file() and 'name = "sagemaker-maze"' in project.read_text(errors="replace")


def write_whole(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file so that a reader sees the old text or the new one.

    mode: its permissions; those of its owner alone, unless others are to read it.
    """
    descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(partial, mode)
        os.replace(partial, path)
    except OSError:
        os.unlink(partial)
        raise


def explain(error: Exception, home: Path) -> str:
    """Return one sentence that says why a folder cannot be used, and what to do about it."""
    what = f"{home} cannot be used ({error}): set"
    if isinstance(error, OSError):
        what = _WHAT_TO_DO.get(error.errno, what)
    elif isinstance(error, sqlite3.Error):
        what = _explain_database(str(error), home, what)
    return f"{what.format(home=home)} MAZE_HOME to another folder."


_IN_THE_WAY = "{home} is a file where the maze needs a folder: move it away, or set"
_READ_ONLY = "{home} cannot be written to: give yourself write permission, or set"
_FULL = "The disk that holds {home} is full: free some space, or set"
_WHAT_TO_DO = {
    errno.EEXIST: _IN_THE_WAY,
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EACCES: _READ_ONLY,
    errno.EPERM: _READ_ONLY,
    errno.EROFS: _READ_ONLY,
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
}


def _explain_database(reason: str, home: Path, otherwise: str) -> str:
    # SQLite reports "disk I/O error" where its shared memory does not fit any more.
    if "full" in reason or shutil.disk_usage(home).free < FULL_BYTES:
        return _FULL
    if "readonly" in reason or "unable to open" in reason:
        return _READ_ONLY
    if "malformed" in reason or "not a database" in reason:
        return "The state in {home}/cloud.db is damaged: move {home} away to begin afresh, or set"
    return otherwise
