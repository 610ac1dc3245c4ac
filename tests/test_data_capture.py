"""Tests of data capture: endpoints' invocations in S3."""

import json
import re
import time
from datetime import datetime, timezone

import pytest
from deployer import SERVERLESS, Deployer, variant
from echo_endpoint import EchoEndpoint, echo_model

BUCKET = "captures"
DEADLINE_S = 60
KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
TYPES = {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]}
NAMES = re.compile(r"\d{4}/\d{2}/\d{2}/\d{2}/\d{2}-\d{2}-\d{3}-[-0-9a-f]{36}\.jsonl")


def capture_config(**members):
    return {
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{BUCKET}/captured",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": TYPES,
        **members,
    }


class Capturing:
    """An endpoint that echoes, and what is captured of it."""

    def __init__(self, cloud, name):
        self.deployer = Deployer(cloud)
        self.deployer.s3.create_bucket(Bucket=BUCKET)
        self.name = name
        self.model = echo_model(self.deployer, workers=1)
        config = self.config(capture_config(KmsKeyId=KEY))
        self.deployer.endpoint(config, name)
        self.settle()
        self.endpoint = EchoEndpoint(self.deployer, name)

    def config(self, capture):
        return self.deployer.config(variant(self.model), DataCaptureConfig=capture)

    def settle(self):
        endpoint = self.deployer.settle(self.name)
        assert endpoint["EndpointStatus"] == "InService", endpoint
        return endpoint

    def update(self, capture):
        self.deployer.sagemaker.update_endpoint(
            EndpointName=self.name, EndpointConfigName=self.config(capture)
        )
        return self.settle()

    def keys(self, prefix="captured"):
        found = self.deployer.s3.list_objects_v2(
            Bucket=BUCKET, Prefix=f"{prefix}/{self.name}/AllTraffic/"
        )
        return [entry["Key"] for entry in found.get("Contents", [])]

    def records(self, prefix="captured"):
        """Return what is captured by now."""
        found = []
        for key in self.keys(prefix):
            body = self.deployer.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
            found += [json.loads(line) for line in body.splitlines()]
        return found

    def record_of(self, body, prefix="captured"):
        """Return the record of the invocation that sent a body, which is text."""
        deadline_s = time.monotonic() + DEADLINE_S
        while True:
            for record in self.records(prefix):
                if record["captureData"]["endpointInput"]["data"] == body:
                    return record
            assert time.monotonic() < deadline_s, f"{body!r} was not captured"
            time.sleep(0.1)


@pytest.fixture(scope="module")
def capturing(local_cloud):
    """An endpoint all of whose invocations are captured."""
    capturing = Capturing(local_cloud, "Captured")
    yield capturing
    capturing.deployer.delete(capturing.name)


def test_an_invocation_is_captured(capturing):
    members = {"ContentType": "text/csv", "Accept": "application/json", "InferenceId": "mine"}
    capturing.endpoint.invoke(b"1,2", "nothing", **members)
    record = capturing.record_of("1,2")
    metadata = record.pop("eventMetadata")
    assert record == {
        "captureData": {
            "endpointInput": {
                "observedContentType": "text/csv",
                "mode": "INPUT",
                "data": "1,2",
                "encoding": "CSV",
            },
            "endpointOutput": {
                "observedContentType": "application/json",
                "mode": "OUTPUT",
                "data": "1,2",
                "encoding": "JSON",
            },
        },
        "eventVersion": "0",
    }
    assert metadata["customAttributes"] == ["nothing"]
    assert metadata["inferenceId"] == "mine"
    moment = datetime.strptime(metadata["inferenceTime"], "%Y-%m-%dT%H:%M:%SZ")
    age_s = time.time() - moment.replace(tzinfo=timezone.utc).timestamp()
    assert 0 <= age_s < DEADLINE_S
    for key in capturing.keys():
        assert NAMES.fullmatch(key.removeprefix(f"captured/{capturing.name}/AllTraffic/"))
        head = capturing.deployer.s3.head_object(Bucket=BUCKET, Key=key)
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", KEY)


def test_an_endpoint_shows_its_capture(capturing):
    assert capturing.deployer.describe(capturing.name)["DataCaptureConfig"] == {
        "EnableCapture": True,
        "CaptureStatus": "Started",
        "CurrentSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{BUCKET}/captured",
        "KmsKeyId": KEY,
    }


