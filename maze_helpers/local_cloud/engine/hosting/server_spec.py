"""What a model server runs, and which one it is."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from maze_helpers.local_cloud.engine.hosting.model_data import ModelData
from maze_helpers.local_cloud.engine.images import Image

# Source: SageMaker guide, "How Containers Should Respond to Health Check (Ping) Requests".
STARTUP_TIMEOUT_S = 8 * 60.0
_VCPUS_OF_XLARGE = 4
_SMALL = {"medium": 2, "large": 2, "xlarge": _VCPUS_OF_XLARGE}


@dataclass(frozen=True)
class ServerSpec:
    """What a model server runs.

    model_data: None for a model without. environment: the model's own variables, which win over
    those that are set here. workers: of the HTTP server, unless the environment says it.
    memory_limit_mb: of all its processes together, None for the machine's. thread_count: for
    numerical libraries, None for their default. startup_timeout_s: until the first good ping.
    first_lines: what its log begins with.
    """

    image: Image
    role_arn: str
    model_data: ModelData | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    workers: int = 1
    memory_limit_mb: int | None = None
    thread_count: int | None = None
    startup_timeout_s: float = STARTUP_TIMEOUT_S
    first_lines: tuple[str, ...] = ()

    @property
    def memory_limit_bytes(self) -> int | None:
        """The memory limit in bytes: AWS's MB are of 1,048,576 bytes."""
        return None if self.memory_limit_mb is None else self.memory_limit_mb * 2**20


@dataclass(frozen=True)
class ServerIdentity:
    """Which server it is. instance_id: as of an EC2 instance, unique."""

    endpoint: str
    variant: str
    instance_id: str = field(default_factory=lambda: f"i-0{secrets.token_hex(8)}")

    @property
    def log_group(self) -> str:
        """Where its output goes."""
        return f"/aws/sagemaker/Endpoints/{self.endpoint}"

    @property
    def log_stream(self) -> str:
        """The stream that is its own."""
        return f"{self.variant}/{self.instance_id}"

    @property
    def dimensions(self) -> dict[str, str]:
        """The dimensions of its variant's metrics."""
        return {"EndpointName": self.endpoint, "VariantName": self.variant}


def vcpus(instance_type: str) -> int:
    """Return how many vCPUs an instance type has.

    Example: "ml.m5.2xlarge" has 8. Nearly all types have 4 for each "xlarge"; for the few that
    differ, such as ml.p2.xlarge and ml.t2.medium, it is near enough.
    """
    size = instance_type.rpartition(".")[2]
    multiple = size.removesuffix("xlarge")
    return _SMALL.get(size) or _VCPUS_OF_XLARGE * int(multiple)


def worker_count(instance_type: str) -> int:
    """Return how many workers serve on an instance: one a vCPU, as far as this machine has them.

    Source: aws/sagemaker-scikit-learn-container: SAGEMAKER_MODEL_SERVER_WORKERS.
    """
    return min(vcpus(instance_type), os.cpu_count() or 1)
