"""Tests of what a captured invocation looks like. The form is documented."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze_helpers.local_cloud.engine.hosting.calls import Call, Reply
from maze_helpers.local_cloud.engine.hosting.data_capture_record import (
    Captured,
    CaptureSettings,
    capture_summary,
    captured_line,
)

CONFIG = {
    "InitialSamplingPercentage": 30,
    "DestinationS3Uri": "s3://bucket/captured",
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    "CaptureContentTypeHeader": {
        "CsvContentTypes": ["text/csv"],
        "JsonContentTypes": ["application/json", "application/jsonlines"],
    },
}
ANSWERED_S = 1_715_938_354.567
types = st.sampled_from(["text/csv", "application/json", "application/x-npy", "TEXT/CSV; a=b"])


def record(body=b"1,2", answer=b"3", content_type="text/csv", headers=None, config=CONFIG):
    """Return what is captured of an invocation whose body and answer are of one type."""
    call = Call(body, {"Content-Type": content_type, **(headers or {})}, timeout_s=60)
    reply = Reply(200, {"content-type": content_type}, answer, model_latency_us=1.0)
    captured = Captured("an-id", ANSWERED_S, call, reply)
    line = captured_line(CaptureSettings.of(config), captured)
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    return json.loads(line)


def test_a_record_holds_both_sides_and_what_happened_when():
    assert record() == {
        "captureData": {
            "endpointInput": {
                "observedContentType": "text/csv",
                "mode": "INPUT",
                "data": "1,2",
                "encoding": "CSV",
            },
            "endpointOutput": {
                "observedContentType": "text/csv",
                "mode": "OUTPUT",
                "data": "3",
                "encoding": "CSV",
            },
        },
        "eventMetadata": {"eventId": "an-id", "inferenceTime": "2024-05-17T09:32:34Z"},
        "eventVersion": "0",
    }


def test_what_a_client_named_is_kept_with_it():
    headers = {
        "X-Amzn-SageMaker-Custom-Attributes": "row=1",
        "X-Amzn-SageMaker-Inference-Id": "mine",
    }
    metadata = record(headers=headers)["eventMetadata"]
    assert metadata["customAttributes"] == ["row=1"]
    assert metadata["inferenceId"] == "mine"


@given(st.binary(), types)
def test_every_body_can_be_had_back(body, content_type):
    side = record(body, content_type=content_type)["captureData"]["endpointInput"]
    if side["encoding"] == "BASE64":
        assert base64.b64decode(side["data"]) == body
    else:
        assert side["data"].encode() == body
    assert side["observedContentType"] == content_type


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        ("text/csv", "CSV"),
        ("Text/CSV; charset=utf-8", "CSV"),
        ("application/json", "JSON"),
        ("application/jsonlines", "JSON"),
        ("application/x-npy", "BASE64"),
        ("text/plain", "BASE64"),
    ],
)
def test_the_content_type_decides_the_encoding(content_type, encoding):
    side = record(content_type=content_type)["captureData"]["endpointOutput"]
    assert side["encoding"] == encoding


def test_without_content_types_all_is_base64():
    config = {name: v for name, v in CONFIG.items() if name != "CaptureContentTypeHeader"}
    assert record(config=config)["captureData"]["endpointInput"]["encoding"] == "BASE64"


@pytest.mark.parametrize(
    ("modes", "sides"),
    [
        (["Input"], {"endpointInput"}),
        (["Output"], {"endpointOutput"}),
        (["InputAndOutput"], {"endpointInput", "endpointOutput"}),
    ],
)
def test_only_the_sides_that_were_asked_for_are_captured(modes, sides):
    config = CONFIG | {"CaptureOptions": [{"CaptureMode": mode} for mode in modes]}
    assert record(config=config)["captureData"].keys() == sides


@pytest.mark.parametrize(
    ("enabled", "shown"),
    [({}, (True, "Started")), ({"EnableCapture": False}, (False, "Stopped"))],
    ids=["by default", "not"],
)
def test_an_endpoint_shows_whether_it_captures(enabled, shown):
    summary = capture_summary(CONFIG | enabled)
    assert (summary.pop("EnableCapture"), summary.pop("CaptureStatus")) == shown
    assert summary == {
        "CurrentSamplingPercentage": 30,
        "DestinationS3Uri": "s3://bucket/captured",
        "KmsKeyId": "",
    }
