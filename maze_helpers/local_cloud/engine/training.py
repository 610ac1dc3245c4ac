"""The training engine: the jobs that run, each on a thread of its own."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from maze_helpers.local_cloud.engine.job_folder import JobFolder
from maze_helpers.local_cloud.engine.job_record import Document, end
from maze_helpers.local_cloud.engine.running_jobs import LOST, SHUT_DOWN, RunningJobs
from maze_helpers.local_cloud.engine.training_end import STOPPED, failed
from maze_helpers.local_cloud.engine.training_run import TrainingRun
from maze_helpers.local_cloud.services.sagemaker.resources import TRAINING_JOB, Resources

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

log = logging.getLogger(__name__)

# Source: StopTrainingJob: a job has 120 seconds from SIGTERM on.
STOP_GRACE_S = 120.0
# Further jobs stay in Starting until one of these ends. Differs from AWS: there, a quota for
# each instance type refuses them.
MAX_RUNNING_JOBS = 16
# What a job gets when the server ends.
_SHUTDOWN_GRACE_S = 1.0
_SHUT_DOWN = failed(SHUT_DOWN, keeps_output=False)
_LOST = failed(LOST)


class TrainingEngine:
    """Runs training jobs whose documents are in the store."""

    def __init__(self, cloud: LocalCloud, stop_grace_s: float = STOP_GRACE_S) -> None:
        self._cloud = cloud
        self._resources = Resources(cloud.store, cloud.region, cloud.account_id)
        self._stop_grace_s = stop_grace_s
        self._jobs = cloud.home / "jobs"
        self._jobs.mkdir(parents=True, exist_ok=True)
        self._slots = threading.BoundedSemaphore(MAX_RUNNING_JOBS)
        self._running = RunningJobs[TrainingRun]()

    def start(self, name: str) -> None:
        """Set a job going that is in the store, InProgress."""
        run = TrainingRun(
            self._cloud,
            self._resources,
            name,
            self._slots,
            self._stop_grace_s,
            self._running.forget,
        )
        self._running.start(run)

    def stop(self, name: str) -> None:
        """Have a job end Stopped, in 120 seconds at most; one that does not run is left alone."""
        run = self._running.get(name)
        if run is not None:
            run.ask_to_end(STOPPED, self._stop_grace_s)

    def recover(self) -> None:
        """End the jobs that ran when the server died, and remove what they left."""
        for name in self._resources.names_in_status(TRAINING_JOB, "InProgress", "Stopping"):
            self._resources.update(TRAINING_JOB, name, self._end_lost)
        for path in self._jobs.iterdir():
            folder = JobFolder(path)
            folder.end_containers()
            try:
                folder.remove()
            except OSError:
                log.exception("what a job left in %s could not be removed", path)

    def close(self) -> None:
        """End all jobs, in seconds; those that nobody stopped become Failed."""
        self._running.end_all(lambda run: run.ask_to_end(_SHUT_DOWN, _SHUTDOWN_GRACE_S))

    def _end_lost(self, document: Document) -> None:
        ending = _LOST if document["TrainingJobStatus"] == "InProgress" else STOPPED
        if ending.reason:
            document["FailureReason"] = ending.reason
        end(document, ending.status, ending.secondary_status, self._cloud.clock.now())
