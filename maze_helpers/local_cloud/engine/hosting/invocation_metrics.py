"""The metrics of invocations: added up a second at a time, and stored while nobody waits."""

import logging
import sqlite3
import threading
from collections.abc import Mapping

from maze_helpers.local_cloud.clock import Clock
from maze_helpers.local_cloud.services.cloudwatch import Datum, MetricStore

log = logging.getLogger(__name__)

NAMESPACE = "AWS/SageMaker"
FLUSH_PERIOD_S = 0.5
# Source: SageMaker guide, "Amazon SageMaker AI metrics in Amazon CloudWatch", and the pages on
# monitoring serverless and asynchronous endpoints. What is not here has the unit "None".
UNITS = {
    "ModelLatency": "Microseconds",
    "OverheadLatency": "Microseconds",
    "ModelSetupTime": "Microseconds",
    "MemoryUtilization": "Percent",
    "ServerlessProvisionedConcurrencyExecutions": "Count",
    "ServerlessProvisionedConcurrencyInvocations": "Count",
    "ServerlessProvisionedConcurrencySpilloverInvocations": "Count",
    "ApproximateBacklogSize": "Count",
    "ApproximateBacklogSizePerInstance": "Count",
    "ApproximateAgeOfOldestRequest": "Seconds",
    "HasBacklogWithoutCapacity": "Count",
    "RequestDownloadFailures": "Count",
    "ResponseUploadFailures": "Count",
    "RequestDownloadLatency": "Microseconds",
    "ResponseUploadLatency": "Microseconds",
    "ExpiredRequests": "Count",
    "InvocationFailures": "Count",
    "InvocationsProcessed": "Count",
    "TimeInBacklog": "Milliseconds",
    "TotalProcessingTime": "Milliseconds",
}


class _Samples:
    """The samples of one metric in one second."""

    __slots__ = ("count", "largest", "least", "sum")

    def __init__(self, value: float) -> None:
        self.count = 1
        self.sum = self.least = self.largest = value

    def add(self, value: float) -> None:
        """Take in one more."""
        self.count += 1
        self.sum += value
        if value < self.least:
            self.least = value
        elif value > self.largest:
            self.largest = value


# By second since the epoch, endpoint, variant ("" for the endpoint as a whole) and metric.
Pending = dict[tuple[int, str, str], dict[str, _Samples]]


class InvocationMetrics:
    """Takes the measurements of invocations, from any thread, and stores them soon after."""

    def __init__(self, metrics: MetricStore, clock: Clock) -> None:
        self._metrics = metrics
        self._clock = clock
        self._lock = threading.Lock()
        self._pending: Pending = {}
        self._recorded = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._flush_on, name="invocation metrics")
        self._thread.daemon = True
        self._thread.start()

    def record(self, endpoint: str, variant: str, values: Mapping[str, float]) -> None:
        """Take one value of each of some metrics.

        variant: "" for a metric of the endpoint as a whole.
        """
        key = (int(self._clock.time_s()), endpoint, variant)
        with self._lock:
            samples = self._pending.setdefault(key, {})
            for name, value in values.items():
                if name in samples:
                    samples[name].add(value)
                else:
                    samples[name] = _Samples(value)
        if not self._recorded.is_set():
            self._recorded.set()

    def flush(self) -> None:
        """Store what was recorded."""
        self._recorded.clear()
        with self._lock:
            pending, self._pending = self._pending, {}
        data = [
            _datum(key, name, samples)
            for key, by_name in pending.items()
            for name, samples in by_name.items()
        ]
        if data:
            self._metrics.put_many(NAMESPACE, data)

    def close(self) -> None:
        """Store what was recorded last, and end."""
        self._closing.set()
        self._recorded.set()
        self._thread.join()
        self.flush()

    def _flush_on(self) -> None:
        while not self._closing.is_set():
            self._recorded.wait()
            self._closing.wait(FLUSH_PERIOD_S)
            try:
                self.flush()
            except sqlite3.Error:
                log.exception("a second's metrics of invocations could not be stored")


def _datum(key: tuple[int, str, str], name: str, samples: _Samples) -> Datum:
    second, endpoint, variant = key
    return Datum(
        metric_name=name,
        dimensions={"EndpointName": endpoint, **({"VariantName": variant} if variant else {})},
        timestamp_s=second,
        sample_count=samples.count,
        sum=samples.sum,
        minimum=samples.least,
        maximum=samples.largest,
        unit=UNITS.get(name, "None"),
    )
