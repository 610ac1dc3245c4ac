"""What a transform job's DataProcessing makes of records and of a model's answers.

Source: SageMaker guide, "Associate Prediction Results with Input Records"; API reference,
DataProcessing.
"""

import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from maze_helpers.local_cloud.engine.transform.json_path import Columns, JsonPath

CSV, JSON, JSON_LINES = "text/csv", "application/json", "application/jsonlines"
INPUT_KEY, OUTPUT_KEY = "SageMakerInput", "SageMakerOutput"
# As RFC 4180 has it: quotes around a field, or none in it; those within are doubled.
_FIELD = re.compile(rb'"[^"]*(?:""[^"]*)*"(?=,|\Z)|[^",]*(?=,|\Z)')


class Unprocessable(Exception):
    """A record or an answer is not what its content type says, or not one for the other."""


class OtherNumberOfRecords(Unprocessable):
    """The model did not answer each record with one."""

    def __init__(self) -> None:
        # A guess: no source has the words.
        super().__init__(
            "The number of records in the algorithm's output differs from that in its input"
        )


class Processing(Protocol):
    """What is done to each record before and after the model has it.

    A record is a line, or a whole object where that is not split.
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
        """Return what goes to the output for a record.

        record: b"" where it is not joined. answer: to this record alone.
        """


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
    """Each record is a row.

    Fields go to the output byte for byte, their quotes included, in whatever encoding.
    """

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
        row = answer.rstrip(b"\r\n")
        if b"\n" in row:
            raise OtherNumberOfRecords
        if self.joins:
            row = record + b"," + row
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


def paired(records: Iterable[bytes], answers: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Yield each record with its answer. Raises: OtherNumberOfRecords."""
    for record, answer in itertools.zip_longest(records, answers):
        if record is None or answer is None:
            raise OtherNumberOfRecords
        yield record, answer


def _edited(row: bytes, select: Callable[[list[bytes]], list[bytes]], failure: str) -> bytes:
    """Return a CSV row with other fields."""
    return b",".join(select(_fields(row, failure) if b'"' in row else row.split(b",")))


def _fields(row: bytes, failure: str) -> list[bytes]:
    """Return the fields of a row that has quotes. Example: 'a,"b,c"' gives 'a' and '"b,c"'."""
    fields, start = [], 0
    while start <= len(row):
        field = _FIELD.match(row, start)
        if field is None:
            raise Unprocessable(f"{failure}: its quotes are not as RFC 4180 has them")
        fields.append(field[0])
        start = field.end() + 1
    return fields


def _loaded(text: bytes, failure: str) -> Any:
    try:
        return json.loads(text.decode(), parse_constant=_refuse)
    except UnicodeDecodeError as error:
        raise Unprocessable(f"{failure}: it is not UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise Unprocessable(f"{failure}: {error}") from error


def _refuse(constant: str) -> None:
    """Refuse what Python takes and JSON does not know."""
    raise ValueError(f"{constant} is not a JSON value")


def _dumped(value: Any) -> bytes:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (ValueError, RecursionError) as error:
        # Such as a number that is larger than a double.
        raise Unprocessable(f"Failed to write output as JSON: {error}") from error
    # JSON can escape the half of a character, which UTF-8 cannot hold.
    return text.encode("utf-8", "backslashreplace")
