"""InvokeEndpoint: what goes in reaches the model, and what the model says comes back."""

import json
import os
import socket
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from deployer import Deployer, variant
from echo_endpoint import echo_endpoint, echo_model
from hypothesis import given
from hypothesis import strategies as st
from signed_requests import send

MIB = 1024**2
# What the scikit-learn image decodes before the user's code sees it.
TEXT_TYPES = ("application/json", "text/csv")
MEDIA_TYPES = st.from_regex(r"[a-z]{1,9}/[a-z0-9.+-]{1,20}", fullmatch=True).filter(
    lambda name: name not in TEXT_TYPES
)
# As a header's value carries it: visible characters, and blanks between them.
ATTRIBUTES = st.from_regex(r"[!-~]([ -~]{0,100}[!-~])?", fullmatch=True)

PREDICT = """
import sys, json, boto3, numpy as np, pandas as pd, sagemaker
from sagemaker.predictor import Predictor
from sagemaker import serializers as s, deserializers as d

session = sagemaker.session.Session(boto_session=boto3.Session())
rows = np.arange(1797 * 64, dtype=np.float64).reshape(1797, 64)

def echoed(serializer, deserializer, data):
    return Predictor(sys.argv[1], session, serializer, deserializer).predict(data)

results = {
    "json": echoed(s.JSONSerializer(), d.JSONDeserializer(), {"a": [1, None]}) == {"a": [1, None]},
    "csv": echoed(s.CSVSerializer(), d.CSVDeserializer(), [[1, 2], [3, 4]])
    == [["1", "2"], ["3", "4"]],
    "npy": np.array_equal(echoed(s.NumpySerializer(), d.NumpyDeserializer(), rows), rows),
    "frame": np.array_equal(
        echoed(s.NumpySerializer(), d.NumpyDeserializer(), pd.DataFrame(rows)), rows
    ),
    "bytes": echoed(s.IdentitySerializer(), d.BytesDeserializer(), bytes(256)) == bytes(256),
}
print("RESULT", json.dumps(results))
"""


@pytest.fixture(scope="module")
def echo(local_cloud):
    with echo_endpoint(local_cloud) as endpoint:
        yield endpoint


@pytest.mark.parametrize("size", [0, 1, 16_384, 70_000, 4 * MIB + 1, 25 * MIB])
def test_a_body_of_any_size_reaches_the_model_and_comes_back(echo, size):
    body = os.urandom(size)
    assert echo.invoke(body, ContentType="application/octet-stream")["Body"] == body


@given(body=st.binary(max_size=2000), kind=MEDIA_TYPES, accept=MEDIA_TYPES, attributes=ATTRIBUTES)
def test_any_body_types_and_attributes_come_back(echo, body, kind, accept, attributes):
    answer = echo.invoke(
        body, ContentType=kind, Accept=accept, CustomAttributes=f"echo {attributes}"
    )
    assert answer["Body"] == body
    assert answer["ContentType"] == accept
    assert answer["CustomAttributes"] == f"echo {attributes}"


def test_the_answer_names_the_variant_that_gave_it(echo):
    assert echo.invoke(b"")["InvokedProductionVariant"] == "AllTraffic"


@pytest.mark.parametrize(
    ("variable", "member", "value"),
    [
        ("CONTENT_TYPE", "ContentType", "a/b; c=d"),
        ("HTTP_ACCEPT", "Accept", "x/y, */*;q=0.1"),
        ("HTTP_X_AMZN_SAGEMAKER_INFERENCE_ID", "InferenceId", "id 1"),
        ("HTTP_X_AMZN_SAGEMAKER_CUSTOM_ATTRIBUTES", "CustomAttributes", None),
    ],
)
def test_the_container_gets_the_header(echo, variable, member, value):
    command = f"header {variable}"
    members = {member: value} if value else {}
    assert echo.invoke(b"", command, **members)["Body"].decode() == (value or command)


@pytest.mark.parametrize("variable", ["CONTENT_TYPE", "HTTP_ACCEPT", "HTTP_AUTHORIZATION"])
def test_the_container_gets_no_header_that_was_not_sent_for_it(echo, variable):
    assert echo.invoke(b"", f"header {variable}")["Body"] == b"none"


def test_a_request_may_come_in_http_chunks(echo, signer):
    path = f"/endpoints/{echo.name}/invocations"
    request = signer.request("POST", path, b"in chunks", service="sagemaker")
    headers = {**request.headers, "Transfer-Encoding": "chunked"}
    del headers["Content-Length"]
    chunks = b"5\r\nin ch\r\n4\r\nunks\r\n0\r\n\r\n"
    assert raw_post(signer, path, headers, chunks).endswith(b"\r\n\r\nin chunks")


