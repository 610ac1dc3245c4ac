"""One transform job from its start to its end, on a thread of its own."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from datetime import datetime
from os import cpu_count
from typing import TYPE_CHECKING

from maze_helpers.local_cloud.engine.hosting.endpoint_record import container_of
from maze_helpers.local_cloud.engine.hosting.failures import ModelDataFailed, ServerFailed
from maze_helpers.local_cloud.engine.hosting.model_data import ModelData, data_url
from maze_helpers.local_cloud.engine.hosting.server_spec import ServerSpec, worker_count
from maze_helpers.local_cloud.engine.images import runtime_for
from maze_helpers.local_cloud.engine.s3_uri import split_s3_uri
from maze_helpers.local_cloud.engine.transform.asking import NotAnswered
from maze_helpers.local_cloud.engine.transform.capture import keep_manifests
from maze_helpers.local_cloud.engine.transform.inputs import (
    InputObject,
    NoInput,
    input_objects,
    partition,
)
from maze_helpers.local_cloud.engine.transform.instance import Instance, InstanceIdentity
from maze_helpers.local_cloud.engine.transform.instance_work import InstanceWork
from maze_helpers.local_cloud.engine.transform.outputs import Outputs
from maze_helpers.local_cloud.engine.transform.record import (
    COMPLETED,
    STOPPED,
    Document,
    Ending,
    end,
    ending_of,
    failed,
    start,
)
from maze_helpers.local_cloud.engine.transform.settings import (
    BadExecutionParameters,
    batch_variables,
)
from maze_helpers.local_cloud.errors import AWSError
from maze_helpers.local_cloud.services.sagemaker.resources import TRANSFORM_JOB, Resources

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

log = logging.getLogger(__name__)

# Source: public reports of FailureReason; that a client's own fault has the other prefix, as well.
CLIENTS_FAULT = "ClientError: See job logs for more information"
MODELS_FAULT = "AlgorithmError: See job logs for more information"
# What a server gets to end by itself: nobody waits for its answers any more.
_GRACE_S = 2.0
_SHORT_GRACE_S = 1.0
_STARTS_AT_A_TIME = max(2, cpu_count() or 1)


class TransformRun(threading.Thread):
    """A job while it runs."""

    def __init__(
        self,
        cloud: LocalCloud,
        resources: Resources,
        name: str,
        on_end: Callable[[TransformRun], None],
    ) -> None:
        """Make the run of a job that is in the store.

        on_end: called last, on the run's own thread.
        """
        super().__init__(name=f"transform job {name}", daemon=True)
        self.job_name = name
        self._cloud = cloud
        self._resources = resources
        self._on_end = on_end
        job = resources.get(TRANSFORM_JOB, name)
        self._objects = cloud.objects_as(job["_Model"]["ExecutionRoleArn"])
        self._outputs = Outputs(self._objects)
        self._lock = threading.Lock()
        self._asked_to_end: Ending | None = None
        # When the instances had done their work: they are not billed for their end.
        self._worked_until: datetime | None = None
        self._instances: list[Instance] = []
        self._works: list[InstanceWork] = []

    def ask_to_end(self, ending: Ending) -> None:
        """Have the job end so, soon, unless it was asked before to end in another way."""
        with self._lock:
            self._asked_to_end = self._asked_to_end or ending
        self._cancel()

    def run(self) -> None:
        """Carry the job out, whatever becomes of it."""
        try:
            try:
                self._finish(self._ending())
            except Exception as error:
                # The disk may be full of this job's own outputs.
                self._outputs.discard()
                self._finish(self._failure(error))
        finally:
            self._on_end(self)

    def _ending(self) -> Ending:
        try:
            ending = self._carry_out()
        except Exception as error:
            ending = self._failure(error)
        return self._asked_to_end or ending

    def _failure(self, error: Exception) -> Ending:
        """Return how the job ends with an error."""
        if isinstance(error, AWSError):
            return failed(f"ClientError: {error.message}")
        if isinstance(error, (NoInput, ModelDataFailed)):
            return failed(f"ClientError: {error}")
        if isinstance(error, (ServerFailed, NotAnswered, BadExecutionParameters)):
            # The cause, behind AWS's words, is ours. What is whole by then stays.
            return failed(f"{MODELS_FAULT}. {error}", keeps_output=True)
        log.error("transform job %s failed", self.job_name, exc_info=error)
        return failed(f"InternalServerError: The local cloud failed: {error}")

    def _carry_out(self) -> Ending:
        job = self._resources.get(TRANSFORM_JOB, self.job_name)
        bucket, _ = split_s3_uri(job["TransformOutput"]["S3OutputPath"])
        self._cloud.objects.buckets.require(bucket)
        source = job["TransformInput"]["DataSource"]["S3DataSource"]
        inputs = input_objects(self._objects, source)
        data = self._model_data(container_of(job["_Model"]))
        try:
            self._assign(job, data, inputs)
            ending = self._work()
            self._worked_until = self._cloud.clock.now()
            keep_manifests(job, inputs, self._outputs, self._worked_until.timestamp())
            return ending
        finally:
            self._stop_instances()
            self._remove(data)

    def _model_data(self, container: Document) -> ModelData | None:
        url = data_url(container)
        folder = self._cloud.home / "hosting" / "models" / secrets.token_hex(8)
        return ModelData(self._objects, url, folder) if url else None

    def _remove(self, data: ModelData | None) -> None:
        try:
            if data is not None:
                data.remove()
        except OSError:
            log.exception("transform job %s left files of its model behind", self.job_name)

    def _assign(self, job: Document, data: ModelData | None, inputs: list[InputObject]) -> None:
        """Make the instances, and give each its objects."""
        resources, model = job["TransformResources"], job["_Model"]
        container = container_of(model)
        spec = ServerSpec(
            image=runtime_for(container["Image"], "inference"),
            role_arn=model["ExecutionRoleArn"],
            model_data=data,
            environment={
                **container.get("Environment", {}),
                **job.get("Environment", {}),
                **batch_variables(job),
            },
            workers=_worker_count(job),
        )
        began_s = int(self._cloud.clock.time_s())
        for assigned in partition(inputs, resources["InstanceCount"]):
            identity = InstanceIdentity(self.job_name, began_s)
            instance = Instance(self._cloud, spec, identity)
            work = InstanceWork(self._cloud, job, instance, assigned, self._outputs)
            with self._lock:
                self._instances.append(instance)
                self._works.append(work)

    def _work(self) -> Ending:
        """Have every instance do its work, once all are ready."""
        if self._asked_to_end:
            return self._asked_to_end
        self._all([instance.start for instance in self._instances], _STARTS_AT_A_TIME)
        if not self._may_start():
            return STOPPED
        self._all([work.run for work in self._works], len(self._works))
        failures = [failure for work in self._works for failure in work.failures]
        if not failures:
            return COMPLETED
        reason = CLIENTS_FAULT if all(f.is_clients for f in failures) else MODELS_FAULT
        return failed(reason, keeps_output=True)

    def _may_start(self) -> bool:
        """Note that the instances are ready, and return whether the job is still to be done."""
        now = self._cloud.clock.now()
        job = self._resources.update(TRANSFORM_JOB, self.job_name, lambda job: start(job, now))
        return job["TransformJobStatus"] == "InProgress"

    def _all(self, calls: list[Callable[[], object]], at_a_time: int) -> None:
        """Make all calls; when one raises, end the others, and raise the same."""
        with ThreadPoolExecutor(at_a_time, self.name) as threads:
            futures = [threads.submit(call) for call in calls]
            done, others = wait(futures, return_when=FIRST_EXCEPTION)
            if others:
                self._cancel()
        for future in (*done, *others):
            future.result()

    def _cancel(self) -> None:
        """Have what the instances do end soon."""
        with self._lock:
            instances, works = list(self._instances), list(self._works)
        for work in works:
            work.cancel()
        for instance in instances:
            threading.Thread(target=instance.stop, args=(_SHORT_GRACE_S,), daemon=True).start()

    def _stop_instances(self) -> None:
        with ThreadPoolExecutor(max(1, len(self._instances)), self.name) as threads:
            list(threads.map(lambda instance: instance.stop(_GRACE_S), self._instances))

    def _finish(self, ending: Ending) -> None:
        """Store the outputs and the job's end in one step; none, if it is to stop by then."""
        unwanted: list[str] = []

        def finish(job: Document) -> None:
            final = ending_of(job, ending)
            if final.keeps_output:
                unwanted.extend(self._outputs.store(self._cloud.store.connection))
            else:
                unwanted.extend(self._outputs.blob_ids())
            end(job, final, self._worked_until or self._cloud.clock.now())

        self._resources.update(TRANSFORM_JOB, self.job_name, finish)
        self._cloud.objects.blobs.remove(unwanted)


def _worker_count(job: Document) -> int:
    """Return how many workers serve on an instance: no more than may be asked at a time.

    Differs from AWS: there, as many as vCPUs, though some have nothing to do; each takes its time
    to start.
    """
    count = worker_count(job["TransformResources"]["InstanceType"])
    return min(count, job.get("MaxConcurrentTransforms") or count)
