"""One training job from Starting to its end, on a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from maze_helpers.local_cloud.engine.channel_pipe import ChannelPipe
from maze_helpers.local_cloud.engine.channels import ChannelError
from maze_helpers.local_cloud.engine.cluster import Cluster, Host
from maze_helpers.local_cloud.engine.job_folder import JobFolder
from maze_helpers.local_cloud.engine.job_record import Document, begin_stop, end, enter
from maze_helpers.local_cloud.engine.s3_uri import split_s3_uri
from maze_helpers.local_cloud.engine.training_end import (
    COMPLETED,
    OUT_OF_TIME,
    STOPPED,
    WAITED_TOO_LONG,
    Ending,
    JobEnd,
    explain,
    failed,
)
from maze_helpers.local_cloud.engine.training_hosts import PEER_GRACE_S, TrainingHosts
from maze_helpers.local_cloud.engine.training_inputs import download_inputs
from maze_helpers.local_cloud.engine.training_outputs import upload_outputs
from maze_helpers.local_cloud.errors import AWSError
from maze_helpers.local_cloud.services.sagemaker.resources import TRAINING_JOB, Resources

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

log = logging.getLogger(__name__)

# How often a job that waits for its turn looks whether it was stopped.
_SLOT_WAIT_S = 0.2


class _Deadline(NamedTuple):
    """When a job's time is over, by time.monotonic(), and how it ends then."""

    at_s: float
    ending: Ending


