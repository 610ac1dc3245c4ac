"""InvokeEndpoint on serverless endpoints: smaller bodies, throttling, cold starts measured."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
from deployer import Deployer, variant
from echo_endpoint import EchoEndpoint, echo_model
from model_servers import until

MIB = 1024**2


@pytest.fixture(scope="module")
def echo(local_cloud):
    deployer = Deployer(local_cloud)
    serverless = {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}}
    name = deployer.endpoint(deployer.config(variant(echo_model(deployer), **serverless)))
    endpoint = deployer.settle(name)
    assert endpoint["EndpointStatus"] == "InService", endpoint
    yield EchoEndpoint(deployer, name)
    deployer.delete(name)


def statistic(echo: EchoEndpoint, name: str, kind: str) -> float:
    now = datetime.now(timezone.utc)
    points = echo.deployer.cloud.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName=name,
        Dimensions=[
            {"Name": "EndpointName", "Value": echo.name},
            {"Name": "VariantName", "Value": "AllTraffic"},
        ],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=2),
        Period=7200,
        Statistics=[kind],
    )["Datapoints"]
    return sum(point[kind] for point in points)


def test_a_body_over_4_mb_is_oversize(echo):
    error = echo.error(bytes(4 * MIB + 1))
    request_id = error["ResponseMetadata"]["RequestId"]
    assert error["Error"]["Code"] == "ValidationError"
    assert error["Error"]["Message"] == f"Request {request_id} has oversize body."
    assert re.fullmatch(r"[0-9a-f-]{36}", request_id)
    assert len(echo.invoke(bytes(4 * MIB))["Body"]) == 4 * MIB


def test_an_answer_over_4_mb_is_a_models_error(echo):
    error = echo.error(bytes(MIB), "repeat 5")
    assert (error["Error"]["Code"], error["OriginalStatusCode"]) == ("ModelError", 0)


def test_more_requests_at_a_time_than_may_run_are_throttled_without_a_message(echo):
    errors = []
    # On a busy machine, one call may have ended before the other arrives.
    until(lambda: errors.extend(errors_of_two_calls(echo)) or errors)
    (caught,) = errors
    assert caught.response["Error"] == {"Code": "ThrottlingException", "Message": None}
    assert caught.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def errors_of_two_calls(echo: EchoEndpoint) -> list[BaseException]:
    with ThreadPoolExecutor(2) as both:
        calls = [both.submit(echo.invoke, b"slow", "sleep 0.5") for _ in range(2)]
    return [error for call in calls if (error := call.exception())]


def test_a_container_that_ends_has_exited(echo):
    error = echo.error(b"", "die")
    assert (error["Error"]["Code"], error["OriginalStatusCode"]) == ("ModelError", 0)
    assert "model process exited" in error["OriginalMessage"]


def test_cold_starts_are_measured_and_count_as_overhead(echo):
    echo.error(b"", "die")
    echo.invoke(b"cold again")
    deadline = time.monotonic() + 30
    while statistic(echo, "ModelSetupTime", "SampleCount") < 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    setup_us = statistic(echo, "ModelSetupTime", "Maximum")
    assert 10_000 < setup_us <= statistic(echo, "OverheadLatency", "Maximum")
    assert statistic(echo, "InvocationsPerInstance", "SampleCount") == 0
