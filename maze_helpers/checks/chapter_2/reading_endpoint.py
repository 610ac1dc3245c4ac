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


class NoFormatTaken(Missing):
    """Raised when an endpoint refuses every format that the check knows."""


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
    Raises: Missing, if the share is too low, or there is none; NoFormatTaken, if it answers no
    call, and its model is none that expects other features.
    """
    _, test = data.digits()
    truth, pixels = test[data.LABEL].to_numpy(), test[data.PIXELS].to_numpy()
    runtime = session.client("sagemaker-runtime")
    found: list[Reading] = []
    log = _ErrorLog(session, endpoint_name)
    for content_type, accept, encode in _FORMATS:
        reading = _ask(runtime, endpoint_name, content_type, accept, encode(pixels), truth)
        if (reading.accuracy or 0) >= ACCURACY_NEEDED:
            return reading.accuracy
        found.append(reading)
    if all(reading.refusal for reading in found):
        raise _refused(endpoint_name, log.first_new() or found[0].refusal, script, model)
    raise _misread(endpoint_name, found, len(truth), script, model)


def _ask(
    runtime: Any, endpoint_name: str, content_type: str, accept: str, body: bytes, truth: np.ndarray
) -> Reading:
    try:
        answer = runtime.invoke_endpoint(
            EndpointName=endpoint_name,
            ContentType=content_type,
            Accept=accept,
            Body=body,
        )
    except ClientError as error:
        code, message = (error.response["Error"].get(name, "") for name in ("Code", "Message"))
        if code in ("ThrottlingException", "ServiceUnavailable"):
            raise Missing(
                f"{endpoint_name} is busy and refuses the check's call: let your load test end, "
                "and check again."
            ) from error
        if code not in ("ModelError", "ValidationError"):
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
    """Return what to say of an endpoint that refuses all calls. said: what went wrong in it."""
    features = _FEATURES.search(said)
    if features:
        return Missing(
            f"The model behind {name} expects {features[1]} features; a digit has {PIXEL_COUNT} "
            "pixels: is the label among the features it was trained on?",
            model,
        )
    said = said.splitlines()[0]
    return NoFormatTaken(
        f"{name} takes the digits neither as npy nor as CSV or JSON: {said}", script
    )


class _ErrorLog:
    """The errors in an endpoint's log since the check asks it; its answers tell none."""

    def __init__(self, session: boto3.Session, name: str) -> None:
        self._session, self._group = session, f"{LOG_GROUPS}{name}"
        # Clocks differ, and an endpoint of an earlier time may have had the name.
        self._since_s = time.time() - CLOCKS_DIFFER_S
        self._before = len(self._errors())

    def first_new(self) -> str | None:
        """Return the first error since, as soon as the log has it; None, if it has none."""
        deadline_s = time.monotonic() + LOG_BEHIND_S
        while True:
            errors = self._errors()[self._before :]
            if errors or time.monotonic() > deadline_s:
                return next(iter(errors), None)
            time.sleep(PAUSE_S)

    def _errors(self) -> list[str]:
        return logged_errors(self._session, self._group, since_s=self._since_s)


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


_JSON, _CSV, _NPY = "application/json", "text/csv", "application/x-npy"
# How to ask: content type, type of the answer, body. What a custom input_fn may leave of the
# default formats, or have in their place; and an output_fn, which may know one type alone.
_FORMATS: tuple[tuple[str, str, Callable[[np.ndarray], bytes]], ...] = (
    (_NPY, _JSON, _npy),
    (_CSV, _JSON, _csv),
    (_JSON, _JSON, _json),
    (_CSV, _JSON, _csv_with_header),
    (_JSON, _JSON, _json_instances),
    ("application/jsonlines", _JSON, _json_lines),
    (_NPY, _CSV, _npy),
    (_CSV, _CSV, _csv),
    (_JSON, _CSV, _json),
    (_NPY, _NPY, _npy),
)
