"""One host of a training job: its container, its log, what it measures and what it leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from maze_helpers.local_cloud.engine.artifacts import failure_reason
from maze_helpers.local_cloud.engine.channel_pipe import ChannelPipe
from maze_helpers.local_cloud.engine.cluster import Host
from maze_helpers.local_cloud.engine.containers import Container, ContainerNetwork
from maze_helpers.local_cloud.engine.folder_upload import FolderUpload
from maze_helpers.local_cloud.engine.images import runtime_for
from maze_helpers.local_cloud.engine.instance_metrics import instance_metrics
from maze_helpers.local_cloud.engine.job_folder import JobFolder
from maze_helpers.local_cloud.engine.job_log import JobLog
from maze_helpers.local_cloud.engine.metric_scraper import MetricScraper
from maze_helpers.local_cloud.engine.sampling import Sample
from maze_helpers.local_cloud.engine.training_end import Ending, failed

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

# The log group, and the namespace of both the script's and the instance's metrics.
GROUP = "/aws/sagemaker/TrainingJobs"

Document = Mapping[str, Any]


class TrainingHost:
    """A host from its start to its end."""

    def __init__(
        self,
        cloud: LocalCloud,
        job: Document,
        host: Host,
        folder: JobFolder,
        pipes: Sequence[ChannelPipe],
        uploads: Sequence[FolderUpload],
    ) -> None:
        """Make a host of the job whose folder it is, and open its log.

        pipes, uploads: what is to run beside the container. The uploads are the owner's to finish.
        """
        self.name = host.name
        self.folder = folder.of(host)
        self.uploads = uploads
        self._pipes = pipes
        self._cloud = cloud
        self._job = job
        self._no_file = folder.scratch / "no failure file"
        self._container: Container | None = None
        self._metrics = cloud.metrics_as(job["RoleArn"])
        self._log = JobLog(
            cloud.logs_as(job["RoleArn"]),
            self._metrics,
            GROUP,
            f"{job['TrainingJobName']}/{host.name}-{int(cloud.clock.time_s())}",
            {"TrainingJobName": job["TrainingJobName"]},
            MetricScraper(job["AlgorithmSpecification"].get("MetricDefinitions", [])),
        )

    def start(
        self,
        environment: Mapping[str, str],
        network: ContainerNetwork,
        on_end: Callable[[TrainingHost], None],
    ) -> None:
        """Start the container. on_end: called when all of its processes have ended."""
        algorithm = self._job["AlgorithmSpecification"]
        given = given_command(algorithm)
        container = Container(
            self.folder.root,
            given or runtime_for(algorithm["TrainingImage"]).train_command(),
            environment,
            on_line=self._log.add,
            on_sample=self._publish,
            on_end=lambda: on_end(self),
            network=network,
            # Differs from AWS, where it is the image's working directory: this one is its own.
            directory=self.folder.home if given else None,
        )
        # First, because what is there when an upload starts is not the container's yet.
        for helper in (*self._pipes, *self.uploads):
            helper.start()
        container.start()
        self._container = container
        self.folder.note_container(container.pid, container.created_at)

    @property
    def exit_code(self) -> int:
        """The container's exit code, once it has ended."""
        assert self._container is not None
        exit_code = self._container.wait()
        assert exit_code is not None
        return exit_code

    def stop(self, grace_s: float) -> None:
        """Have the container end: SIGTERM, then SIGKILL when its grace is over."""
        if self._container is not None:
            self._container.stop(grace_s)

    def say(self, text: str) -> None:
        """Write a line of the platform's own to the log."""
        self._log.add(self._cloud.clock.time_s(), text)

    def close(self) -> None:
        """End the container if it runs, and return when all that it said is stored.

        Raises: what storing its lines raised at first.
        """
        if self._container is not None:
            self._container.stop(0)
        for pipe in self._pipes:
            pipe.finish()
        self._log.close()

    def final_metrics(self) -> list[dict[str, Any]]:
        """Return the last value of each metric in this host's log."""
        return self._log.final_metrics()

    def failure(self) -> Ending:
        """Return the end of a job of which this host failed first."""
        failure = self.folder.failure
        if not self.folder.is_untouched(failure):
            failure = self._no_file
        return failed(failure_reason(failure, self.exit_code))

    def _publish(self, sample: Sample) -> None:
        dimensions = {"Host": f"{self._job['TrainingJobName']}/{self.name}"}
        self._metrics.put_many(GROUP, instance_metrics(sample, dimensions))


def given_command(algorithm: Document) -> list[str]:
    """Return the command of ContainerEntrypoint and -Arguments, [] where the image's own runs.

    "train" alone is what the image is started with anyway.
    """
    command = [
        *algorithm.get("ContainerEntrypoint", []),
        *algorithm.get("ContainerArguments", []),
    ]
    return [] if command == ["train"] else command
