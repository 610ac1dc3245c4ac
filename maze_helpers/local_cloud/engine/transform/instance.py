"""One instance of a transform job: a model server that is replaced when it ends."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from maze_helpers.local_cloud.engine.hosting.failures import ServerFailed
from maze_helpers.local_cloud.engine.hosting.model_server import ModelServer
from maze_helpers.local_cloud.engine.hosting.server_spec import ServerSpec
from maze_helpers.local_cloud.engine.instance_metrics import instance_metrics
from maze_helpers.local_cloud.engine.sampling import Sample

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

# The log group, and the namespace of the instances' metrics.
GROUP = "/aws/sagemaker/TransformJobs"
# A job is over soon: seldom measured, a busy instance would look as an idle one.
SAMPLE_PERIOD_S = 0.5


@dataclass(frozen=True)
class InstanceIdentity:
    """Which instance of which job it is. began_s: since the epoch, a part of its logs' names."""

    job: str
    began_s: int
    instance_id: str = field(default_factory=lambda: f"i-0{secrets.token_hex(8)}")

    @property
    def log_group(self) -> str:
        """Where its logs are."""
        return GROUP

    @property
    def log_stream(self) -> str:
        """The stream of its container's output."""
        return f"{self.job}/{self.instance_id}-{self.began_s}"

    @property
    def data_log_stream(self) -> str:
        """The stream of what SageMaker says of its work."""
        return f"{self.log_stream}/data-log"

    @property
    def dimensions(self) -> dict[str, str]:
        """The dimensions of its metrics."""
        return {"Host": f"{self.job}/{self.instance_id}"}


class Instance:
    """An instance while its job runs. Its methods may be called from any thread."""

    def __init__(self, cloud: LocalCloud, spec: ServerSpec, identity: InstanceIdentity) -> None:
        self.identity = identity
        self._cloud = cloud
        self._spec = spec
        self._starting = threading.Lock()
        self._lock = threading.Lock()
        self._stopped = False
        self._failure: Exception | None = None
        self._server = self._new_server()

    def ready_socket(self) -> Path | None:
        """Return where its server answers, None where it has none that is ready."""
        server = self._server
        return server.socket_path if server.alive else None

    def start(self) -> Path:
        """Return where its server answers, once one does: a new one where the last has ended.

        Raises: ServerFailed, also where the instance was stopped; ModelDataFailed; OSError, when
        the disk is full.
        """
        with self._starting:
            if self._failure is not None:
                raise self._failure
            server = self._server
            if not server.alive:
                if server.ready_at_s:
                    # The new one has the old one's folder.
                    server.kill()
                    server = self._succeed()
                try:
                    server.start()
                except Exception as error:
                    # All who wait for it are told the same.
                    self._failure = error
                    raise
            return server.socket_path

    def stop(self, grace_s: float) -> None:
        """Stop its server, and start no other."""
        with self._lock:
            self._stopped = True
            server = self._server
        server.stop(grace_s)

    def _succeed(self) -> ModelServer:
        with self._lock:
            if self._stopped:
                raise ServerFailed("The instance was stopped.")
            self._server = self._new_server()
            return self._server

    def _new_server(self) -> ModelServer:
        return ModelServer(
            self._cloud, self._spec, self.identity, _ignore, self._publish, SAMPLE_PERIOD_S
        )

    def _publish(self, sample: Sample) -> None:
        self._cloud.metrics_as(self._spec.role_arn).put_many(
            GROUP, instance_metrics(sample, self.identity.dimensions)
        )


def _ignore(server: ModelServer) -> None:
    """Let an ended server be: another is started when it is next asked."""