def test_an_invocation_that_fails_is_not_captured(capturing):
    capturing.endpoint.error(b"failing", "status 500 no", ContentType="text/csv")
    capturing.endpoint.invoke(b"after", ContentType="text/csv")
    capturing.record_of("after")
    bodies = [r["captureData"]["endpointInput"]["data"] for r in capturing.records()]
    assert "failing" not in bodies


def test_what_cannot_be_stored_is_told_in_the_endpoints_log(capturing):
    capturing.update(capture_config(DestinationS3Uri="s3://no-such-bucket/captured"))
    capturing.endpoint.invoke(b"lost", ContentType="text/csv")
    logs = capturing.deployer.cloud.client("logs")
    group = f"/aws/sagemaker/Endpoints/{capturing.name}"
    deadline_s = time.monotonic() + DEADLINE_S
    while True:
        streams = logs.describe_log_streams(
            logGroupName=group, logStreamNamePrefix="AllTraffic/data-log"
        )["logStreams"]
        if streams:
            break
        assert time.monotonic() < deadline_s
        time.sleep(0.1)
    events = logs.get_log_events(logGroupName=group, logStreamName="AllTraffic/data-log")["events"]
    assert events[0]["message"] == (
        "1 invocations were not captured: The specified bucket does not exist"
    )


@pytest.mark.slow
def test_capture_ends_with_an_update(capturing):
    endpoint = capturing.update(
        capture_config(EnableCapture=False, DestinationS3Uri=f"s3://{BUCKET}/x")
    )
    assert endpoint["DataCaptureConfig"]["CaptureStatus"] == "Stopped"
    capturing.endpoint.invoke(b"unseen", ContentType="text/csv")
    capturing.update(capture_config(DestinationS3Uri=f"s3://{BUCKET}/again"))
    capturing.endpoint.invoke(b"seen", ContentType="text/csv")
    capturing.record_of("seen", "again")
    assert capturing.keys("x") == []


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (
            {"DestinationS3Uri": "https://s3.amazonaws.com/a/b"},
            "The local cloud reads S3 URIs as s3://bucket/key, not 'https://s3.amazonaws.com/a/b'.",
        ),
        (
            {"InitialSamplingPercentage": 101},
            "1 validation error detected: Value '101' at 'dataCaptureConfig.initialSampling"
            "Percentage' failed to satisfy constraint: Member must have value less than or equal "
            "to 100",
        ),
    ],
    ids=["uri", "percentage"],
)
def test_a_configuration_that_is_refused(capturing, members, message):
    assert capturing.deployer.refusal(
        "create_endpoint_config",
        EndpointConfigName="refused",
        ProductionVariants=[variant(capturing.model)],
        DataCaptureConfig=capture_config(**members),
    ) == ("ValidationException", message)


@pytest.mark.parametrize(
    ("where", "also", "message"),
    [
        (SERVERLESS, {}, "Data capture is not supported for serverless endpoints."),
        (
            {},
            {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://b/out"}}},
            "does not support DataCaptureConfig of an asynchronous endpoint",
        ),
    ],
    ids=["serverless", "asynchronous"],
)
def test_endpoints_without_data_capture(capturing, where, also, message):
    _, text = capturing.deployer.refusal(
        "create_endpoint_config",
        EndpointConfigName="refused",
        ProductionVariants=[variant(capturing.model, **where)],
        DataCaptureConfig=capture_config(),
        **also,
    )
    assert message in text


@pytest.mark.slow
def test_what_was_captured_last_is_stored_when_the_server_ends(new_cloud):
    capturing = Capturing(new_cloud, "captured-last")
    for number in range(50):
        capturing.endpoint.invoke(str(number).encode(), ContentType="text/csv")
    new_cloud.restart()
    capturing.deployer.s3 = new_cloud.client("s3")
    bodies = [r["captureData"]["endpointInput"]["data"] for r in capturing.records()]
    assert sorted(bodies, key=int) == [str(number) for number in range(50)]


@pytest.mark.slow
def test_a_sample_is_captured(new_cloud):
    capturing = Capturing(new_cloud, "sampled")
    capturing.update(
        capture_config(InitialSamplingPercentage=25, DestinationS3Uri=f"s3://{BUCKET}/sample")
    )
    for _ in range(400):
        capturing.endpoint.invoke(b"1", ContentType="text/csv")
    new_cloud.restart()
    capturing.deployer.s3 = new_cloud.client("s3")
    # Six standard deviations from 100.
    assert 48 < len(capturing.records("sample")) < 152
