"""Asking an endpoint to read the held-out digits, in one format after another."""

import io
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
import numpy as np
from botocore.exceptions import ClientError

from maze_helpers import data
from maze_helpers.checks.chapter_2.digit_answers import readings
from maze_helpers.checks.chapter_2.logged_errors import logged_errors
from maze_helpers.checks.check import Missing
from maze_helpers.checks.model import ACCURACY_NEEDED, PIXEL_COUNT
from maze_helpers.endpoint_bills import LOG_GROUPS

# How far the log may be behind an answer, which does not say why a model failed.
LOG_BEHIND_S, PAUSE_S, CLOCKS_DIFFER_S = 5.0, 0.5, 60
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
    asked_s = time.time()
    for content_type, encode in _ENCODINGS:
        reading = _ask(runtime, endpoint_name, content_type, encode(pixels), truth)
        if (reading.accuracy or 0) >= ACCURACY_NEEDED:
            return reading.accuracy
        found.append(reading)
    if all(reading.refusal for reading in found):
        said = _first_error(session, endpoint_name, asked_s) or found[0].refusal
        raise _refused(endpoint_name, said, script, model)
    raise _misread(endpoint_name, found, len(truth), script, model)


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
        return Reading(content_type, refusal=message or code)
    shares = [
        float(np.mean(digits == truth)) for digits in readings(answer["Body"].read(), len(truth))
    ]
    # An answer may hold other numbers as well, such as confidences that are all 1.
    return Reading(content_type, max(shares, default=None))


def _misread(name: str, found: list[Reading], count: int, script: int, model: int) -> Missing:
    """Return what to say of an endpoint that answers, but reads too few digits."""
    shares = [reading.accuracy for reading in found if reading.accuracy is not None]
    if shares:
        return Missing(
            f"{name} reads {max(shares):.1%} of {count} held-out digits; {ACCURACY_NEEDED:.0%} are "
            "needed: does it serve the model of chapter 1?",
            model,
        )
    answered = next(reading.content_type for reading in found if not reading.refusal)
    return Missing(
        f"{name} answers {answered}, but not with JSON, CSV or npy that holds a digit for each "
        "image.",
        script,
    )


def _refused(name: str, said: str, script: int, model: int) -> Missing:
    """Return what to say of an endpoint that answers nothing. said: what went wrong in it."""
    features = _FEATURES.search(said)
    if features:
        return Missing(
            f"The model behind {name} expects {features[1]} features; a digit has {PIXEL_COUNT} "
            "pixels: is the label among the features it was trained on?",
            model,
        )
    said = said.splitlines()[0]
    return Missing(f"{name} takes the digits neither as npy nor as CSV or JSON: {said}", script)


def _first_error(session: boto3.Session, name: str, asked_s: float) -> str | None:
    """Return the first error in the endpoint's log since it was asked; an answer tells none.

    An endpoint of an earlier time may have had the name.
    """
    deadline_s = time.monotonic() + LOG_BEHIND_S
    while True:
        errors = logged_errors(session, f"{LOG_GROUPS}{name}", since_s=asked_s - CLOCKS_DIFFER_S)
        if errors or time.monotonic() > deadline_s:
            return next(iter(errors), None)
        time.sleep(PAUSE_S)


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
