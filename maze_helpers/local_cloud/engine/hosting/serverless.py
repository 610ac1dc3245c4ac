"""A serverless variant: a container for each request at a time, none while there are none."""

from __future__ import annotations

import os
import secrets
import time
from typing import TYPE_CHECKING

from maze_helpers.local_cloud.engine.hosting.calls import (
    PROCESS_EXITED,
    Call,
    CallFailed,
    ConnectionLost,
    NotReached,
    ProcessExited,
    Reply,
    Unavailable,
    VariantReply,
)
from maze_helpers.local_cloud.engine.hosting.endpoint_record import Document
from maze_helpers.local_cloud.engine.hosting.failures import (
    DeploymentFailed,
    OutOfMemory,
    ServerExited,
    ServerFailed,
)
from maze_helpers.local_cloud.engine.hosting.forwarding import send
from maze_helpers.local_cloud.engine.hosting.model_server import STOP_GRACE_S, ModelServer
from maze_helpers.local_cloud.engine.hosting.server_pool import PoolSize, ServerPool
from maze_helpers.local_cloud.engine.hosting.server_spec import ServerIdentity, ServerSpec
from maze_helpers.local_cloud.engine.hosting.serverless_metrics import ServerlessMetrics
from maze_helpers.local_cloud.engine.hosting.serverless_settings import (
    STARTUP_TIMEOUT_S,
    ServerlessSettings,
)

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

# More at a time would all be slower, and the first one ready may do for several short requests.
_STARTS_AT_A_TIME = max(2, os.cpu_count() or 1)
# A request has 60 seconds, after its container has had 180 to start.
_DRAIN_TIMEOUT_S = 245.0
# A request that was sent here before the traffic was switched is here by then.
_SWITCH_S = 0.2
_SHUTDOWN_GRACE_S = 1.0
# A request that a container did not take is given to another one, so many times.
_MOST_TRIES = 3


