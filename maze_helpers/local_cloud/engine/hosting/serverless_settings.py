"""What a serverless variant is given: by its configuration, AWS's rules and this machine."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

from maze_helpers.local_cloud.engine.hosting.endpoint_record import Document
from maze_helpers.local_cloud.engine.hosting.machine_memory import container_capacity
from maze_helpers.local_cloud.engine.hosting.server_spec import ServerSpec
from maze_helpers.local_cloud.errors import MazeError

IDLE_VARIABLE = "MAZE_SERVERLESS_IDLE_S"
# Differs from AWS: there, it is minutes, and nobody tells how many.
DEFAULT_IDLE_S = 60.0
# Source: SageMaker guide, "Deploy models with Amazon SageMaker Serverless Inference".
STARTUP_TIMEOUT_S = 180.0
# Source: Lambda guide, "Configure Lambda function memory". SageMaker's says only that vCPUs are in
# proportion to memory, and that Serverless Inference stands on Lambda.
MB_A_VCPU = 1769


@dataclass(frozen=True)
class ServerlessSettings:
    """A serverless variant's size.

    max_concurrency, provisioned_concurrency: as configured. capacity: how many containers run at
    the same time at most, which this machine's memory may make fewer than max_concurrency.
    """

    memory_mb: int
    max_concurrency: int
    provisioned_concurrency: int
    capacity: int

    @classmethod
    def of(cls, config: Document) -> "ServerlessSettings":
        """Return the settings of a ProductionVariantServerlessConfig on this machine."""
        memory_mb, max_concurrency = config["MemorySizeInMB"], config["MaxConcurrency"]
        return cls(
            memory_mb=memory_mb,
            max_concurrency=max_concurrency,
            provisioned_concurrency=config.get("ProvisionedConcurrency", 0),
            capacity=min(max_concurrency, container_capacity(memory_mb * 2**20)),
        )

    @property
    def vcpus(self) -> float:
        """A container's share of vCPUs."""
        return self.memory_mb / MB_A_VCPU

    @property
    def thread_count(self) -> int:
        """How many threads numerical libraries use: no more than the vCPUs, but at least 1."""
        return max(1, min(int(self.vcpus), os.cpu_count() or 1))

    def spec(self, spec: ServerSpec) -> ServerSpec:
        """Return what each container runs."""
        return replace(
            spec,
            # Source: SageMaker guide: one worker, and one copy of the model, in each container.
            workers=1,
            memory_limit_mb=self.memory_mb,
            thread_count=self.thread_count,
            startup_timeout_s=STARTUP_TIMEOUT_S,
            first_lines=self._first_lines(),
        )

    def _first_lines(self) -> tuple[str, ...]:
        """Return what each container's log begins with."""
        size = (
            f"Serverless container: {self.memory_mb} MB of memory, a limit that is enforced; "
            f"{self.vcpus:.2f} vCPU, a share that is not enforced on this machine: numerical "
            f"libraries use {self.thread_count} thread{'s' if self.thread_count > 1 else ''}."
        )
        if self.capacity == self.max_concurrency:
            return (size,)
        capped = (
            f"At most {self.capacity} of such containers run at a time, as this machine has "
            f"memory for no more: further requests are throttled, although MaxConcurrency is "
            f"{self.max_concurrency}."
        )
        return size, capped


def idle_time_s(environment: Mapping[str, str]) -> float:
    """Return after how many seconds without a request a container is stopped.

    Raises: MazeError, if MAZE_SERVERLESS_IDLE_S is not a number of seconds.
    """
    text = environment.get(IDLE_VARIABLE, str(DEFAULT_IDLE_S))
    try:
        idle_s = float(text)
    except ValueError:
        idle_s = math.nan
    if not 0 < idle_s < math.inf:
        raise MazeError(
            f"{IDLE_VARIABLE} is '{text}': set it to a number of seconds above 0, or unset it."
        )
    return idle_s
