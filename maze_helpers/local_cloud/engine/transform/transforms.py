"""The transform engine: the jobs that run, each on a thread of its own."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from maze_helpers.local_cloud.engine.transform.record import (
    RUNNING,
    STOPPED,
    Document,
    end,
    ending_of,
    failed,
)
from maze_helpers.local_cloud.engine.transform.transform_run import TransformRun
from maze_helpers.local_cloud.services.sagemaker.resources import TRANSFORM_JOB, Resources

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

_SHUTDOWN_TIMEOUT_S = 20.0
_SHUT_DOWN = failed(
    "InternalServerError: The local cloud was shut down while the job was running. "
    "Create the job again under another name."
)
_LOST = failed(
    "InternalServerError: The local cloud ended unexpectedly while the job was running. "
    "Create the job again under another name."
)


class TransformEngine:
    """Runs transform jobs whose documents are in the store."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._resources = Resources(cloud.store, cloud.region, cloud.account_id)
        self._runs: dict[str, TransformRun] = {}
        self._lock = threading.Lock()

    def start(self, name: str) -> None:
        """Set a job going that is in the store, InProgress."""
        run = TransformRun(self._cloud, self._resources, name, self._forget)
        with self._lock:
            self._runs[name.lower()] = run
        run.start()

    def stop(self, name: str) -> None:
        """Have a job end Stopped; one that does not run is left alone."""
        with self._lock:
            # Any spelling names the one job.
            run = self._runs.get(name.lower())
        if run is not None:
            run.ask_to_end(STOPPED)

    def recover(self) -> None:
        """End the jobs that ran when the server died; what they left is removed with the blobs."""
        for name in self._resources.names_in_status(TRANSFORM_JOB, *RUNNING):
            self._resources.update(TRANSFORM_JOB, name, self._end_lost)

    def close(self) -> None:
        """End all jobs, in seconds; those that nobody stopped become Failed."""
        with self._lock:
            runs = list(self._runs.values())
        for run in runs:
            run.ask_to_end(_SHUT_DOWN)
        deadline_s = time.monotonic() + _SHUTDOWN_TIMEOUT_S
        for run in runs:
            run.join(max(0.0, deadline_s - time.monotonic()))

    def _forget(self, run: TransformRun) -> None:
        with self._lock:
            del self._runs[run.job_name.lower()]

    def _end_lost(self, job: Document) -> None:
        end(job, ending_of(job, _LOST), self._cloud.clock.now())
