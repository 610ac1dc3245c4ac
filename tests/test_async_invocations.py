"""InvokeEndpointAsync: what is acknowledged is answered to S3, whatever happens to the server."""

import asyncio
import itertools
import json
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from deployer import BUCKET, ROLE, Deployer
from echo_endpoint import EchoEndpoint, echo_endpoint

from maze_helpers.local_cloud.cloud import LocalCloud
from maze_helpers.local_cloud.engine.hosting.async_inference import AsyncInference
from maze_helpers.local_cloud.engine.hosting.async_queue import AsyncRequest

PREDICT = """
import json, os, sys, boto3, numpy as np, sagemaker
from sagemaker.async_inference import WaiterConfig
from sagemaker.exceptions import AsyncInferenceModelError
from sagemaker.predictor import Predictor
from sagemaker.predictor_async import AsyncPredictor
from sagemaker import serializers as s, deserializers as d

session = sagemaker.session.Session(boto_session=boto3.Session())
rows = np.arange(640.0).reshape(10, 64)
npy = Predictor(sys.argv[1], session, s.NumpySerializer(), d.NumpyDeserializer())
predictor = AsyncPredictor(npy, name="rows")
soon = WaiterConfig(max_attempts=300, delay=0.1)
whole = np.array_equal(predictor.predict(rows, waiter_config=soon), rows)
response = predictor.predict_async(rows)
later = np.array_equal(response.get_result(soon), rows)
text = Predictor(sys.argv[1], session, s.JSONSerializer(), d.BytesDeserializer())
failing = {"CustomAttributes": "status 500 x"}
try:
    AsyncPredictor(text).predict({"a": 1}, initial_args=failing, waiter_config=soon)
except AsyncInferenceModelError as error:
    failure = str(error)
print("RESULT", json.dumps([whole, later, failure]), flush=True)
# The SDK's thread that waits for the output of a failure would do so to its end.
os._exit(0)
"""
_numbers = itertools.count()


def output_config(**members: str) -> dict:
    output = {"S3OutputPath": f"s3://{BUCKET}/out/", "S3FailurePath": f"s3://{BUCKET}/failed"}
    return {"AsyncInferenceConfig": {"OutputConfig": output | members}}


@pytest.fixture(scope="module")
def echo(local_cloud):
    with echo_endpoint(local_cloud, **output_config()) as endpoint:
        yield endpoint


def submit(echo: EchoEndpoint, body: bytes = b"input", command: str = "", **members) -> dict:
    """Send a request whose input is in S3; return the answer."""
    if command:
        members["CustomAttributes"] = command
    if "Body" not in members and "InputLocation" not in members:
        members["InputLocation"] = echo.deployer.put(f"input-{next(_numbers)}", body)
    return echo.runtime.invoke_endpoint_async(EndpointName=echo.name, **members)


def key_of(location: str) -> str:
    return location.removeprefix(f"s3://{BUCKET}/")


