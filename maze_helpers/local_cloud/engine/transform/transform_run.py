"""One transform job from its start to its end, on a thread of its own."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, NamedTuple

from maze_helpers.local_cloud.engine.artifacts import MAX_REASON_CHARACTERS
from maze_helpers.local_cloud.engine.hosting.calls import CallFailed
from maze_helpers.local_cloud.engine.hosting.endpoint_record import container_of
from maze_helpers.local_cloud.engine.hosting.failures import ModelDataFailed, ServerFailed
from maze_helpers.local_cloud.engine.hosting.model_data import ModelData, data_url
from maze_helpers.local_cloud.engine.hosting.model_server import STOP_GRACE_S
from maze_helpers.local_cloud.engine.hosting.server_spec import ServerSpec, worker_count
from maze_helpers.local_cloud.engine.images import runtime_for
from maze_helpers.local_cloud.engine.s3_uri import split_s3_uri
from maze_helpers.local_cloud.engine.transform.inputs import (
    InputObject,
    NoInput,
    input_objects,
    partition,
)
from maze_helpers.local_cloud.engine.transform.instance import Instance, InstanceIdentity
from maze_helpers.local_cloud.engine.transform.instance_work import InstanceWork
from maze_helpers.local_cloud.engine.transform.outputs import Outputs
from maze_helpers.local_cloud.engine.transform.record import Document, end, start
from maze_helpers.local_cloud.engine.transform.settings import batch_variables
from maze_helpers.local_cloud.errors import AWSError
from maze_helpers.local_cloud.services.sagemaker.resources import TRANSFORM_JOB, Resources

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

log = logging.getLogger(__name__)

# Source: public reports of FailureReason; that a client's own fault has the other prefix, as well.
CLIENTS_FAULT = "ClientError: See job logs for more information"
MODELS_FAULT = "AlgorithmError: See job logs for more information"
_SHORT_GRACE_S = 1.0


class Ending(NamedTuple):
    """How a job ends. reason: why it failed. keeps_output: whether what is whole goes to S3."""

    status: str
    reason: str = ""
    keeps_output: bool = True


COMPLETED = Ending("Completed")
STOPPED = Ending("Stopped", keeps_output=False)


def failed(reason: str, keeps_output: bool = False) -> Ending:
    """Return the ending of a job that failed."""
    return Ending("Failed", reason[:MAX_REASON_CHARACTERS], keeps_output)


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
        self._outputs = Outputs(cloud.objects)
        self._lock = threading.Lock()
        self._asked_to_end: Ending | None = None
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
            ending = self._carry_out()
        except Exception as error:
            log.exception("transform job %s failed", self.job_name)
            ending = failed(f"InternalServerError: The local cloud failed: {error}")
        try:
            self._finish(self._asked_to_end or ending)
        finally:
            self._on_end(self)

    def _carry_out(self) -> Ending:
        job = self._resources.get(TRANSFORM_JOB, self.job_name)
        data = self._model_data(container_of(job["_Model"]))
        try:
            bucket, _ = split_s3_uri(job["TransformOutput"]["S3OutputPath"])
            self._cloud.objects.buckets.require(bucket)
            source = job["TransformInput"]["DataSource"]["S3DataSource"]
            self._assign(job, data, input_objects(self._cloud.objects, source))
            return self._work()
        except NoInput as error:
            return failed(f"ClientError: {error}")
        except AWSError as error:
            return failed(f"ClientError: {error.message}")
        finally:
            self._stop_instances()
            if data is not None:
                data.remove()

    def _model_data(self, container: Document) -> ModelData | None:
        url = data_url(container)
        folder = self._cloud.home / "hosting" / "models" / secrets.token_hex(8)
        return ModelData(self._cloud.objects, url, folder) if url else None

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
            workers=worker_count(resources["InstanceType"]),
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
        with self._lock:
            if self._asked_to_end:
                return self._asked_to_end
        try:
            self._all(instance.start for instance in self._instances)
            self._update(lambda job: start(job, self._cloud.clock.now()))
            self._all(work.run for work in self._works)
        except ModelDataFailed as error:
            return failed(f"ClientError: {error}")
        except (ServerFailed, CallFailed, ValueError) as error:
            # The cause, behind AWS's words, is ours.
            return failed(f"{MODELS_FAULT}. {error}", keeps_output=True)
        failures = [failure for work in self._works for failure in work.failures]
        if not failures:
            return COMPLETED
        reason = CLIENTS_FAULT if all(f.is_clients for f in failures) else MODELS_FAULT
        return failed(reason, keeps_output=True)

    def _all(self, calls: Iterable[Callable[[], object]]) -> None:
        """Make all calls at a time; when one raises, end the others, and raise the same."""
        calls = list(calls)
        with ThreadPoolExecutor(len(calls), self.name) as threads:
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
            list(threads.map(lambda instance: instance.stop(STOP_GRACE_S), self._instances))

    def _finish(self, ending: Ending) -> None:
        """Store the outputs, then the job's end: Stopped, if it was asked to before they were."""
        job = self._resources.get(TRANSFORM_JOB, self.job_name)
        if job["TransformJobStatus"] == "Stopping" and ending == COMPLETED:
            ending = STOPPED
        if ending.keeps_output:
            self._outputs.store()
        else:
            self._outputs.discard()
        now = self._cloud.clock.now()
        self._update(lambda job: end(job, ending.status, ending.reason, now))

    def _update(self, change: Callable[[Document], None]) -> None:
        self._resources.update(TRANSFORM_JOB, self.job_name, change)
