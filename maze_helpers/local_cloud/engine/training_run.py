"""One training job from Starting to its end, on a thread of its own."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from maze_helpers.local_cloud.engine.artifacts import (
    MAX_REASON_CHARACTERS,
    failure_reason,
    output_uri,
    upload_folder,
)
from maze_helpers.local_cloud.engine.channels import ChannelError, download_channel
from maze_helpers.local_cloud.engine.containers import Container, Sample
from maze_helpers.local_cloud.engine.images import runtime_for
from maze_helpers.local_cloud.engine.instance_metrics import instance_metrics
from maze_helpers.local_cloud.engine.job_environment import job_environment
from maze_helpers.local_cloud.engine.job_folder import HOST, JobFolder
from maze_helpers.local_cloud.engine.job_log import JobLog
from maze_helpers.local_cloud.engine.job_record import Document, begin_stop, end, enter
from maze_helpers.local_cloud.engine.metric_scraper import MetricScraper
from maze_helpers.local_cloud.engine.s3_uri import split_s3_uri
from maze_helpers.local_cloud.errors import AWSError
from maze_helpers.local_cloud.services.sagemaker.resources import TRAINING_JOB, Resources

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

log = logging.getLogger(__name__)

# The log group, and the namespace of both the script's and the instance's metrics.
GROUP = "/aws/sagemaker/TrainingJobs"
# How long a job's credentials outlast its MaxRuntimeInSeconds: for its stop and its upload.
_CREDENTIALS_MARGIN_S = 3600
# How often a job that waits for its turn looks whether it was stopped.
_SLOT_WAIT_S = 0.2


class Ending(NamedTuple):
    """How a job ends.

    reason: why it failed. keeps_output: whether what it wrote until then goes to S3.
    """

    status: str
    secondary_status: str
    reason: str = ""
    keeps_output: bool = True


STOPPED = Ending("Stopped", "Stopped")
OUT_OF_TIME = Ending("Stopped", "MaxRuntimeExceeded")
COMPLETED = Ending("Completed", "Completed")


class JobEnd(Exception):
    """The job ends here, before its process did or could."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.reason)
        self.ending = ending


