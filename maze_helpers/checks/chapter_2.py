"""The checks of chapter 2: the digits model, served."""

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import numpy as np
from botocore.exceptions import ClientError

from maze_helpers import data
from maze_helpers.checks.check import Check, Missing
from maze_helpers.checks.endpoints import calls_counted, in_service, require_status
from maze_helpers.checks.model import ACCURACY_NEEDED
from maze_helpers.instances import instance_logs

# A load test in name only sends fewer calls than this.
CALLS_NEEDED = 100
LEAST_MEMORY_MB = 1024
INSTANCES_NEEDED = 2


def _look_at_task_1(session: boto3.Session, endpoint_name: str) -> str:
    endpoint, config = in_service(session, endpoint_name)
    variant = config["ProductionVariants"][0]
    if "ServerlessConfig" in variant:
        raise Missing(
            f"{endpoint_name} is serverless; this task asks for one on an instance: "
            "deploy(initial_instance_count=1, instance_type='ml.m5.large')."
        )
    accuracy = _read_digits(session, endpoint_name)
    count = endpoint["ProductionVariants"][0].get("CurrentInstanceCount", 1)
    return (
        f"{endpoint_name} answers on {count} {variant['InstanceType']} and reads {accuracy:.1%} "
        "of the held-out digits."
    )


def _look_at_task_2(session: boto3.Session, endpoint_name: str) -> str:
    _, config = in_service(session, endpoint_name)
    serverless = config["ProductionVariants"][0].get("ServerlessConfig")
    if serverless is None:
        raise Missing(
            f"{endpoint_name} runs on an instance: deploy(serverless_inference_config="
            "ServerlessInferenceConfig(memory_size_in_mb=1024)) needs none."
        )
    if serverless["MemorySizeInMB"] > LEAST_MEMORY_MB:
        raise Missing(
            f"{endpoint_name} gets {serverless['MemorySizeInMB']} MB; the task asks for the least "
            f"there is: memory_size_in_mb={LEAST_MEMORY_MB}."
        )
    accuracy = _read_digits(session, endpoint_name)
    calls = calls_counted(session, "Invocations", endpoint_name, "AllTraffic", CALLS_NEEDED)
    if calls < CALLS_NEEDED:
        raise Missing(
            f"CloudWatch has counted {calls:.0f} calls of {endpoint_name}; a load test makes "
            f"{CALLS_NEEDED} at least."
        )
    return (
        f"{endpoint_name} reads {accuracy:.1%} of the held-out digits in "
        f"{serverless['MemorySizeInMB']} MB, and has answered {calls:.0f} calls."
    )


