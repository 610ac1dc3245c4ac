"""The processing engine: the jobs that run, each on a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from maze_helpers.local_cloud.engine.processing.folder import ProcessingFolder, remove_job_folder
from maze_helpers.local_cloud.engine.processing.processing_run import ProcessingRun
from maze_helpers.local_cloud.engine.processing.record import (
    RUNNING,
    STOPPED,
    Document,
    end,
    failed,
)
from maze_helpers.local_cloud.services.sagemaker.resources import PROCESSING_JOB, Resources

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

log = logging.getLogger(__name__)

# From SIGTERM to SIGKILL. Source: StopTrainingJob; that it is the same here is a guess.
STOP_GRACE_S = 120.0
# What a job gets when the server ends.
_SHUTDOWN_GRACE_S = 1.0
_SHUTDOWN_TIMEOUT_S = 20.0
_SHUT_DOWN = failed(
    "InternalServerError: The local cloud was shut down while the job was running. "
    "Create the job again under another name."
)
_LOST = failed(
    "InternalServerError: The local cloud ended unexpectedly while the job was running. "
    "Create the job again under another name."
)


class ProcessingEngine:
    """Runs processing jobs whose documents are in the store."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._resources = Resources(cloud.store, cloud.region, cloud.account_id)
        self._folders = cloud.home / "processing"
        self._folders.mkdir(parents=True, exist_ok=True)
        # By the name in lower case: any spelling names the one job.
        self._runs: dict[str, ProcessingRun] = {}
        self._lock = threading.Lock()

    def start(self, name: str) -> None:
        """Set a job going that is in the store, InProgress."""
        with self._lock:
            earlier = self._runs.get(name.lower())
        if earlier is not None:
            earlier.join()  # It has ended and was deleted; its folder may be on its way out.
        run = ProcessingRun(self._cloud, self._resources, name, STOP_GRACE_S, self._forget)
        with self._lock:
            self._runs[name.lower()] = run
        run.start()

    def stop(self, name: str) -> None:
        """Have a job end Stopped, in 120 seconds at most; one that does not run is left alone."""
        with self._lock:
            run = self._runs.get(name.lower())
        if run is not None:
            run.ask_to_end(STOPPED, STOP_GRACE_S)

    def recover(self) -> None:
        """End the jobs that ran when the server died, and remove what they left."""
        for name in self._resources.names_in_status(PROCESSING_JOB, *RUNNING):
            self._resources.update(PROCESSING_JOB, name, self._end_lost)
        for job in self._folders.iterdir():
            try:
                for host in job.iterdir():
                    ProcessingFolder(host).end_container()
                remove_job_folder(job)
            except OSError:
                log.exception("what a job left in %s could not be removed", job)

    def close(self) -> None:
        """End all jobs, in seconds; those that nobody stopped become Failed."""
        with self._lock:
            runs = list(self._runs.values())
        for run in runs:
            run.ask_to_end(_SHUT_DOWN, _SHUTDOWN_GRACE_S)
        deadline_s = time.monotonic() + _SHUTDOWN_TIMEOUT_S
        for run in runs:
            run.join(max(0.0, deadline_s - time.monotonic()))

    def _forget(self, run: ProcessingRun) -> None:
        with self._lock:
            if self._runs.get(run.job_name.lower()) is run:
                del self._runs[run.job_name.lower()]

    def _end_lost(self, job: Document) -> None:
        ending = STOPPED if job["ProcessingJobStatus"] == "Stopping" else _LOST
        end(job, ending, self._cloud.clock.now())