def failed(reason: str, keeps_output: bool = True) -> Ending:
    """Return the ending of a job that failed."""
    return Ending("Failed", "Failed", reason[:MAX_REASON_CHARACTERS], keeps_output)


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
        self._folder = JobFolder(cloud.home / "jobs" / name)
        self._slots = slots
        self._stop_grace_s = stop_grace_s
        self._on_end = on_end
        self._container: Container | None = None
        self._container_lock = threading.Lock()
        self._asked_to_end: Ending | None = None
        self._deadline_s = math.inf
        self._final_metrics: list[dict[str, Any]] = []

    def ask_to_end(self, ending: Ending, grace_s: float) -> None:
        """Have the job end so, soon, unless it was asked before to end in another way.

        Its process gets SIGTERM, then grace_s, then SIGKILL.
        """
        with self._container_lock:
            self._asked_to_end = self._asked_to_end or ending
            container = self._container
        if container is not None:
            threading.Thread(target=container.stop, args=(grace_s,), daemon=True).start()

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
        job = self._resources.get(TRAINING_JOB, self.job_name)
        self._check_output_bucket(job)
        self._folder.make(job)
        self._download(job)
        ending = self._train(job)
        if ending.keeps_output:
            self._upload(job)
        return ending

    # Each step first moves the job's record on, and then does what the record says.

    def _check_output_bucket(self, job: Document) -> None:
        # Differs from AWS: there, the job finds out when it has trained.
        bucket, _ = split_s3_uri(job["OutputDataConfig"]["S3OutputPath"])
        if not self._cloud.objects.bucket_exists(bucket):
            reason = f"The specified bucket does not exist: {bucket}"
            raise JobEnd(failed(f"ClientError: Artifact upload failed:{reason}"))

    def _download(self, job: Document) -> None:
        self._go_on_to("Downloading")
        self._deadline_s = time.monotonic() + job["StoppingCondition"]["MaxRuntimeInSeconds"]
        objects = self._cloud.objects_as(job["RoleArn"])
        for channel in job.get("InputDataConfig", []):
            source = channel["DataSource"]["S3DataSource"]
            folder = self._folder.data / channel["ChannelName"]
            try:
                download_channel(objects, source["S3Uri"], folder, self._check_may_go_on)
            except (ChannelError, AWSError, OSError) as error:
                reason = f"ClientError: Data download failed:{explain(error)}"
                raise JobEnd(failed(reason)) from error

    def _train(self, job: Document) -> Ending:
        self._go_on_to("Training")
        job_log = self._open_log(job)
        try:
            exit_code = self._run_container(job, job_log)
        finally:
            job_log.close()
        self._final_metrics = job_log.final_metrics()
        if self._asked_to_end is not None:
            return self._asked_to_end
        if exit_code == 0:
            return COMPLETED
        failure = self._folder.failure
        if not self._folder.is_untouched(failure):
            failure = self._folder.scratch / "no failure file"
        return failed(failure_reason(failure, exit_code))

    def _open_log(self, job: Document) -> JobLog:
        definitions = job["AlgorithmSpecification"].get("MetricDefinitions", [])
        return JobLog(
            self._cloud.logs,
            self._cloud.metrics,
            GROUP,
            f"{self.job_name}/{HOST}-{int(self._cloud.clock.time_s())}",
            {"TrainingJobName": self.job_name},
            MetricScraper(definitions),
        )

    def _run_container(self, job: Document, job_log: JobLog) -> int:
        lifetime_s = job["StoppingCondition"]["MaxRuntimeInSeconds"] + _CREDENTIALS_MARGIN_S
        container = Container(
            self._folder.root,
            runtime_for(job["AlgorithmSpecification"]["TrainingImage"]).train_command(),
            job_environment(self._cloud, job, self._folder, lifetime_s),
            on_line=job_log.add,
            on_sample=self._publish_sample,
        )
        with self._container_lock:
            self._check_may_go_on()
            container.start()
            self._folder.note_container(container.pid, container.created_at)
            self._container = container
        exit_code = container.wait(max(0.0, self._deadline_s - time.monotonic()))
        if exit_code is None:
            self._update(lambda document: begin_stop(document, self._cloud.clock.now()))
            self.ask_to_end(OUT_OF_TIME, self._stop_grace_s)
            exit_code = container.wait()
        return exit_code

    def _upload(self, job: Document) -> None:
        # As on AWS, a job that failed or was stopped leaves what it wrote until then.
        self._update(lambda document: enter(document, "Uploading", self._cloud.clock.now()))
        objects, output = self._cloud.objects_as(job["RoleArn"]), job["OutputDataConfig"]
        path, compression = output["S3OutputPath"], output.get("CompressionType", "GZIP")
        uris = {
            self._folder.model: job["ModelArtifacts"]["S3ModelArtifacts"],
            self._folder.output_data: output_uri(path, self.job_name, compression),
        }
        try:
            for folder, uri in uris.items():
                if self._folder.is_untouched(folder) and folder.is_dir():
                    upload_folder(objects, folder, uri, self._folder.scratch)
        except (AWSError, OSError) as error:
            reason = f"ClientError: Artifact upload failed:{explain(error)}"
            raise JobEnd(failed(reason)) from error

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
        if time.monotonic() > self._deadline_s:
            raise JobEnd(OUT_OF_TIME)

    def _publish_sample(self, sample: Sample) -> None:
        dimensions = {"Host": f"{self.job_name}/{HOST}"}
        self._cloud.metrics.put_many(GROUP, instance_metrics(sample, dimensions))


def explain(error: Exception) -> str:
    """Return why an error happened, in words for the job's owner."""
    if isinstance(error, AWSError):
        return error.message
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error) or type(error).__name__
