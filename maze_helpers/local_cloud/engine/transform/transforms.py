"""The transform engine: the jobs that run, each on a thread of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maze_helpers.local_cloud.engine.running_jobs import LOST, SHUT_DOWN, RunningJobs
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

_SHUT_DOWN = failed(SHUT_DOWN)
_LOST = failed(LOST)


class TransformEngine:
    """Runs transform jobs whose documents are in the store."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._resources = Resources(cloud.store, cloud.region, cloud.account_id)
        self._running = RunningJobs[TransformRun]()

    def start(self, name: str) -> None:
        """Set a job going that is in the store, InProgress."""
        run = TransformRun(self._cloud, self._resources, name, self._running.forget)
        self._running.start(run)

    def stop(self, name: str) -> None:
        """Have a job end Stopped; one that does not run is left alone."""
        run = self._running.get(name)
        if run is not None:
            run.ask_to_end(STOPPED)

    def recover(self) -> None:
        """End the jobs that ran when the server died; what they left is removed with the blobs."""
        for name in self._resources.names_in_status(TRANSFORM_JOB, *RUNNING):
            self._resources.update(TRANSFORM_JOB, name, self._end_lost)

    def close(self) -> None:
        """End all jobs, in seconds; those that nobody stopped become Failed."""
        self._running.end_all(lambda run: run.ask_to_end(_SHUT_DOWN))

    def _end_lost(self, job: Document) -> None:
        end(job, ending_of(job, _LOST), self._cloud.clock.now())
