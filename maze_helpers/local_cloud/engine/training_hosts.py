"""All hosts of a training job, from the start of the first to the end of the last."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from maze_helpers.local_cloud.engine.channel_pipe import ChannelPipe
from maze_helpers.local_cloud.engine.checkpoints import uploads_of
from maze_helpers.local_cloud.engine.cluster import Cluster, Host
from maze_helpers.local_cloud.engine.containers import ContainerNetwork, isolation
from maze_helpers.local_cloud.engine.isolated_network import IsolatedNetwork, isolated_network
from maze_helpers.local_cloud.engine.job_environment import job_environment
from maze_helpers.local_cloud.engine.job_folder import JobFolder
from maze_helpers.local_cloud.engine.training_host import TrainingHost
from maze_helpers.local_cloud.services.s3.objects import ObjectStore

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

# How long a job's credentials outlast its MaxRuntimeInSeconds: for its stop and its upload.
_CREDENTIALS_MARGIN_S = 3600
# What the other hosts get between SIGTERM and SIGKILL when one has failed: a guess. They may
# wait for the one that failed, and never hear a signal.
PEER_GRACE_S = 10.0
# Differs from AWS, where there is no machine without them.
_NOT_ISOLATED = (
    "WARNING: This machine does not allow network namespaces, so that the network of this "
    "container is not isolated."
)
_NO_NAMES = (
    "WARNING: This machine does not allow user namespaces, so that the names of the job's hosts do "
    "not resolve here: they all are at 127.0.0.1."
)


class TrainingHosts:
    """The hosts of a job whose folder is made. It is to be closed."""

    def __init__(
        self, cloud: LocalCloud, job: Mapping[str, Any], cluster: Cluster, folder: JobFolder
    ) -> None:
        self._cloud = cloud
        self._job = job
        self._cluster = cluster
        self._folder = folder
        self._lock = threading.Lock()
        self._running: list[TrainingHost] = []
        self._ended: queue.SimpleQueue[TrainingHost] = queue.SimpleQueue()
        self._hosts: list[TrainingHost] = []
        # How many have not ended yet, and which failed first.
        self._left = len(cluster.hosts)
        self.first_failed: TrainingHost | None = None

    def open(self, objects: ObjectStore, pipes: Mapping[Host, Sequence[ChannelPipe]]) -> None:
        """Open the hosts' logs. objects: as the job's role uses them. pipes: of each host."""
        for host in self._cluster.hosts:
            uploads = uploads_of(objects, self._job, self._folder.of(host))
            self._hosts.append(
                TrainingHost(self._cloud, self._job, host, self._folder, [*pipes[host]], uploads)
            )

    def start(self, check: Callable[[], None]) -> None:
        """Start all hosts, unless check raises; nobody stops them between that and their start."""
        is_isolated = bool(self._job.get("EnableNetworkIsolation"))
        has_namespaces = isolation() != "none"
        network = isolated_network() if is_isolated and has_namespaces else None
        try:
            with self._lock:
                check()
                for host in self._hosts:
                    if is_isolated and network is None:
                        host.say(_NOT_ISOLATED)
                    if len(self._hosts) > 1 and not has_namespaces:
                        host.say(_NO_NAMES)
                    self._start(host, network)
        finally:
            if network is not None:
                # The containers hold it open from now on.
                network.close()

    def _start(self, host: TrainingHost, network: IsolatedNetwork | None) -> None:
        lifetime_s = self._job["StoppingCondition"]["MaxRuntimeInSeconds"] + _CREDENTIALS_MARGIN_S
        host.start(
            job_environment(self._cloud, self._job, self._cluster, host.folder, lifetime_s),
            ContainerNetwork(host.name, self._folder.hosts_file, network),
            self._ended.put,
        )
        self._running.append(host)

    def wait(self, until_s: float | None) -> bool:
        """Return whether all hosts have ended, in time. When one fails, the others are ended.

        until_s: by time.monotonic(); None to wait for as long as it takes.
        """
        while self._left:
            left_s = None if until_s is None else max(0.0, until_s - time.monotonic())
            try:
                ended = self._ended.get(timeout=left_s)
            except queue.Empty:
                return False
            self._left -= 1
            if ended.exit_code != 0 and self.first_failed is None:
                self.first_failed = ended
                self.stop(PEER_GRACE_S)
        return True

    def stop(self, grace_s: float) -> None:
        """Have the hosts that run end, side by side: SIGTERM, then SIGKILL after their grace."""
        with self._lock:
            hosts = list(self._running)
        for host in hosts:
            threading.Thread(target=host.stop, args=(grace_s,), daemon=True).start()

    def close(self) -> None:
        """End what still runs at once, and return when all that was said is stored.

        Raises: what storing the hosts' lines raised at first.
        """
        with ExitStack() as closing:
            for host in self._hosts:
                closing.callback(host.close)

    def finish_uploads(self) -> None:
        """Store what of checkpoints and intermediate output is not stored yet.

        Raises: OSError, if a file cannot be read; the object store's errors.
        """
        with ExitStack() as finishing:
            for host in self._hosts:
                for upload in host.uploads:
                    finishing.callback(upload.finish)

    def final_metrics(self) -> list[dict[str, Any]]:
        """Return FinalMetricDataList: of each metric the last value that any host showed."""
        last: dict[str, dict[str, Any]] = {}
        for metric in (metric for host in self._hosts for metric in host.final_metrics()):
            known = last.setdefault(metric["MetricName"], metric)
            if metric["Timestamp"] > known["Timestamp"]:
                last[metric["MetricName"]] = metric
        return list(last.values())