class ServerlessVariant:
    """A serverless production variant."""

    instance_count: int | None = None

    def __init__(
        self,
        cloud: LocalCloud,
        endpoint: str,
        name: str,
        spec: ServerSpec,
        config: Document,
        weight: float,
    ) -> None:
        """Make the variant; it can take requests at once, before `start`.

        spec: its workers, limits and time to start are replaced by what serverless ones have.
        config: a ProductionVariantServerlessConfig.
        """
        self.name = name
        self.weight = weight
        self.role_arn = spec.role_arn
        self._cloud = cloud
        self._endpoint = endpoint
        self._settings = ServerlessSettings.of(config)
        self._spec = self._settings.spec(spec)
        # A public report shows streams named <variant>/<hexadecimal>-<32 hexadecimal digits>.
        self._deployment_id = secrets.token_hex(16)
        size = PoolSize(self._settings.capacity, cloud.serverless_idle_s, _STARTS_AT_A_TIME)
        self._pool: ServerPool[ModelServer] = ServerPool(name, self._new_server, size)
        self._metrics = ServerlessMetrics(
            cloud.invocation_metrics,
            endpoint,
            name,
            self._settings,
            lambda: self._pool.in_flight,
            self._peaks_bytes,
        )

    def start(self) -> None:
        """Prove that a container comes up, and have the provisioned ones ready.

        Without provisioned ones, that container is stopped again: the first request is to meet
        the cold start that it usually meets on AWS (a guess, that AWS does so).
        Raises: DeploymentFailed; then nothing is left.
        """
        provisioned = self._settings.provisioned_concurrency
        try:
            self._pool.keep(max(1, provisioned))
        except (ServerFailed, Unavailable, OSError) as failure:
            self.stop()
            raise self._explain(failure) from failure
        except DeploymentFailed:
            self.stop()
            raise
        if not provisioned:
            self._pool.keep(0)
            self._pool.drop_free()

    def retire(self) -> None:
        """Let the requests that it has come to their end, then stop its servers."""
        time.sleep(_SWITCH_S)
        self._pool.wait_until_served(_DRAIN_TIMEOUT_S)
        self._end(STOP_GRACE_S)

    def stop(self) -> None:
        """Stop its servers at once, or nearly: each has a second to end by itself."""
        self._end(_SHUTDOWN_GRACE_S)

    async def invoke(self, call: Call) -> VariantReply:
        """Have one of its containers answer, a new one if none is free.

        Raises: CallFailed, NoCapacity.
        """
        n_tries = 0
        while True:
            n_tries += 1
            try:
                return await self._try(call)
            except NotReached:
                if n_tries == _MOST_TRIES:
                    raise

    async def _try(self, call: Call) -> VariantReply:
        ticket = self._pool.request()
        self._metrics.arrived(ticket.in_flight)
        had_to_wait = ticket.server is None
        began_s = time.perf_counter()
        try:
            server = await self._pool.wait(ticket)
        except ServerFailed as failure:
            raise ProcessExited(f"A container did not start: {failure}") from failure
        setup_us = (time.perf_counter() - began_s) * 1e6 if had_to_wait else 0.0
        reply = await self._ask(server, call)
        return VariantReply(reply, server.log_stream, setup_us)

    async def _ask(self, server: ModelServer, call: Call) -> Reply:
        """Return a server's answer, and give it back.

        One that did not answer is given up, also where nobody waits for the answer any more: it
        may still be at it.
        """
        assert server.memory
        server.memory.set_busy(True)
        answered = False
        try:
            reply = await send(server.socket_path, call)
            answered = True
            return reply
        except ConnectionLost as error:
            raise ProcessExited(str(error), server.log_stream) from error
        except CallFailed as error:
            error.log_stream = server.log_stream
            raise
        finally:
            server.memory.set_busy(False)
            self._pool.give_back(server, usable=answered)

    def _new_server(self) -> ModelServer:
        instance_id = f"{self._deployment_id}-{secrets.token_hex(16)}"
        identity = ServerIdentity(self._endpoint, self.name, instance_id)
        return ModelServer(self._cloud, self._spec, identity, self._pool.forget)

    def _peaks_bytes(self) -> list[int]:
        watches = [server.memory for server in self._pool.servers if server.memory]
        return [peak for watch in watches if (peak := watch.take_peak_bytes())]

    def _end(self, grace_s: float) -> None:
        self._metrics.close()
        self._pool.close(grace_s)

    def _exited_text(self) -> str:
        console = f"https://{self._cloud.region}.console.aws.amazon.com/cloudwatch/home"
        return (
            f'Received server error (0) from model with message "{PROCESS_EXITED}". '
            f"See {console}?region={self._cloud.region}"
            f"#logEventViewer:group=/aws/sagemaker/Endpoints/{self._endpoint} "
            f"in account {self._cloud.account_id} for more information."
        )

    def _explain(self, failure: Exception) -> DeploymentFailed:
        """Return why the variant cannot be brought up: AWS's words, and then the cause.

        Source: FailureReason of serverless endpoints as public reports quote it; the last sentence
        on time is from memory.
        """
        if isinstance(failure, OutOfMemory):
            return DeploymentFailed(f"Ping failed due to insufficient memory. {failure}")
        if isinstance(failure, ServerExited):
            return DeploymentFailed(f"{self._exited_text()} {failure}")
        if isinstance(failure, ServerFailed):
            limit = f"{STARTUP_TIMEOUT_S:.0f} second"
            return DeploymentFailed(
                f"Unable to successfully stand up your model within the allotted {limit} timeout. "
                "Please ensure that downloading your model artifacts, starting your model "
                f"container and passing the ping health checks can be completed within {limit}s. "
                f"{failure}"
            )
        if isinstance(failure, Unavailable):
            return DeploymentFailed(str(failure))
        return DeploymentFailed(f"InternalServerError: The local cloud failed: {failure}")
