"""What the instances of a batch transform job did: their logs and their CPU, each by itself."""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import boto3

from maze_helpers.local_cloud.errors import MazeError

# The log group of transform jobs, and the namespace of their instances' metrics.
GROUP = "/aws/sagemaker/TransformJobs"
DATA_LOG = "/data-log"
# How far the logs may be behind the job.
BEHIND_S, PAUSE_S = 60.0, 1.0


def instance_logs(session: boto3.Session, job_name: str) -> dict[str, list[str]]:
    """Return what the container on each instance has logged, by the instance's id.

    An instance that had nothing to do is among them. Raises: MazeError, if not all have a log.
    """
    logs = session.client("logs")
    job = session.client("sagemaker").describe_transform_job(TransformJobName=job_name)
    count = job["TransformResources"]["InstanceCount"]
    deadline_s = time.monotonic() + BEHIND_S
    while len(streams := _streams(logs, job_name, data_logs=False)) < count:
        if time.monotonic() > deadline_s:
            raise MazeError(
                f"{job_name} has {count} instances, but CloudWatch has the logs of "
                f"{len(streams)}: has the job started, and is it not too long ago?"
            )
        time.sleep(PAUSE_S)
    return {_instance_id(stream): _lines(logs, stream) for stream in streams}


def data_log(session: boto3.Session, job_name: str) -> list[str]:
    """Return what SageMaker itself has logged of the instances' work."""
    logs = session.client("logs")
    streams = _streams(logs, job_name, data_logs=True)
    return [line for stream in streams for line in _lines(logs, stream)]


def cpu(
    session: boto3.Session, job_name: str, instance_id: str, period_s: int = 60
) -> tuple[Sequence[datetime], Sequence[float]]:
    """Return when an instance's CPU was measured, and how much of it was used, in percent.

    100 is one core. period_s: of how many seconds each value is the average; AWS measures once a
    minute, the local cloud twice a second.
    """
    job = session.client("sagemaker").describe_transform_job(TransformJobName=job_name)
    answer = session.client("cloudwatch").get_metric_statistics(
        Namespace=GROUP,
        MetricName="CPUUtilization",
        Dimensions=[{"Name": "Host", "Value": f"{job_name}/{instance_id}"}],
        StartTime=job["CreationTime"] - timedelta(minutes=1),
        EndTime=job["TransformEndTime"] + timedelta(minutes=1),
        Period=period_s,
        Statistics=["Average"],
    )
    points = sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])
    return [point["Timestamp"] for point in points], [point["Average"] for point in points]


def _streams(logs: Any, job_name: str, data_logs: bool) -> list[str]:
    try:
        pages = list(
            logs.get_paginator("describe_log_streams").paginate(
                logGroupName=GROUP, logStreamNamePrefix=f"{job_name}/"
            )
        )
    except logs.exceptions.ResourceNotFoundException:
        return []  # No transform job has logged anything yet.
    names = [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
    return [name for name in names if name.endswith(DATA_LOG) == data_logs]


def _instance_id(stream: str) -> str:
    """Return the id in a stream's name: 'job/i-0123-1764000000' gives 'i-0123'."""
    return stream.rpartition("/")[2].rpartition("-")[0]


def _lines(logs: Any, stream: str) -> list[str]:
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=GROUP, logStreamNames=[stream]
    )
    return [event["message"] for page in pages for event in page["events"]]
