"""One endpoint from its creation to its deletion: what each operation on it does."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from maze_helpers.local_cloud.engine.hosting import endpoint_record
from maze_helpers.local_cloud.engine.hosting.deployment import Deployment
from maze_helpers.local_cloud.engine.hosting.endpoint_record import DEPLOYED, DEPLOYING, Document
from maze_helpers.local_cloud.engine.hosting.failures import DeploymentFailed
from maze_helpers.local_cloud.engine.hosting.live_endpoint import LiveEndpoint
from maze_helpers.local_cloud.engine.hosting.real_time import RealTimeVariant
from maze_helpers.local_cloud.services.sagemaker.resources import ENDPOINT, Resources

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

log = logging.getLogger(__name__)

# Between the attempts to bring an endpoint back.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0


class EndpointRun:
    """An endpoint, whose operations are carried out one after the other, on threads of their own.

    live: what requests find, None while nothing answers.
    """

    def __init__(
        self,
        cloud: LocalCloud,
        resources: Resources,
        name: str,
        on_deleted: Callable[[EndpointRun], None],
    ) -> None:
        """Make the run of an endpoint that is in the store. on_deleted: called once it is not."""
        self.name = name
        self.live: LiveEndpoint | None = None
        self._cloud = cloud
        self._resources = resources
        self._on_deleted = on_deleted
        self._ending = threading.Event()
        # Held by the operation that is carried out.
        self._turn = threading.Lock()
        self._current: Deployment | None = None
        # All that may have servers: what comes up, what answers, and what drains.
        self._deployments: set[Deployment] = set()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def create(self) -> None:
        """Set the endpoint's creation going."""
        self._set_going(self._create)

    def update(self) -> None:
        """Set an update going, to the deployment that its document holds."""
        self._set_going(self._update)

    def scale(self) -> None:
        """Set going what makes weights and instance counts the desired ones."""
        self._set_going(self._scale)

    def delete(self) -> None:
        """Set the endpoint's deletion going; what else is under way breaks off."""
        with self._lock:
            self._ending.set()
            self.live = None
            answers = {self._current} if self._current and self._current.is_up else set()
            other = self._deployments - answers
        self._set_going(self._delete)
        for deployment in other:
            self._start_thread(deployment.stop)

    def resume(self) -> None:
        """Set going what an earlier server left undone.

        Until its servers are back, requests wait for them, each for as long as it may take:
        who goes on with a notebook after a restart should not have to wait by hand.
        """
        document = self._resources.get(ENDPOINT, self.name)
        if document["EndpointStatus"] == "Deleting":
            self.delete()
        elif document["EndpointStatus"] == "Creating":
            self.create()
        else:
            self._publish(self._new_deployment(document[DEPLOYED]))
            self._set_going(lambda: self._bring_back(document))

    def announce_close(self) -> None:
        """Leave the document as it is from now on, to be resumed."""
        self._ending.set()

    def close(self) -> None:
        """Stop at once, and leave the document as it is, to be resumed."""
        with self._lock:
            self._ending.set()
            deployments = list(self._deployments)
        for deployment in deployments:
            deployment.stop()
        for thread in self._threads:
            thread.join()

    def _set_going(self, work: Callable[[], None]) -> None:
        def carry_out() -> None:
            try:
                with self._turn:
                    work()
            except Exception:
                log.exception("endpoint %s: an operation failed", self.name)

        self._start_thread(carry_out)

    def _start_thread(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name=f"endpoint {self.name}")
        with self._lock:
            thread.start()
            self._threads = [other for other in self._threads if other.is_alive()] + [thread]

    def _create(self) -> None:
        document = self._resources.get(ENDPOINT, self.name)
        deployment = self._new_deployment(document[DEPLOYING])
        reason = self._start(deployment)
        if reason:
            self._record(lambda d, now: endpoint_record.not_created(d, reason, now))
            return
        self._publish(deployment)
        self._record(endpoint_record.deployed)

    def _update(self) -> None:
        document = self._resources.get(ENDPOINT, self.name)
        deployment = self._new_deployment(document[DEPLOYING])
        reason = self._start(deployment)
        if reason:
            self._record(lambda d, now: endpoint_record.not_updated(d, reason, now))
            return
        earlier = self._current
        self._publish(deployment)
        self._record(endpoint_record.deployed)
        if earlier is not None:
            earlier.retire()
            self._forget(earlier)

    def _scale(self) -> None:
        summaries = self._resources.get(ENDPOINT, self.name)["ProductionVariants"]
        try:
            self._give(summaries, "Desired")
        except DeploymentFailed as error:
            reason = str(error)
            self._give(summaries, "Current")
            self._record(lambda d, now: endpoint_record.not_updated(d, reason, now))
        else:
            self._record(endpoint_record.scaled)

    def _give(self, summaries: list[Document], which: str) -> None:
        """Give the variants their desired or current weights, then instance counts."""
        assert self._current
        for summary in summaries:
            self._current.variants[summary["VariantName"]].weight = summary[f"{which}Weight"]
        for summary in summaries:
            variant = self._current.variants[summary["VariantName"]]
            if isinstance(variant, RealTimeVariant):
                variant.scale_to(summary[f"{which}InstanceCount"])

    def _delete(self) -> None:
        try:
            if self._current is not None:
                self._current.retire()
        finally:
            self._resources.delete(ENDPOINT, self.name, lambda document: None)
            self._on_deleted(self)

    def _bring_back(self, document: Document) -> None:
        """Start what had been deployed, and finish what was under way."""
        assert self._current
        brought_back = self._current
        reason = self._start(brought_back)
        if DEPLOYING in document:
            self._update()
        elif document["EndpointStatus"] == "Updating" and not reason:
            self._scale()
        elif document["EndpointStatus"] == "Updating":
            self._record(lambda d, now: endpoint_record.not_updated(d, reason, now))
        elif reason:
            self._record(lambda d, now: endpoint_record.not_brought_back(d, reason, now))
        if reason and self._current is brought_back:
            self._start_thread(lambda: self._keep_trying(brought_back))

    def _keep_trying(self, failed: Deployment) -> None:
        """Bring a deployment back that failed to start, unless another takes its place."""
        pause_s = _FIRST_PAUSE_S
        while not self._ending.wait(pause_s):
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            with self._turn:
                if self._current is not failed:
                    return
                document = self._resources.get(ENDPOINT, self.name)
                failed = self._new_deployment(document[DEPLOYED])
                self._publish(failed)
                if not self._start(failed):
                    self._record(endpoint_record.brought_back)
                    return

    def _new_deployment(self, document: Document) -> Deployment:
        deployment = Deployment(self._cloud, self.name, document)
        with self._lock:
            self._deployments.add(deployment)
            ending = self._ending.is_set()
        if ending:
            deployment.stop()
        return deployment

    def _start(self, deployment: Deployment) -> str:
        """Bring a deployment up; return why it failed, "" if it did not."""
        try:
            deployment.start()
        except DeploymentFailed as error:
            reason = str(error)
        except Exception as error:
            log.exception("endpoint %s failed", self.name)
            reason = f"InternalServerError: The local cloud failed: {error}"
        else:
            return ""
        log.warning("endpoint %s: %s", self.name, reason)
        self._forget(deployment)
        return reason

    def _publish(self, deployment: Deployment) -> None:
        """Have requests go to a deployment from now on."""
        with self._lock:
            self._current = deployment
            if not self._ending.is_set():
                self.live = LiveEndpoint(
                    self.name,
                    deployment.variants,
                    deployment.async_inference,
                    deployment.capture,
                )

    def _forget(self, deployment: Deployment) -> None:
        with self._lock:
            self._deployments.discard(deployment)

    def _record(self, change: Callable[[Document, datetime], None]) -> None:
        """Change the endpoint's document, unless it is being ended: that says it all."""
        if not self._ending.is_set():
            self._resources.update(
                ENDPOINT, self.name, lambda document: change(document, self._cloud.clock.now())
            )
