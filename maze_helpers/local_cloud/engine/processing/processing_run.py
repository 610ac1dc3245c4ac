"""One processing job from its start to its end, on a thread of its own."""

from __future__ import annotations

import logging
import math
import queue
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from maze_helpers.local_cloud.engine.channels import ChannelError
from maze_helpers.local_cloud.engine.cluster import Cluster
from maze_helpers.local_cloud.engine.isolated_network import IsolatedNetwork, isolated_network
from maze_helpers.local_cloud.engine.processing.environment import is_isolated
from maze_helpers.local_cloud.engine.processing.exit_message import NotUTF8, exit_message
from maze_helpers.local_cloud.engine.processing.folder import (
    ProcessingFolder,
    remove_job_folder,
)
from maze_helpers.local_cloud.engine.processing.host import ProcessingHost
from maze_helpers.local_cloud.engine.processing.inputs import download_inputs
from maze_helpers.local_cloud.engine.processing.outputs import Outputs
from maze_helpers.local_cloud.engine.processing.record import (
    COMPLETED,
    STOPPED,
    Document,
    Ending,
    begin_stop,
    end,
    failed,
    start,
)
from maze_helpers.local_cloud.engine.training_end import explain
from maze_helpers.local_cloud.errors import AWSError
from maze_helpers.local_cloud.services.sagemaker.resources import PROCESSING_JOB, Resources

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

log = logging.getLogger(__name__)

# What the other hosts get to end by themselves once one has failed: a guess.
_OTHERS_GRACE_S = 5.0