def raw_post(signer, path: str, headers: dict, body: bytes) -> bytes:
    """Return the answer to a request whose every byte is as given."""
    url = urlsplit(signer.endpoint_url)
    texts = {
        name: value.decode() if isinstance(value, bytes) else value
        for name, value in headers.items()
    }
    head = f"POST {path} HTTP/1.1\r\nHost: {url.netloc}\r\nConnection: close\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in texts.items())
    with socket.create_connection((url.hostname, url.port), timeout=30) as connection:
        connection.sendall(head.encode() + b"\r\n" + body)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "application/cbor"])
def test_a_body_that_looks_like_another_protocols_is_the_models(echo, signer, content_type):
    path = f"/endpoints/{echo.name}/invocations"
    headers = {"Content-Type": content_type}
    request = signer.request("POST", path, b"Action=ListUsers", headers, service="sagemaker")
    answer = send(request)
    assert (answer.status, answer.body) == (200, b"Action=ListUsers")
    request = signer.request("POST", path + "-no", b"Action=x", headers, service="sagemaker")
    assert send(request).headers["content-type"] == "application/json"


def test_each_call_has_an_id_of_its_own(echo):
    ids = {echo.invoke(b"")["ResponseMetadata"]["RequestId"] for _ in range(3)}
    assert len(ids) == 3


def test_requests_are_shared_by_weight_unless_they_name_a_variant(local_cloud):
    deployer = Deployer(local_cloud)
    model = echo_model(deployer, workers=1)
    variants = [variant(model, "a", InitialVariantWeight=3.0), variant(model, "b")]
    name = deployer.endpoint(deployer.config(*variants))
    deployer.settle(name)
    runtime = local_cloud.client("sagemaker-runtime")

    def invoked(**members) -> str:
        answer = runtime.invoke_endpoint(EndpointName=name, Body=b"", **members)
        return answer["InvokedProductionVariant"]

    chosen = [invoked() for _ in range(200)]
    # Less than one run in a million gives other numbers.
    assert 110 < chosen.count("a") < 185 and chosen.count("b") == 200 - chosen.count("a")
    assert {invoked(TargetVariant="b") for _ in range(5)} == {"b"}
    deployer.delete(name)


@pytest.mark.slow
def test_the_sdks_predictor_gets_back_what_its_serializers_sent(echo, tmp_path):
    (tmp_path / "predict.py").write_text(PREDICT)
    done = subprocess.run(
        [sys.executable, "predict.py", echo.name],
        cwd=tmp_path,
        env=echo.deployer.cloud.env,
        capture_output=True,
        text=True,
    )
    assert "RESULT" in done.stdout, done.stderr
    results = json.loads(done.stdout.partition("RESULT")[2])
    assert all(results.values()), results


def test_the_aws_cli_invokes(echo, tmp_path):
    (tmp_path / "body").write_bytes(bytes(range(256)))
    aws = str(Path(sys.executable).with_name("aws"))
    command = [aws, "sagemaker-runtime", "invoke-endpoint", "--endpoint-name", echo.name]
    command += ["--body", "fileb://body", "--content-type", "a/b", "answer"]
    env = echo.deployer.cloud.env
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["InvokedProductionVariant"] == "AllTraffic"
    assert (tmp_path / "answer").read_bytes() == bytes(range(256))


def statistics(cloud, endpoint: str, name: str, statistic: str) -> float:
    now = datetime.now(timezone.utc)
    points = cloud.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName=name,
        Dimensions=[
            {"Name": "EndpointName", "Value": endpoint},
            {"Name": "VariantName", "Value": "AllTraffic"},
        ],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=2),
        Period=7200,
        Statistics=[statistic],
    )["Datapoints"]
    return sum(point[statistic] for point in points)


def test_cloudwatch_counts_and_times_the_invocations(local_cloud):
    with echo_endpoint(local_cloud) as echo:
        for command in ("", "", "sleep 0.2", "status 400 a", "status 503 b", "die"):
            if command[:2] in ("st", "di"):
                echo.error(b"", command)
            else:
                echo.invoke(b"", command)
        expected = {
            "Invocations": 6,
            "InvocationsPerInstance": 6,
            "Invocation4XXErrors": 1,
            "Invocation5XXErrors": 2,
            "InvocationModelErrors": 3,
        }

        def sums():
            return {name: statistics(local_cloud, echo.name, name, "Sum") for name in expected}

        deadline = time.monotonic() + 30
        while sums() != expected and time.monotonic() < deadline:
            time.sleep(0.05)
        assert sums() == expected
        assert statistics(local_cloud, echo.name, "ModelLatency", "SampleCount") == 5
        assert 200_000 < statistics(local_cloud, echo.name, "ModelLatency", "Maximum") < 20e6
        assert statistics(local_cloud, echo.name, "OverheadLatency", "Minimum") > 0


def test_what_was_measured_last_is_not_lost_at_an_orderly_end(new_cloud):
    with echo_endpoint(new_cloud) as echo:
        echo.invoke(np.zeros(3).tobytes())
        new_cloud.restart()
        assert statistics(new_cloud, echo.name, "Invocations", "Sum") == 1
        assert echo.invoke(b"again")["Body"] == b"again"
