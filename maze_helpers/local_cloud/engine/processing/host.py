"""One host of a processing job: its container, its log and its measurements."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from maze_helpers.local_cloud.engine.cluster import Cluster
from maze_helpers.local_cloud.engine.containers import Container, ContainerNetwork, Sample
from maze_helpers.local_cloud.engine.instance_metrics import instance_metrics
from maze_helpers.local_cloud.engine.isolated_network import IsolatedNetwork
from maze_helpers.local_cloud.engine.log_writer import LogWriter
from maze_helpers.local_cloud.engine.processing.environment import processing_environment
from maze_helpers.local_cloud.engine.processing.folder import ProcessingFolder
from maze_helpers.local_cloud.engine.processing.record import Document

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

# The log group, and the namespace of the instances' metrics.
GROUP = "/aws/sagemaker/ProcessingJobs"
_CONTAINER_MODULE = "maze_helpers.local_cloud.container.process"


class ProcessingHost:
    """A host while its container runs."""

    def __init__(
        self, cloud: LocalCloud, job: Document, name: str, folder: ProcessingFolder
    ) -> None:
        self.name = name
        self._cloud = cloud
        self._job = job
        self._folder = folder
        self._container: Container | None = None
        self._metrics = cloud.metrics_as(job["RoleArn"])
        self._log: LogWriter | None = None

    def start(
        self, cluster: Cluster, isolated: IsolatedNetwork | None, on_end: Callable[[], None]
    ) -> None:
        """Start the container.

        isolated: the network that is all it reaches; None for the machine's.
        on_end: called once it has ended.
        """
        name, epoch_s = self._job["ProcessingJobName"], int(self._cloud.clock.time_s())
        logs = self._cloud.logs_as(self._job["RoleArn"])
        self._log = LogWriter(logs, GROUP, f"{name}/{self.name}-{epoch_s}")
        self._folder.hosts_file.write_text(cluster.hosts_file(), encoding="utf-8")
        container = Container(
            self._folder.root,
            container_command(self._job),
            processing_environment(self._cloud, self._job, cluster, self._folder),
            on_line=self._log.add,
            on_sample=self._publish_sample,
            on_end=on_end,
            network=ContainerNetwork(self.name, self._folder.hosts_file, isolated),
        )
        container.start()
        self._container = container
        self._folder.note_container(container.pid, container.created_at)

    def stop(self, grace_s: float) -> None:
        """End the container, if there is one: SIGTERM, the grace, SIGKILL."""
        if self._container is not None:
            self._container.stop(grace_s)

    def exit_code(self) -> int:
        """Return the container's exit code, once it has ended."""
        assert self._container is not None
        exit_code = self._container.wait()
        assert exit_code is not None
        return exit_code

    def close_log(self) -> None:
        """Return when every line is stored. Raises: what storing them raised at first."""
        if self._log is not None:
            self._log.close()

    def _publish_sample(self, sample: Sample) -> None:
        dimensions = {"Host": f"{self._job['ProcessingJobName']}/{self.name}"}
        self._metrics.put_many(GROUP, instance_metrics(sample, dimensions))


def container_command(job: Document) -> list[str]:
    """Return the command that stands for `docker run` of the job's image.

    An entry point takes the place of the image's, arguments that of its command. The images here
    have no entry point that would matter, and a shell, which finds no input, as their command.
    Sources: SageMaker guide, "How Amazon SageMaker Processing Runs Your Processing Container
    Image"; the Dockerfiles of aws/sagemaker-scikit-learn-container and of
    aws/deep-learning-containers.
    """
    application = job["AppSpecification"]
    given = [
        *application.get("ContainerEntrypoint", []),
        *application.get("ContainerArguments", []),
    ]
    return [sys.executable, "-m", _CONTAINER_MODULE, *(given or ["/bin/bash"])]
