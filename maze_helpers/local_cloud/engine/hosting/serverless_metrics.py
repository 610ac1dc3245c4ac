"""What CloudWatch shows of a serverless variant, beside what it shows of every invocation.

Source: SageMaker guide, "Alarms and logs for tracking metrics from serverless endpoints". Nothing
is published while nothing runs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from maze_helpers.local_cloud.engine.hosting.invocation_metrics import InvocationMetrics
from maze_helpers.local_cloud.engine.hosting.serverless_settings import ServerlessSettings

PERIOD_S = 1.0


class ServerlessMetrics:
    """Publishes how many of the containers work, and how much of their memory they use."""

    def __init__(
        self,
        metrics: InvocationMetrics,
        endpoint: str,
        variant: str,
        settings: ServerlessSettings,
        in_flight: Callable[[], int],
        peaks_bytes: Callable[[], list[int]],
    ) -> None:
        """Begin, on a thread of its own.

        in_flight: how many requests there are. peaks_bytes: the most memory that each container
        has used since it was asked last.
        """
        self._metrics = metrics
        self._endpoint = endpoint
        self._variant = variant
        self._settings = settings
        self._in_flight = in_flight
        self._peaks_bytes = peaks_bytes
        self._active = threading.Event()
        self._closing = threading.Event()
        name = f"metrics of {endpoint}/{variant}"
        threading.Thread(target=self._publish_on, name=name, daemon=True).start()

    def arrived(self, in_flight: int) -> None:
        """Take note of a request. in_flight: how many there are, with it."""
        values = self._concurrency(in_flight)
        provisioned = self._settings.provisioned_concurrency
        if provisioned:
            spilled = in_flight > provisioned
            kind = "SpilloverInvocations" if spilled else "Invocations"
            values[f"ServerlessProvisionedConcurrency{kind}"] = 1
        self._record(values)
        if not self._active.is_set():
            self._active.set()

    def close(self) -> None:
        """Publish no more."""
        self._closing.set()
        self._active.set()

    def _publish_on(self) -> None:
        """Publish each second while there are requests: some take longer than that."""
        while self._active.wait() and not self._closing.wait(PERIOD_S):
            in_flight = self._in_flight()
            if in_flight:
                self._record(self._concurrency(in_flight))
            else:
                self._active.clear()
            limit_bytes = self._settings.memory_mb * 2**20
            for peak_bytes in self._peaks_bytes():
                self._record({"MemoryUtilization": 100 * peak_bytes / limit_bytes})

    def _concurrency(self, in_flight: int) -> dict[str, float]:
        """Return the metrics of how many requests there are, as fractions where they are shares."""
        values = {
            "ServerlessConcurrentExecutionsUtilization": in_flight / self._settings.max_concurrency
        }
        provisioned = self._settings.provisioned_concurrency
        if provisioned:
            executions = min(in_flight, provisioned)
            values["ServerlessProvisionedConcurrencyExecutions"] = executions
            values["ServerlessProvisionedConcurrencyUtilization"] = executions / provisioned
        return values

    def _record(self, values: dict[str, float]) -> None:
        self._metrics.record(self._endpoint, self._variant, values)