class TrainingRun(threading.Thread):
    """A job while it runs."""

    def __init__(
        self,
        cloud: LocalCloud,
        resources: Resources,
        name: str,
        slots: threading.Semaphore,
        stop_grace_s: float,
        on_end: Callable[[TrainingRun], None],
    ) -> None:
        """Make the run of a job that is in the store.

        slots: one is held while the job runs. stop_grace_s: between SIGTERM and SIGKILL.
        on_end: called last, on the run's own thread.
        """
        super().__init__(name=f"training job {name}", daemon=True)
        self.job_name = name
        self._cloud = cloud
        self._resources = resources
        self._job: Document = resources.get(TRAINING_JOB, name)
        self._objects = cloud.objects_as(self._job["RoleArn"])
        self._cluster = Cluster(self._job["TrainingJobArn"], self._job["ResourceConfig"])
        self._folder = JobFolder(cloud.home / "jobs" / name)
        self._slots = slots
        self._stop_grace_s = stop_grace_s
        self._on_end = on_end
        self._hosts: TrainingHosts | None = None
        self._asking = threading.Lock()
        self._asked_to_end: Ending | None = None
        self._deadline: _Deadline | None = None
        self._final_metrics: list[dict[str, Any]] = []

    def ask_to_end(self, ending: Ending, grace_s: float) -> None:
        """Have the job end so, soon, unless it was asked before to end in another way.

        Its processes get SIGTERM, then grace_s, then SIGKILL.
        """
        with self._asking:
            self._asked_to_end = self._asked_to_end or ending
        if self._hosts is not None:
            self._hosts.stop(grace_s)

    def run(self) -> None:
        """Carry the job out, whatever becomes of it."""
        ending = self._carry_out_safely()
        try:
            self._finish(ending)
        except Exception:
            # The disk may be full of this job's own files.
            log.exception("training job %s could not be ended; trying again", self.job_name)
            self._clean_up()
            self._finish(ending)
        finally:
            self._clean_up()
            self._on_end(self)

    def _clean_up(self) -> None:
        try:
            self._folder.remove()
        except OSError:
            log.exception("training job %s left files behind", self.job_name)

    def _carry_out_safely(self) -> Ending:
        limits = self._job["StoppingCondition"]
        if "MaxWaitTimeInSeconds" in limits:
            wait_s = limits["MaxWaitTimeInSeconds"]
            self._deadline = _Deadline(time.monotonic() + wait_s, WAITED_TOO_LONG)
        try:
            while not self._slots.acquire(timeout=_SLOT_WAIT_S):
                self._check_may_go_on()
            try:
                return self._carry_out()
            finally:
                self._slots.release()
        except JobEnd as job_end:
            return job_end.ending
        except Exception as error:
            log.exception("training job %s failed", self.job_name)
            return failed(f"InternalServerError: The local cloud failed: {explain(error)}")

    def _carry_out(self) -> Ending:
        self._check_output_bucket()
        self._folder.make(self._job, self._cluster)
        pipes = self._download()
        ending = self._train(pipes)
        if ending.keeps_output:
            self._upload()
        return ending

    # Each step first moves the job's record on, and then does what the record says.

    def _check_output_bucket(self) -> None:
        # Differs from AWS: there, the job finds out when it has trained.
        bucket, _ = split_s3_uri(self._job["OutputDataConfig"]["S3OutputPath"])
        if not self._cloud.objects.bucket_exists(bucket):
            reason = f"The specified bucket does not exist: {bucket}"
            raise JobEnd(failed(f"ClientError: Artifact upload failed:{reason}"))

    def _download(self) -> dict[Host, list[ChannelPipe]]:
        self._go_on_to("Downloading")
        over_s = time.monotonic() + self._job["StoppingCondition"]["MaxRuntimeInSeconds"]
        if self._deadline is None or over_s < self._deadline.at_s:
            self._deadline = _Deadline(over_s, OUT_OF_TIME)
        try:
            return download_inputs(
                self._objects,
                self._job,
                self._cluster,
                self._folder,
                self._check_may_go_on,
                self._end_for_lack_of_data,
            )
        except (ChannelError, AWSError, OSError) as error:
            raise JobEnd(_download_failed(error)) from error

    def _end_for_lack_of_data(self, error: Exception) -> None:
        log.warning("training job %s: a pipe ended early: %s", self.job_name, error)
        self.ask_to_end(_download_failed(error), PEER_GRACE_S)

    def _train(self, pipes: dict[Host, list[ChannelPipe]]) -> Ending:
        self._go_on_to("Training")
        hosts = TrainingHosts(self._cloud, self._job, self._cluster, self._folder)
        self._hosts = hosts
        try:
            hosts.open(self._objects, pipes)
            hosts.start(self._check_may_go_on)
            self._wait_for(hosts)
        finally:
            self._close(hosts)
        self._final_metrics = hosts.final_metrics()
        if self._asked_to_end is not None:
            return self._asked_to_end
        return COMPLETED if hosts.first_failed is None else hosts.first_failed.failure()

    def _wait_for(self, hosts: TrainingHosts) -> None:
        """Return when all hosts have ended, at the latest some time after the deadline."""
        assert self._deadline is not None
        if not hosts.wait(self._deadline.at_s):
            if hosts.first_failed is not None:
                hosts.wait(None)  # The others are being ended already: the job has failed.
                return
            self._update(lambda document: begin_stop(document, self._cloud.clock.now()))
            self.ask_to_end(self._deadline.ending, self._stop_grace_s)
            hosts.wait(None)

    def _close(self, hosts: TrainingHosts) -> None:
        try:
            hosts.close()
        finally:
            try:
                hosts.finish_uploads()
            except (AWSError, OSError) as error:
                raise JobEnd(_upload_failed(error)) from error

    def _upload(self) -> None:
        # As on AWS, a job that failed or was stopped leaves what it wrote until then.
        self._update(lambda document: enter(document, "Uploading", self._cloud.clock.now()))
        folders = [self._folder.of(host) for host in self._cluster.hosts]
        try:
            upload_outputs(self._objects, self._job, folders, self._folder.scratch)
        except (AWSError, OSError) as error:
            raise JobEnd(_upload_failed(error)) from error

    def _finish(self, ending: Ending) -> None:
        def finish(document: Document) -> None:
            final = ending
            if ending == COMPLETED and document["TrainingJobStatus"] == "Stopping":
                final = STOPPED  # It was stopped while its end was being written.
            if final.reason:
                document["FailureReason"] = final.reason
            if self._final_metrics:
                document["FinalMetricDataList"] = self._final_metrics
            end(document, final.status, final.secondary_status, self._cloud.clock.now())

        self._update(finish)

    def _go_on_to(self, secondary_status: str) -> None:
        """Move the record on; raise JobEnd if it says that the job is to be stopped."""

        def go_on(document: Document) -> None:
            if document["TrainingJobStatus"] == "Stopping":
                raise JobEnd(STOPPED)
            enter(document, secondary_status, self._cloud.clock.now())
            document.setdefault("TrainingStartTime", document["LastModifiedTime"])

        self._update(go_on)

    def _update(self, change: Callable[[Document], None]) -> None:
        self._resources.update(TRAINING_JOB, self.job_name, change)

    def _check_may_go_on(self) -> None:
        """Raise JobEnd if the job was asked to end, or its time is over."""
        if self._asked_to_end is not None:
            raise JobEnd(self._asked_to_end)
        if self._deadline is not None and time.monotonic() > self._deadline.at_s:
            raise JobEnd(self._deadline.ending)


def _download_failed(error: Exception) -> Ending:
    return failed(f"ClientError: Data download failed:{explain(error)}")


def _upload_failed(error: Exception) -> Ending:
    return failed(f"ClientError: Artifact upload failed:{explain(error)}")
