"""Asking an endpoint to read the held-out digits, in one format after another."""

import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
import numpy as np
from botocore.exceptions import ClientError

from maze_helpers import data
from maze_helpers.checks.chapter_2.digit_answers import readings
from maze_helpers.checks.check import Missing
from maze_helpers.checks.model import ACCURACY_NEEDED, PIXEL_COUNT

_FEATURES = re.compile(r"expecting (\d+) features")


@dataclass(frozen=True)
class Reading:
    """How an endpoint answered in one format. accuracy: of its best reading, None if it has none.

    refusal: what it said instead of an answer, "" if it answered.
    """

    content_type: str
    accuracy: float | None = None
    refusal: str = ""


def read_digits(session: boto3.Session, endpoint_name: str, script: int, model: int) -> float:
    """Return the share of the held-out digits that the endpoint reads.

    script, model: the steps that write the serving script, and that choose the model.
    Raises: Missing, if the share is too low, or there is none.
    """
    _, test = data.digits()
    truth, pixels = test[data.LABEL].to_numpy(), test[data.PIXELS].to_numpy()
    runtime = session.client("sagemaker-runtime")
    found: list[Reading] = []
    for content_type, encode in _ENCODINGS:
        reading = _ask(runtime, endpoint_name, content_type, encode(pixels), truth)
        if (reading.accuracy or 0) >= ACCURACY_NEEDED:
            return reading.accuracy
        found.append(reading)
    raise _missing(endpoint_name, found, len(truth), script, model)


def _ask(
    runtime: Any, endpoint_name: str, content_type: str, body: bytes, truth: np.ndarray
) -> Reading:
    try:
        answer = runtime.invoke_endpoint(
            EndpointName=endpoint_name,
            ContentType=content_type,
            Accept="application/json",
            Body=body,
        )
    except ClientError as error:
        code, message = (error.response["Error"].get(name, "") for name in ("Code", "Message"))
        if code in ("ThrottlingException", "ServiceUnavailable"):
            raise Missing(
                f"{endpoint_name} is busy and refuses the check's call: let your load test end, "
                "and check again."
            ) from error
        if code != "ModelError":
            raise
        return Reading(content_type, refusal=message)
    shares = [
        float(np.mean(digits == truth)) for digits in readings(answer["Body"].read(), len(truth))
    ]
    # An answer may hold other numbers as well, such as confidences that are all 1.
    return Reading(content_type, max(shares, default=None))


def _missing(name: str, found: list[Reading], count: int, script: int, model: int) -> Missing:
    """Return what to say of an endpoint that reads too few digits in every format."""
    shares = [reading.accuracy for reading in found if reading.accuracy is not None]
    if shares:
        return Missing(
            f"{name} reads {max(shares):.1%} of {count} held-out digits; {ACCURACY_NEEDED:.0%} are "
            "needed: does it serve the model of chapter 1?",
            model,
        )
    for reading in found:
        features = _FEATURES.search(reading.refusal)
        if features:
            return Missing(
                f"The model behind {name} expects {features[1]} features; a digit has "
                f"{PIXEL_COUNT} pixels: is the label among the features it was trained on?",
                model,
            )
    answered = [reading for reading in found if not reading.refusal]
    if answered:
        return Missing(
            f"{name} answers {answered[0].content_type}, but not with JSON, CSV or npy that holds "
            "a digit for each image.",
            script,
        )
    said = found[0].refusal.splitlines()[0]
    return Missing(f"{name} takes the digits neither as npy nor as CSV or JSON: {said}", script)


def _npy(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, pixels)
    return buffer.getvalue()


def _csv(pixels: np.ndarray) -> bytes:
    return "\n".join(",".join(map(str, row)) for row in pixels).encode()


def _csv_with_header(pixels: np.ndarray) -> bytes:
    return ",".join(data.PIXELS).encode() + b"\n" + _csv(pixels)


def _json(pixels: np.ndarray) -> bytes:
    return json.dumps(pixels.tolist()).encode()


def _json_instances(pixels: np.ndarray) -> bytes:
    return json.dumps({"instances": pixels.tolist()}).encode()


def _json_lines(pixels: np.ndarray) -> bytes:
    return "\n".join(json.dumps(row) for row in pixels.tolist()).encode()


# What a custom input_fn may leave of the default formats, or have in their place.
_ENCODINGS: tuple[tuple[str, Callable[[np.ndarray], bytes]], ...] = (
    ("application/x-npy", _npy),
    ("text/csv", _csv),
    ("application/json", _json),
    ("text/csv", _csv_with_header),
    ("application/json", _json_instances),
    ("application/jsonlines", _json_lines),
)
