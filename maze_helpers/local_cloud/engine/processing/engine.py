"""The processing engine: the jobs that run, each on a thread of its own."""

from __future__ import annotations

import logging
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
from maze_helpers.local_cloud.engine.running_jobs import LOST, SHUT_DOWN, RunningJobs
from maze_helpers.local_cloud.services.sagemaker.resources import PROCESSING_JOB, Resources

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

log = logging.getLogger(__name__)

# From SIGTERM to SIGKILL. Source: StopTrainingJob; that it is the same here is a guess.
STOP_GRACE_S = 120.0
# What a job gets when the server ends.
_SHUTDOWN_GRACE_S = 1.0
_SHUT_DOWN = failed(SHUT_DOWN)
_LOST = failed(LOST)


class ProcessingEngine:
    """Runs processing jobs whose documents are in the store."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._resources = Resources(cloud.store, cloud.region, cloud.account_id)
        self._folders = cloud.home / "processing"
        self._folders.mkdir(parents=True, exist_ok=True)
        self._running = RunningJobs[ProcessingRun]()

    def start(self, name: str) -> None:
        """Set a job going that is in the store, InProgress."""
        run = ProcessingRun(self._cloud, self._resources, name, STOP_GRACE_S, self._running.forget)
        self._running.start(run)

    def stop(self, name: str) -> None:
        """Have a job end Stopped, in 120 seconds at most; one that does not run is left alone."""
        run = self._running.get(name)
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
        self._running.end_all(lambda run: run.ask_to_end(_SHUT_DOWN, _SHUTDOWN_GRACE_S))

    def _end_lost(self, job: Document) -> None:
        ending = STOPPED if job["ProcessingJobStatus"] == "Stopping" else _LOST
        end(job, ending, self._cloud.clock.now())
