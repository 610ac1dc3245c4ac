"""A real-time variant: so many instances that share its requests; one that dies is replaced."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import replace
from os import cpu_count
from typing import TYPE_CHECKING

from maze_helpers.local_cloud.engine.hosting.balancer import (
    Balancer,
    Choose,
    choose_least_busy,
)
from maze_helpers.local_cloud.engine.hosting.calls import (
    Call,
    CallFailed,
    NotReached,
    VariantReply,
)
from maze_helpers.local_cloud.engine.hosting.failures import (
    DeploymentFailed,
    ServerFailed,
    ping_failure,
)
from maze_helpers.local_cloud.engine.hosting.forwarding import send
from maze_helpers.local_cloud.engine.hosting.model_server import STOP_GRACE_S, ModelServer
from maze_helpers.local_cloud.engine.hosting.server_spec import ServerIdentity, ServerSpec
from maze_helpers.local_cloud.engine.instance_metrics import instance_metrics
from maze_helpers.local_cloud.engine.sampling import Sample

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

log = logging.getLogger(__name__)

# Source: "SageMaker AI jobs and endpoint metrics" in Amazon CloudWatch's documentation.
METRICS_NAMESPACE = "/aws/sagemaker/Endpoints"
_STARTS_AT_A_TIME = max(2, cpu_count() or 1)
# A request has 60 seconds; those that wait for a server have them as well.
_DRAIN_TIMEOUT_S = 65.0
# A request that was sent here before the traffic was switched is here by then.
_SWITCH_S = 0.2
_SHUTDOWN_GRACE_S = 1.0
# A server that lived for so long is replaced at once, one that did not, after a pause.
_STABLE_S = 60.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 60.0
# Requests wait for a server that comes after a shorter pause; after a longer one, they do not.
_LONGEST_WAIT_S = 5.0
_NOT_REACHED_PAUSE_S = 0.05


class RealTimeVariant:
    """A production variant on instances."""

    def __init__(
        self,
        cloud: LocalCloud,
        endpoint: str,
        name: str,
        spec: ServerSpec,
        instance_count: int,
        weight: float,
        choose: Choose = choose_least_busy,
    ) -> None:
        self.name = name
        self.weight = weight
        self.instance_count = instance_count
        self.role_arn = spec.role_arn
        self._cloud = cloud
        self._endpoint = endpoint
        self._spec = spec
        self._balancer = Balancer(choose=choose)
        # Those that are starting, or take requests.
        self._servers: set[ModelServer] = set()
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._pause_s = 0.0

    def start(self) -> None:
        """Bring all instances up. Raises: DeploymentFailed; then none is left."""
        try:
            self._bring_up(self._reserve(self.instance_count))
        except DeploymentFailed:
            self._balancer.set_down()
            raise

    def scale_to(self, instance_count: int) -> None:
        """Have so many instances, once the new ones are up, or the surplus ones have drained.

        Raises: DeploymentFailed; then there are as many as before.
        """
        if instance_count > self.instance_count:
            self._bring_up(self._reserve(instance_count - self.instance_count))
            with self._lock:
                self.instance_count = instance_count
                ended = instance_count - len(self._servers)
            # None was replaced that ended while others were still coming up.
            for _ in range(ended):
                threading.Thread(target=self._replace, name=f"replace {self.name}").start()
            return
        ready = self._balancer.servers
        with self._lock:
            self.instance_count = instance_count
            # First those that are still to replace another.
            by_use = [*self._servers.difference(ready), *reversed(ready)]
            surplus = by_use[: max(0, len(self._servers) - instance_count)]
        places = self._balancer.remove(surplus)
        self._balancer.wait_until_idle(places, _DRAIN_TIMEOUT_S)
        self._stop(surplus, STOP_GRACE_S)

    def retire(self) -> None:
        """Let the requests that it has come to their end, then stop its servers."""
        self._ending.wait(_SWITCH_S)
        self._balancer.wait_until_served(_DRAIN_TIMEOUT_S)
        self._end(STOP_GRACE_S)

    def stop(self) -> None:
        """Stop its servers at once, or nearly: each has a second to end by itself."""
        self._end(_SHUTDOWN_GRACE_S)

    async def invoke(self, call: Call) -> VariantReply:
        """Have one of its servers answer. It may run on any event loop.

        Raises: CallFailed, NoCapacity.
        """
        deadline_s = time.monotonic() + call.timeout_s
        tried: set[ModelServer] = set()
        while True:
            place = await self._balancer.take(deadline_s, tried)
            server = place.server
            try:
                reply = await send(server.socket_path, _in_time(call, deadline_s))
                return VariantReply(reply, server.log_stream)
            except NotReached:
                if time.monotonic() > deadline_s:
                    raise
                tried.add(server)
            except CallFailed as error:
                error.log_stream = server.log_stream
                raise
            finally:
                self._balancer.give_back(place)
            if tried.issuperset(self._balancer.servers):
                await asyncio.sleep(_NOT_REACHED_PAUSE_S)
                tried.clear()

    def _reserve(self, count: int) -> list[ModelServer]:
        """Return new servers, to be brought up. Raises: DeploymentFailed, if it was stopped."""
        servers = [self._new_server() for _ in range(count)]
        with self._lock:
            if self._ending.is_set():
                raise DeploymentFailed("The variant was stopped.")
            self._servers.update(servers)
        return servers

    def _bring_up(self, servers: list[ModelServer]) -> None:
        """Have new servers take requests, once all are ready.

        Raises: DeploymentFailed, with the first that fails; then none of them is left.
        """
        with ThreadPoolExecutor(_STARTS_AT_A_TIME, f"start {self.name}") as starters:
            starts = [starters.submit(server.start) for server in servers]
            done, _ = wait(starts, return_when=FIRST_EXCEPTION)
            failures = [error for start in done if (error := start.exception())]
            if failures:
                self._stop(servers, grace_s=0)
        if failures:
            raise self._explain(failures[0])
        self._balancer.add(servers)

    def _new_server(self) -> ModelServer:
        identity = ServerIdentity(self._endpoint, self.name)
        metrics = self._cloud.metrics_as(self.role_arn)

        def publish(sample: Sample) -> None:
            metrics.put_many(METRICS_NAMESPACE, instance_metrics(sample, identity.dimensions))

        return ModelServer(self._cloud, self._spec, identity, self._on_end, publish)

    def _explain(self, failure: BaseException) -> DeploymentFailed:
        if isinstance(failure, DeploymentFailed):
            return failure
        if isinstance(failure, ServerFailed):
            return ping_failure(self.name, failure)
        log.error("a server of %s failed", self.name, exc_info=failure)
        return DeploymentFailed(f"InternalServerError: The local cloud failed: {failure}")

    def _on_end(self, server: ModelServer) -> None:
        """Have a server replaced that ended by itself."""
        self._balancer.remove([server])
        with self._lock:
            self._servers.discard(server)
            if time.monotonic() - server.ready_at_s > _STABLE_S:
                self._pause_s = 0.0
            soon = self._pause_s <= _LONGEST_WAIT_S
        if not soon:
            self._balancer.set_down()
        threading.Thread(target=self._replace, name=f"replace {server.log_stream}").start()

    def _replace(self) -> None:
        while not self._ending.wait(self._pause_s):
            server = self._new_server()
            with self._lock:
                if len(self._servers) >= self.instance_count or self._ending.is_set():
                    return
                self._servers.add(server)
                self._pause_s = min(max(_FIRST_PAUSE_S, 2 * self._pause_s), _LONGEST_PAUSE_S)
            try:
                self._bring_up([server])
                return
            except DeploymentFailed as error:
                log.warning("a server of %s was not replaced: %s", self.name, error)
                self._balancer.set_down()

    def _end(self, grace_s: float) -> None:
        with self._lock:
            self._ending.set()
            servers = list(self._servers)
        self._balancer.remove(servers)
        self._balancer.set_down()
        self._stop(servers, grace_s)

    def _stop(self, servers: list[ModelServer], grace_s: float) -> None:
        stops = [threading.Thread(target=server.stop, args=(grace_s,)) for server in servers]
        for stop in stops:
            stop.start()
        for stop in stops:
            stop.join()
        with self._lock:
            self._servers.difference_update(servers)


def _in_time(call: Call, deadline_s: float) -> Call:
    """Return the call with the time that is left, where it had to wait."""
    left_s = deadline_s - time.monotonic()
    # Unless it waited, it is the same to the millisecond.
    return call if call.timeout_s - left_s < 1e-3 else replace(call, timeout_s=max(left_s, 0.0))