class JobEnd(Exception):
    """The job ends here, before its containers did or could."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.reason)
        self.ending = ending


class ProcessingRun(threading.Thread):
    """A job while it runs."""

    def __init__(
        self,
        cloud: LocalCloud,
        resources: Resources,
        name: str,
        stop_grace_s: float,
        on_end: Callable[[ProcessingRun], None],
    ) -> None:
        """Make the run of a job that is in the store.

        stop_grace_s: between SIGTERM and SIGKILL. on_end: called last, on the run's own thread.
        """
        super().__init__(name=f"processing job {name}", daemon=True)
        self.job_name = name
        self._cloud = cloud
        self._resources = resources
        self._root = cloud.home / "processing" / name
        self._stop_grace_s = stop_grace_s
        self._on_end = on_end
        self._folders: list[ProcessingFolder] = []
        self._hosts: list[ProcessingHost] = []
        self._hosts_lock = threading.Lock()
        self._ended: queue.SimpleQueue[ProcessingHost] = queue.SimpleQueue()
        self._asked_to_end: Ending | None = None
        self._deadline_s = math.inf

    def ask_to_end(self, ending: Ending, grace_s: float) -> None:
        """Have the job end so, soon, unless it was asked before to end in another way.

        Its containers get SIGTERM, then grace_s, then SIGKILL.
        """
        with self._hosts_lock:
            self._asked_to_end = self._asked_to_end or ending
        self._stop_hosts(grace_s)

    def run(self) -> None:
        """Carry the job out, whatever becomes of it."""
        ending = self._carry_out_safely()
        try:
            self._finish(ending)
        except Exception:
            # The disk may be full of this job's own files.
            log.exception("processing job %s could not be ended; trying again", self.job_name)
            self._clean_up()
            self._finish(ending)
        finally:
            self._clean_up()
            self._on_end(self)

    def _carry_out_safely(self) -> Ending:
        try:
            return self._carry_out()
        except JobEnd as job_end:
            return job_end.ending
        except Exception as error:
            log.exception("processing job %s failed", self.job_name)
            return failed(f"InternalServerError: The local cloud failed: {explain(error)}")

    def _carry_out(self) -> Ending:
        job = self._resources.update(PROCESSING_JOB, self.job_name, self._start)
        self._deadline_s = time.monotonic() + job["StoppingCondition"]["MaxRuntimeInSeconds"]
        cluster = Cluster(job["ProcessingJobArn"], job["ProcessingResources"]["ClusterConfig"])
        self._make_folders(job, cluster)
        outputs = Outputs(self._cloud.objects_as(job["RoleArn"]), job, self._folders)
        with outputs:
            self._download(job)
            ending = self._process(job, cluster)
        # As on AWS (public reports), a job that failed leaves what it wrote until then; that one
        # that was stopped does so as well is a guess.
        return self._with_message(self._upload(outputs, ending))

    def _start(self, document: Document) -> None:
        if document["ProcessingJobStatus"] == "Stopping":
            raise JobEnd(STOPPED)
        start(document, self._cloud.clock.now())

    def _make_folders(self, job: Document, cluster: Cluster) -> None:
        for host in cluster.hosts:
            folder = ProcessingFolder(self._root / host.name)
            self._folders.append(folder)
            folder.make(job, host.name, cluster.names)
            self._hosts.append(ProcessingHost(self._cloud, job, host.name, folder))

    def _download(self, job: Document) -> None:
        objects = self._cloud.objects_as(job["RoleArn"])
        try:
            download_inputs(objects, job, self._folders, self._check_may_go_on)
        except (ChannelError, AWSError, OSError) as error:
            # Source: issue 32 of aws-samples/sagemaker-run-notebook has the first sentence.
            reason = f"ClientError: Failed to download data. {explain(error)}"
            raise JobEnd(failed(reason)) from error

    def _process(self, job: Document, cluster: Cluster) -> Ending:
        """Run all containers to their end."""
        network = isolated_network() if is_isolated(job) else None
        # All of it is closed, also where something of it cannot be.
        with ExitStack() as closing:
            if network is not None:
                closing.callback(network.close)
            for host in self._hosts:
                closing.callback(host.close_log)
                closing.callback(host.stop, 0)
            self._start_hosts(cluster, network)
            exit_code = self._wait_for_hosts()
        if self._asked_to_end is not None:
            return self._asked_to_end
        # Source: SageMaker guide, "Troubleshooting" of processing jobs, and public reports.
        return failed(f"AlgorithmError: , exit code: {exit_code}") if exit_code else COMPLETED

    def _start_hosts(self, cluster: Cluster, network: IsolatedNetwork | None) -> None:
        for host in self._hosts:
            with self._hosts_lock:
                self._check_may_go_on()
                host.start(cluster, network, partial(self._ended.put, host))

    def _wait_for_hosts(self) -> int:
        """Return the exit code of the first host that fails, 0 if none does, when all have ended.

        Source: SageMaker guide, "How Amazon SageMaker Processing Runs Your Processing Container
        Image": the job fails if any of them does. That the others are then ended is a guess.
        """
        first_failure = 0
        for _ in self._hosts:
            exit_code = self._next_ended().exit_code()
            if exit_code != 0 and first_failure == 0:
                first_failure = exit_code
                if self._asked_to_end is None:
                    self._stop_hosts(_OTHERS_GRACE_S)
        return first_failure

    def _next_ended(self) -> ProcessingHost:
        """Return the next host whose container has ended; past the job's time, have all end."""
        left_s = min(self._deadline_s - time.monotonic(), threading.TIMEOUT_MAX)
        try:
            return self._ended.get(timeout=max(0.0, left_s))
        except queue.Empty:
            self._deadline_s = math.inf
        self._resources.update(
            PROCESSING_JOB, self.job_name, lambda job: begin_stop(job, self._cloud.clock.now())
        )
        self.ask_to_end(STOPPED, self._stop_grace_s)
        return self._ended.get()

    def _stop_hosts(self, grace_s: float) -> None:
        for host in self._hosts:
            threading.Thread(target=host.stop, args=(grace_s,), daemon=True).start()

    def _upload(self, outputs: Outputs, ending: Ending) -> Ending:
        """Store all outputs and return how the job ends: a failure of its own is what is told."""
        try:
            outputs.store()
        except (AWSError, OSError) as error:
            log.warning("processing job %s: outputs not stored: %s", self.job_name, error)
            if ending.status == "Failed":
                return ending
            # The wording is a guess, after that of a download.
            return failed(f"ClientError: Failed to upload data. {explain(error)}")
        return ending

    def _with_message(self, ending: Ending) -> Ending:
        try:
            return ending._replace(message=exit_message(self._folders))
        except NotUTF8:
            # The wording is a guess.
            return failed("ClientError: The exit message of the container is not UTF-8 encoded.")

    def _finish(self, ending: Ending) -> None:
        self._resources.update(
            PROCESSING_JOB, self.job_name, lambda job: end(job, ending, self._cloud.clock.now())
        )

    def _clean_up(self) -> None:
        try:
            remove_job_folder(self._root)
        except OSError:
            log.exception("processing job %s left files behind", self.job_name)

    def _check_may_go_on(self) -> None:
        """Raise JobEnd if the job was asked to end, or its time is over."""
        if self._asked_to_end is not None:
            raise JobEnd(self._asked_to_end)
        if time.monotonic() > self._deadline_s:
            raise JobEnd(STOPPED)