def wait_for(deployer: Deployer, location: str) -> dict:
    """Return an S3 object, once it is there."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return deployer.s3.get_object(Bucket=BUCKET, Key=key_of(location))
        except ClientError as error:
            assert error.response["Error"]["Code"] == "NoSuchKey" and time.monotonic() < deadline
            time.sleep(0.02)


def test_the_output_lies_where_the_answer_says(echo):
    answer = submit(echo, b"anything", Accept="a/b")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert answer["OutputLocation"] == f"s3://{BUCKET}/out/{answer['InferenceId']}.out"
    assert answer["FailureLocation"] == f"s3://{BUCKET}/failed/{answer['InferenceId']}-error.out"
    output = wait_for(echo.deployer, answer["OutputLocation"])
    assert (output["Body"].read(), output["ContentType"]) == (b"anything", "a/b")


def test_the_request_names_its_output(echo):
    answer = submit(echo, InferenceId="mine", S3OutputPathExtension="a/b", Filename="file.txt")
    assert answer["InferenceId"] == "mine"
    assert answer["OutputLocation"] == f"s3://{BUCKET}/out/a/b/file.txt"
    assert wait_for(echo.deployer, answer["OutputLocation"])["Body"].read() == b"input"


def test_the_input_may_come_with_the_request(echo):
    body = bytes(range(256)) * 500
    answer = submit(echo, Body=body, ContentType="x/y")
    assert wait_for(echo.deployer, answer["OutputLocation"])["Body"].read() == body


def test_the_inputs_media_type_is_the_requests_or_its_objects(echo):
    key = "input-with-type"
    echo.deployer.s3.put_object(Bucket=BUCKET, Key=key, Body=b"", ContentType="from/object")
    location = f"s3://{BUCKET}/{key}"
    for members, expected in (({}, b"from/object"), ({"ContentType": "from/call"}, b"from/call")):
        answer = submit(echo, command="header CONTENT_TYPE", InputLocation=location, **members)
        assert wait_for(echo.deployer, answer["OutputLocation"])["Body"].read() == expected


def test_a_models_error_lies_where_failures_go(echo):
    answer = submit(echo, b"why", "status 500 Oops", Accept="a/b")
    failure = wait_for(echo.deployer, answer["FailureLocation"])
    assert (failure["Body"].read(), failure["ContentType"]) == (b"why", "a/b")


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"InputLocation": f"s3://{BUCKET}/not-there"}, "could not be read"),
        ({"CustomAttributes": "die"}, "closed the connection"),
        ({"CustomAttributes": "sleep 30", "InvocationTimeoutSeconds": 1}, "within 1 s"),
    ],
)
def test_a_request_without_an_answer_leaves_a_failure(echo, members, words):
    answer = submit(echo, **members)
    assert words in wait_for(echo.deployer, answer["FailureLocation"])["Body"].read().decode()


def test_a_request_that_waited_too_long_leaves_a_failure(tmp_path):
    cloud = LocalCloud(tmp_path, "http://127.0.0.1:1")
    cloud.objects.create_bucket(BUCKET)
    request = AsyncRequest(
        endpoint="e",
        received_s=time.time() - 61,
        headers={},
        input_location=None,
        body=b"late",
        output_location=f"s3://{BUCKET}/output",
        failure_location=f"s3://{BUCKET}/failure",
        ttl_s=60,
        timeout_s=60,
    )
    never_asked = SimpleNamespace(name="v", role_arn=ROLE)
    with closing(cloud), ThreadPoolExecutor(1) as executor:
        asyncio.run(AsyncInference(cloud, executor, request, never_asked).run())
        with cloud.objects.open(BUCKET, "failure") as failure:
            assert b"waited too long" in failure.read()


@pytest.mark.slow
def test_cloudwatch_counts_and_times_the_requests(local_cloud):
    with echo_endpoint(local_cloud, **output_config()) as echo:
        for command in ("", "sleep 2.5", "status 400 Bad"):  # the queue is measured each second
            answer = submit(echo, command=command)
            kind = "FailureLocation" if "status" in command else "OutputLocation"
            wait_for(echo.deployer, answer[kind])
        expected = {
            "InvocationsProcessed": 2,
            "InvocationFailures": 1,
            "Invocation4XXErrors": 1,
            "Invocation5XXErrors": 0,
        }
        deadline = time.monotonic() + 30
        while sums(local_cloud, echo.name, expected) != expected and time.monotonic() < deadline:
            time.sleep(0.05)
        assert sums(local_cloud, echo.name, expected) == expected
        times = ("ModelLatency", "RequestDownloadLatency", "TimeInBacklog", "TotalProcessingTime")
        assert all(sums(local_cloud, echo.name, times).values())
        assert sums(local_cloud, echo.name, ["Invocations"]) == {"Invocations": 0}
        deadline = time.monotonic() + 30
        while not backlog(local_cloud, echo.name) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert backlog(local_cloud, echo.name) > 0


def sums(cloud, endpoint: str, names) -> dict[str, float]:
    both = {"EndpointName": endpoint, "VariantName": "AllTraffic"}
    return {name: statistic(cloud, name, both, "Sum") for name in names}


def backlog(cloud, endpoint: str) -> float:
    return statistic(cloud, "ApproximateBacklogSize", {"EndpointName": endpoint}, "Maximum")


def statistic(cloud, name: str, dimensions: dict[str, str], kind: str) -> float:
    now = datetime.now(timezone.utc)
    points = cloud.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=2),
        Period=7200,
        Statistics=[kind],
    )["Datapoints"]
    return sum(point[kind] for point in points)


@pytest.mark.parametrize("end", ["kill", pytest.param("stop", marks=pytest.mark.slow)])
def test_what_was_acknowledged_survives_the_end_of_the_server(new_cloud, end):
    with echo_endpoint(new_cloud, **output_config()) as echo:
        answers = [submit(echo, b"%d" % n, "sleep 0.2") for n in range(10)]
        getattr(new_cloud, end)()
        new_cloud.start()
        for number, answer in enumerate(answers):
            output = wait_for(echo.deployer, answer["OutputLocation"])
            assert output["Body"].read() == b"%d" % number


def test_requests_wait_while_no_server_is_up(new_cloud):
    with echo_endpoint(new_cloud, **output_config()) as echo:
        source = new_cloud.client("s3").get_object(Bucket=BUCKET, Key="echo/sourcedir.tar.gz")
        archive = source["Body"].read()
        new_cloud.client("s3").delete_object(Bucket=BUCKET, Key="echo/sourcedir.tar.gz")
        new_cloud.restart()
        answer = submit(echo, b"patient")
        echo.deployer.put("echo/sourcedir.tar.gz", archive)
        assert wait_for(echo.deployer, answer["OutputLocation"])["Body"].read() == b"patient"


def test_an_endpoint_takes_its_requests_with_it(local_cloud):
    with echo_endpoint(local_cloud, **output_config()) as echo:
        for _ in range(20):
            submit(echo, b"slow", "sleep 0.5")
        assert waiting(local_cloud, echo.name) > 0
    assert waiting(local_cloud, echo.name) == 0


def waiting(cloud, endpoint: str) -> int:
    """Return how many of an endpoint's requests are in the queue."""
    with closing(sqlite3.connect(cloud.home / "cloud.db")) as db:
        query = "SELECT COUNT(*) FROM sagemaker_async_requests WHERE endpoint = ?"
        return db.execute(query, (endpoint,)).fetchone()[0]


