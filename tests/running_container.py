"""Containers under test: started on a folder of their own, with all they say and measure kept."""

import os
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from maze_helpers.local_cloud.engine.containers import Container, ContainerNetwork, isolation

PYTHON = sys.executable
# Far beyond what anything here takes, so that a busy machine decides no test.
PATIENCE_S = 60

needs_namespaces = pytest.mark.skipif(
    isolation() == "none", reason="this machine does not allow user namespaces"
)


class Running(Container):
    """A container whose lines and samples are kept."""

    def __init__(
        self,
        folder: Path,
        command: list[str],
        isolated: bool = True,
        memory_limit_bytes: int | None = None,
        network: ContainerNetwork | None = None,
        **variables: str,
    ):
        (folder / "opt" / "ml").mkdir(parents=True, exist_ok=True)
        self.events: list[tuple[float, str]] = []
        self.samples = []
        super().__init__(
            folder,
            command,
            {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", **variables},
            on_line=lambda timestamp_s, text: self.events.append((timestamp_s, text)),
            on_sample=self.samples.append,
            isolated=isolated,
            memory_limit_bytes=memory_limit_bytes,
            network=network,
        )
        self.start()

    @property
    def lines(self) -> list[str]:
        return [text for _, text in self.events]

    def end(self) -> int:
        exit_code = self.wait(PATIENCE_S)
        assert exit_code is not None, "the container did not end"
        return exit_code

    def wait_for_line(self, text: str) -> None:
        until(lambda: text in self.lines, f"the line {text!r}")


def run(folder: Path, *command: str, **options) -> Running:
    """Run a command in a container to its end."""
    container = Running(folder, list(command), **options)
    container.end()
    return container


def run_python(folder: Path, source: str, **options) -> Running:
    """Run a Python program in a container to its end."""
    return run(folder, PYTHON, "-c", source, **options)


def until(condition: Callable[[], object], what: str = "the condition") -> None:
    """Return once a condition holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come about"
        time.sleep(0.01)


class Mark:
    """An argument by which the processes that carry it are found, wherever they hide."""

    def __init__(self) -> None:
        self.text = uuid.uuid4().hex

    def processes(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            try:
                if self.text in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found
