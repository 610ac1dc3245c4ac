"""What is captured of an invocation: which, and in which form.

Sources: SageMaker guide, "Capture data from real-time endpoint", for the record, its encodings and
where it is stored; DataCaptureConfig, for base64 where no content type is named; public examples
of captured records, for customAttributes and inferenceId.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from maze_helpers.local_cloud.engine.hosting.calls import Call, Reply

INPUT, OUTPUT, BOTH = "Input", "Output", "InputAndOutput"
CSV, JSON, BASE64 = "CSV", "JSON", "BASE64"
EVENT_VERSION = "0"
# What an HTTP body without a media type is. That AWS says the same here is a guess.
UNKNOWN_TYPE = "application/octet-stream"
_CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
_INFERENCE_ID = "X-Amzn-SageMaker-Inference-Id"

Document = dict[str, Any]


@dataclass(frozen=True)
class CaptureSettings:
    """What a DataCaptureConfig asks for.

    encodings: by media type; every other is base64. kms_key_id: "" for none.
    """

    destination: str
    sampling_percentage: int
    captures_input: bool
    captures_output: bool
    encodings: Mapping[str, str]
    kms_key_id: str

    @classmethod
    def of(cls, config: Document) -> CaptureSettings:
        """Return the settings of a DataCaptureConfig."""
        modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
        types = config.get("CaptureContentTypeHeader", {})
        encodings = {name.lower(): CSV for name in types.get("CsvContentTypes", [])}
        encodings |= {name.lower(): JSON for name in types.get("JsonContentTypes", [])}
        return cls(
            destination=config["DestinationS3Uri"],
            sampling_percentage=config["InitialSamplingPercentage"],
            captures_input=not modes.isdisjoint((INPUT, BOTH)),
            captures_output=not modes.isdisjoint((OUTPUT, BOTH)),
            encodings=encodings,
            kms_key_id=config.get("KmsKeyId", ""),
        )


def is_enabled(config: Document) -> bool:
    """Return whether a DataCaptureConfig has anything captured. Source: its EnableCapture."""
    return config.get("EnableCapture", True)


def capture_summary(config: Document) -> Document:
    """Return how DescribeEndpoint shows a DataCaptureConfig."""
    return {
        "EnableCapture": is_enabled(config),
        "CaptureStatus": "Started" if is_enabled(config) else "Stopped",
        "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
        "DestinationS3Uri": config["DestinationS3Uri"],
        "KmsKeyId": config.get("KmsKeyId", ""),
    }


@dataclass(frozen=True)
class Captured:
    """An invocation that was answered. answered_s: when, in seconds since the epoch."""

    event_id: str
    answered_s: float
    call: Call
    reply: Reply

    @property
    def size_bytes(self) -> int:
        """How much memory it takes, about."""
        return len(self.call.body) + len(self.reply.body)


def captured_line(settings: CaptureSettings, captured: Captured) -> bytes:
    """Return the record of an invocation, as one line of JSON with its end."""
    call, reply = captured.call, captured.reply
    data: Document = {}
    if settings.captures_input:
        content_type = call.headers.get("Content-Type", UNKNOWN_TYPE)
        data["endpointInput"] = _side(settings, "INPUT", content_type, call.body)
    if settings.captures_output:
        content_type = reply.headers.get("content-type", UNKNOWN_TYPE)
        data["endpointOutput"] = _side(settings, "OUTPUT", content_type, reply.body)
    record = {
        "captureData": data,
        "eventMetadata": _metadata(captured),
        "eventVersion": EVENT_VERSION,
    }
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def _side(settings: CaptureSettings, mode: str, content_type: str, body: bytes) -> Document:
    media_type = content_type.partition(";")[0].strip().lower()
    encoding = settings.encodings.get(media_type, BASE64)
    try:
        data = base64.b64encode(body).decode() if encoding == BASE64 else body.decode()
    except UnicodeDecodeError:
        # A guess: it says that it is text, and is not.
        encoding, data = BASE64, base64.b64encode(body).decode()
    return {
        "observedContentType": content_type,
        "mode": mode,
        "data": data,
        "encoding": encoding,
    }


def _metadata(captured: Captured) -> Document:
    headers = captured.call.headers
    metadata: Document = {"eventId": captured.event_id}
    if _CUSTOM_ATTRIBUTES in headers:
        metadata["customAttributes"] = [headers[_CUSTOM_ATTRIBUTES]]
    if _INFERENCE_ID in headers:
        metadata["inferenceId"] = headers[_INFERENCE_ID]
    answered = datetime.fromtimestamp(captured.answered_s, timezone.utc)
    metadata["inferenceTime"] = answered.strftime("%Y-%m-%dT%H:%M:%SZ")
    return metadata


def object_name(first_s: float) -> str:
    """Return an object's name below its folder, by the time of the first that it holds.

    first_s: in seconds since the epoch.
    Example: 2024/05/17/09/12-34-567-1b4e28ba-2fa1-11d2-883f-0016d3cca427.jsonl
    """
    first = datetime.fromtimestamp(first_s, timezone.utc)
    milliseconds = f"{first.microsecond // 1000:03d}"
    return f"{first:%Y/%m/%d/%H/%M-%S}-{milliseconds}-{uuid.uuid4()}.jsonl"
