"""Model servers under test: the real serve command in a folder of its own, asked on its socket."""

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from training_folder import source_archive

from maze_helpers.local_cloud.engine.images import PACKAGE_ROOT

SERVE = [sys.executable, "-m", "maze_helpers.local_cloud.container.serve", "scikit-learn", "1.2-1"]
# Far beyond what anything here takes, so that a busy machine decides no test.
PATIENCE_S = 60
JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"
# The sum of each row, without a library to import.
SUMS = """
import os

class Model:
    def predict(self, rows):
        return rows.sum(axis=1)

def model_fn(model_dir):
    return Model()
"""


@dataclass
class Served:
    """What a model server is made of.

    files: the source code. model: the files in the model's folder. archive: where the code is
    taken from, instead of an archive of the files.
    """

    files: Mapping[str, str] = field(default_factory=lambda: {"predict.py": SUMS})
    model: Mapping[str, str | bytes] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    workers: int = 1
    program: str | None = "predict.py"
    code_uri: str | None = None


@dataclass
class Answer:
    """A response of a model server."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str | None:
        return self.headers.get("Content-Type")


class ModelServer:
    """A serve command that runs, in a folder that stands for the container."""

    def __init__(self, served: Served, folder: Path, command: list[str]) -> None:
        self.folder = folder
        self.base = folder / "ml"
        self.socket_path = folder / "s"
        self.failure_file = folder / "why"
        self._log = folder / "log"
        (self.base / "model").mkdir(parents=True)
        (folder / "home").mkdir()
        for name, text in served.model.items():
            path = self.base / "model" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode() if isinstance(text, str) else text)
        archive = folder / "sourcedir.tar.gz"
        archive.write_bytes(source_archive(served.files))
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=PACKAGE_ROOT,
                env=self._environment(served, archive),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _environment(self, served: Served, archive: Path) -> dict[str, str]:
        pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        program = {} if served.program is None else {"SAGEMAKER_PROGRAM": served.program}
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder),
            "TZ": "UTC",
            "LC_ALL": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            "SAGEMAKER_BASE_DIR": str(self.base),
            "SAGEMAKER_SUBMIT_DIRECTORY": served.code_uri or str(archive),
            "SAGEMAKER_MODEL_SERVER_WORKERS": str(served.workers),
            "MAZE_MODEL_SERVER_SOCKET": str(self.socket_path),
            "MAZE_FAILURE_FILE": str(self.failure_file),
            **pip,
            **program,
            **served.variables,
        }

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def why(self) -> str | None:
        return self.failure_file.read_text() if self.failure_file.exists() else None

    @property
    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE_S)
        connection.connect(str(self.socket_path))
        return connection

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        connection = http.client.HTTPConnection("localhost")
        connection.sock = self.connect()
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, names)
        response = connection.getresponse()
        answer = Answer(response.status, dict(response.getheaders()), response.read())
        connection.close()
        return answer

    def ping(self) -> Answer:
        """Answer the first ping: it waits until the server listens and a worker is up."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self.ask("GET", "/ping")
            except (FileNotFoundError, ConnectionRefusedError, ConnectionResetError):
                assert self.process.poll() is None, self.log
                assert time.monotonic() < deadline, self.log
                time.sleep(0.01)

    def invoke(self, body: bytes | str, content_type: str = JSON, **headers: str) -> Answer:
        content = body.encode() if isinstance(body, str) else body
        return self.ask("POST", "/invocations", content, Content_Type=content_type, **headers)

    def invoke_when_up(self, body: bytes | str, content_type: str = JSON) -> Answer:
        """Answer an invocation once the first ping is answered."""
        self.ping()
        return self.invoke(body, content_type)

    def wait_for_log(self, pattern: str) -> None:
        """Return once a line matches: lines are written beside the answers."""
        deadline = time.monotonic() + PATIENCE_S
        while not re.search(pattern, self.log, re.MULTILINE):
            assert time.monotonic() < deadline, f"{pattern} is not in the log:\n{self.log}"
            time.sleep(0.01)

    def wait(self) -> int:
        return self.process.wait(PATIENCE_S)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def end(self) -> None:
        """Leave nothing behind, whatever the test did."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@contextmanager
def serving(served: Served | None = None, command: Iterable[str] = SERVE) -> Iterator[ModelServer]:
    """Run a model server while a test lasts. Its folder's path is short, as sockets need it."""
    folder = Path(tempfile.mkdtemp(prefix="serve-"))
    server = None
    try:
        server = ModelServer(served or Served(), folder, list(command))
        yield server
    finally:
        if server is not None:
            server.end()
        shutil.rmtree(folder)