def _look_at_task_3(session: boto3.Session, job_name: str) -> str:
    job = _completed_transform(session, job_name)
    logs = instance_logs(session, job_name)
    served = {name: sum("/invocations" in line for line in lines) for name, lines in logs.items()}
    idle = [name for name, requests in served.items() if not requests]
    if len(served) < INSTANCES_NEEDED:
        raise Missing(
            f"{job_name} ran on {len(served)} instance; the task asks for two: "
            "transformer(instance_count=2)."
        )
    if idle:
        raise Missing(
            f"{len(idle)} of the {len(served)} instances had no request: an object keeps one "
            "instance busy, so give the job more objects than one."
        )
    source = job["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
    inputs, outputs = (
        _count_objects(session, uri) for uri in (source, job["TransformOutput"]["S3OutputPath"])
    )
    if outputs < inputs:
        raise Missing(f"{job_name} left {outputs} objects for the {inputs} of its input.")
    return (
        f"{job_name} had {len(served)} instances, and each of them answered: "
        f"{inputs} objects, {sum(served.values())} requests."
    )


def _completed_transform(session: boto3.Session, job_name: str) -> dict[str, Any]:
    """Return the job's description; raise Missing, unless it is Completed."""
    try:
        job = session.client("sagemaker").describe_transform_job(TransformJobName=job_name)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ValidationException", "ResourceNotFound"):
            raise
        raise Missing(
            f"There is no transform job {job_name}: has transform() run, and is it its name?"
        ) from error
    require_status(job_name, job, job["TransformJobStatus"], "Completed")
    return job


def _count_objects(session: boto3.Session, uri: str) -> int:
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    pages = session.client("s3").get_paginator("list_objects_v2")
    return sum(page["KeyCount"] for page in pages.paginate(Bucket=bucket, Prefix=prefix))


def _read_digits(session: boto3.Session, endpoint_name: str) -> float:
    """Return the share of the held-out digits that the endpoint reads; raise Missing, if low."""
    _, test = data.digits()
    truth = test[data.LABEL].to_numpy()
    pixels = test[data.PIXELS].to_numpy()
    refusals = []
    for content_type, encode in _ENCODINGS.items():
        try:
            answer = session.client("sagemaker-runtime").invoke_endpoint(
                EndpointName=endpoint_name,
                ContentType=content_type,
                Accept="application/json",
                Body=encode(pixels),
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "ThrottlingException":
                raise Missing(
                    f"{endpoint_name} is busy and refuses the check's call: let your load test "
                    "end, and check again."
                ) from error
            if code != "ModelError":
                raise
            refusals.append(error.response["Error"]["Message"].splitlines()[0])
            continue
        found = list(_predictions(answer["Body"].read(), len(truth)))
        if not found:
            raise Missing(
                f"{endpoint_name} answers {content_type}, but not with JSON that holds a digit "
                "for each image."
            )
        # An answer may hold other numbers as well, such as confidences that are all 1.
        return _judge(max(float(np.mean(digits == truth)) for digits in found), len(truth))
    raise Missing(
        f"{endpoint_name} takes the digits neither as npy nor as CSV or JSON: {refusals[0]}"
    )


def _judge(accuracy: float, count: int) -> float:
    if accuracy < ACCURACY_NEEDED:
        raise Missing(
            f"The endpoint reads {accuracy:.1%} of {count} held-out digits; {ACCURACY_NEEDED:.0%} "
            "are needed: does it serve the model of chapter 1?"
        )
    return accuracy


def _npy(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, pixels)
    return buffer.getvalue()


def _csv(pixels: np.ndarray) -> bytes:
    return "\n".join(",".join(map(str, row)) for row in pixels).encode()


def _json(pixels: np.ndarray) -> bytes:
    return json.dumps(pixels.tolist()).encode()


# What a custom input_fn may leave of the default formats: each is tried.
_ENCODINGS: dict[str, Callable[[np.ndarray], bytes]] = {
    "application/x-npy": _npy,
    "text/csv": _csv,
    "application/json": _json,
}


def _predictions(body: bytes, count: int) -> Iterator[np.ndarray]:
    """Yield whatever in an answer may be that many digits, however it wraps them."""
    try:
        answer = json.loads(body)
    except ValueError:
        return
    for found in _lists(answer):
        numbers = _numbers(found)
        if numbers is not None and len(numbers) == count:
            yield numbers


def _lists(value: Any) -> Iterator[list]:
    """Yield every list of an answer, and each column of a list of objects."""
    if isinstance(value, dict):
        for member in value.values():
            yield from _lists(member)
    if isinstance(value, list):
        yield value
        if value and all(isinstance(row, dict) for row in value):
            for name in value[0]:
                yield [row.get(name) for row in value]


def _numbers(values: list) -> np.ndarray | None:
    """Return values that are digits as numbers, or None; ["3"] and [[3]] count as 3."""
    try:
        numbers = np.array(values, dtype=float).reshape(len(values), -1)
    except (TypeError, ValueError):
        return None
    if numbers.shape[1] != 1 or not np.isin(numbers, range(10)).all():
        return None
    return numbers[:, 0]


task_1 = Check(
    "chapter 2, task 1",
    "A real-time endpoint reads the held-out digits.",
    _look_at_task_1,
)
task_2 = Check(
    "chapter 2, task 2",
    "A serverless endpoint with the least memory has been through a load test.",
    _look_at_task_2,
)
task_3 = Check(
    "chapter 2, task 3",
    "A batch transform job on two instances, and both of them at work.",
    _look_at_task_3,
)
