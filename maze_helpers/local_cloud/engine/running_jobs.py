"""The jobs of one kind that run, each on a thread of its own, by their names."""

import threading
import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

# Why a job failed whose server ended.
SHUT_DOWN = (
    "InternalServerError: The local cloud was shut down while the job was running. "
    "Create the job again under another name."
)
LOST = (
    "InternalServerError: The local cloud ended unexpectedly while the job was running. "
    "Create the job again under another name."
)
# How long all jobs together may take to end with the server.
_SHUTDOWN_TIMEOUT_S = 20.0


class Run(Protocol):
    """A job while it runs: a thread."""

    job_name: str

    def start(self) -> None:
        """Set the job going."""

    def join(self, timeout: float | None = None) -> None:
        """Return once the job has ended, or after so many seconds."""


R = TypeVar("R", bound=Run)


class RunningJobs(Generic[R]):
    """Any spelling of a name names the one job, whatever its case."""

    def __init__(self) -> None:
        self._runs: dict[str, R] = {}
        self._lock = threading.Lock()

    def start(self, run: R) -> None:
        """Set a job going, once an earlier one of that name is all gone.

        That one has ended and was deleted; its folder may be on its way out.
        """
        earlier = self.get(run.job_name)
        if earlier is not None:
            earlier.join()
        with self._lock:
            self._runs[run.job_name.lower()] = run
        run.start()

    def get(self, name: str) -> R | None:
        """Return the job of that name, if it runs."""
        with self._lock:
            return self._runs.get(name.lower())

    def forget(self, run: R) -> None:
        """Take a job out that has ended."""
        with self._lock:
            if self._runs.get(run.job_name.lower()) is run:
                del self._runs[run.job_name.lower()]

    def end_all(self, ask_to_end: Callable[[R], None]) -> None:
        """Ask every job to end, and wait for them together, for some seconds at most."""
        with self._lock:
            runs = list(self._runs.values())
        for run in runs:
            ask_to_end(run)
        deadline_s = time.monotonic() + _SHUTDOWN_TIMEOUT_S
        for run in runs:
            run.join(max(0.0, deadline_s - time.monotonic()))
