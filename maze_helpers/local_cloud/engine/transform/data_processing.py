"""What a transform job's DataProcessing makes of records and of a model's answers.

Source: SageMaker guide, "Associate Prediction Results with Input Records"; API reference,
DataProcessing.
"""

import csv
import io
import json
from collections.abc import Callable
from typing import Any, Protocol

from maze_helpers.local_cloud.engine.transform.json_path import Columns, JsonPath

CSV, JSON, JSON_LINES = "text/csv", "application/json", "application/jsonlines"
INPUT_KEY, OUTPUT_KEY = "SageMakerInput", "SageMakerOutput"


class Unprocessable(Exception):
    """A record or an answer is not what its content type says, or not one for the other."""


class Processing(Protocol):
    """What is done to each record before and after the model has it.

    filters_input: whether the model is to have less than the record. joins: whether the record
    is part of its output. keeps_answers: whether an answer goes to the output as it is.
    """

    filters_input: bool
    joins: bool
    keeps_answers: bool

    def filter_input(self, record: bytes) -> bytes:
        """Return what of a record goes to the model.

        Raises: Unprocessable; InvalidJsonPath, also in `output`.
        """

    def output(self, record: bytes, answer: bytes) -> bytes:
        """Return what goes to the output for a record. record: b"" where it is not joined."""


def processing_of(
    content_type: str, input_filter: str, joins: bool, output_filter: str
) -> Processing:
    """Return what a job's DataProcessing asks for. Raises: InvalidJsonPath."""
    if media_type(content_type) == CSV:
        return CsvProcessing(input_filter, joins, output_filter)
    return JsonProcessing(input_filter, joins, output_filter)


def media_type(content_type: str) -> str:
    """Return a content type without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


class CsvProcessing:
    """Each record is a row."""

    def __init__(self, input_filter: str, joins: bool, output_filter: str) -> None:
        self._input, self._output = Columns(input_filter), Columns(output_filter)
        self.filters_input = not self._input.is_root
        self.joins = joins
        self.keeps_answers = not joins and self._output.is_root

    def filter_input(self, record: bytes) -> bytes:
        """Return the columns that the model is to have."""
        return _edited(record, self._input.select, "Failed to parse input as CSV")

    def output(self, record: bytes, answer: bytes) -> bytes:
        """Return the answer's row, after the record's own where they are joined."""
        row = _without_end(answer)
        if self.joins:
            row = _without_end(record) + b"," + row
        if self._output.is_root:
            return row
        return _edited(row, self._output.select, "Failed to parse output from the algorithm as CSV")


class JsonProcessing:
    """Each record is a JSON value: a line, or the whole object where that is not split."""

    def __init__(self, input_filter: str, joins: bool, output_filter: str) -> None:
        self._input, self._output = JsonPath(input_filter), JsonPath(output_filter)
        self.filters_input = not self._input.is_root
        self.joins = joins
        self.keeps_answers = not joins and self._output.is_root

    def filter_input(self, record: bytes) -> bytes:
        """Return what the model is to have of the value."""
        return _dumped(self._input.select(_loaded(record, "Failed to parse input as JSON")))

    def output(self, record: bytes, answer: bytes) -> bytes:
        """Return the answer's value, within the record's own where they are joined."""
        value = _loaded(answer, "Failed to parse output from the algorithm as JSON")
        if self.joins:
            value = _joined(_loaded(record, "Failed to parse input as JSON"), value)
        return _dumped(self._output.select(value))


def _joined(value: Any, answer: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {**value, OUTPUT_KEY: answer}
    return {INPUT_KEY: value, OUTPUT_KEY: answer}


def _without_end(line: bytes) -> bytes:
    return line.rstrip(b"\r\n")


def _edited(row: bytes, select: Callable[[list[str]], list[str]], failure: str) -> bytes:
    """Return a CSV row with other fields."""
    if b'"' not in row:
        fields = _text(_without_end(row), failure).split(",")
        return ",".join(select(fields)).encode()
    try:
        # A quote within a field that is not quoted is an error by RFC 4180.
        fields = next(csv.reader([_text(row, failure)], strict=True))
    except (csv.Error, StopIteration) as error:
        raise Unprocessable(f"{failure}: {error}") from error
    edited = io.StringIO()
    csv.writer(edited, lineterminator="").writerow(select(fields))
    return edited.getvalue().encode()


def _loaded(text: bytes, failure: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Unprocessable(f"{failure}: {error}") from error


def _dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _text(data: bytes, failure: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Unprocessable(f"{failure}: it is not UTF-8") from error