def refusal(call, **members) -> str:
    with pytest.raises(ClientError) as caught:
        call(**members)
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    return caught.value.response["Error"]["Message"]


def test_each_kind_of_endpoint_is_invoked_by_its_own_operation(echo, local_cloud):
    with echo_endpoint(local_cloud) as synchronous:
        runtime, location = echo.runtime, f"s3://{BUCKET}/input"
        message = refusal(runtime.invoke_endpoint, EndpointName=echo.name, Body=b"")
        assert "Invoke it with InvokeEndpointAsync" in message
        call = runtime.invoke_endpoint_async
        message = refusal(call, EndpointName=synchronous.name, InputLocation=location)
        assert "is not an asynchronous endpoint" in message


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({}, "exactly one of Body and InputLocation"),
        ({"Body": b"1", "InputLocation": "s3://a/b"}, "exactly one of Body and InputLocation"),
        ({"Body": bytes(128_001)}, "less than or equal to 128000"),
        ({"InputLocation": "file:///a"}, "'inputLocation' failed to satisfy constraint"),
        ({"InputLocation": "https://a/b"}, "reads S3 URIs as s3://bucket/key"),
        ({"Body": b"1", "RequestTTLSeconds": 21601}, "'requestTTLSeconds'"),
        ({"Body": b"1", "Filename": "a/b"}, "'filename'"),
    ],
)
def test_a_request_that_is_not_right_is_told_how(echo, members, words):
    call = echo.runtime.invoke_endpoint_async
    assert words in refusal(call, EndpointName=echo.name, **members)


def test_an_endpoint_that_is_not_there_is_not_found(echo):
    call = echo.runtime.invoke_endpoint_async
    message = refusal(call, EndpointName="nowhere", InputLocation="s3://a/b")
    assert message == "Endpoint nowhere of account 111122223333 not found."


@pytest.mark.slow
def test_the_sdks_async_predictor_waits_for_its_output_and_for_failures(echo, tmp_path):
    (tmp_path / "predict.py").write_text(PREDICT)
    done = subprocess.run(
        [sys.executable, "predict.py", echo.name],
        cwd=tmp_path,
        env=echo.deployer.cloud.env,
        capture_output=True,
        text=True,
    )
    assert "RESULT" in done.stdout, done.stderr
    whole, later, failure = json.loads(done.stdout.partition("RESULT")[2])
    assert whole and later
    assert '{"a": 1}' in failure
