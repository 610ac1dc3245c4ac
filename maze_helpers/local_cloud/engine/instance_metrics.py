"""What a container's samples are in CloudWatch."""

from collections.abc import Mapping

from maze_helpers.local_cloud.engine.sampling import Sample
from maze_helpers.local_cloud.services.cloudwatch import Datum


def instance_metrics(sample: Sample, dimensions: Mapping[str, str]) -> list[Datum]:
    """Return a sample as the metrics of the instance that the container stands for.

    Differs from AWS: an instance is all of this machine, whatever its type; what runs beside the
    container is not counted.
    Source: "SageMaker AI jobs and endpoint metrics" in Amazon CloudWatch's documentation.
    """
    values = {
        "CPUUtilization": sample.cpu_percent,
        "MemoryUtilization": sample.memory_percent,
        "DiskUtilization": sample.disk_percent,
    }
    return [
        Datum.of(name, dimensions, value, sample.timestamp_s, "Percent")
        for name, value in values.items()
    ]
