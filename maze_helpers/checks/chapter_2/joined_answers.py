"""What of a transform job's output the model has answered, where its input is joined to it."""

from collections.abc import Iterator
from typing import Any

from maze_helpers.checks.chapter_2.digit_answers import WIDEST, csv_rows, json_values, lists
from maze_helpers.local_cloud.engine.transform.json_path import Columns, InvalidJsonPath

# Where a transform job joins the answer with its input, and that is JSON.
_ANSWER = "SageMakerOutput"


class NoAnswerKept(Exception):
    """The output filter leaves nothing of what the model has answered."""


def is_joined(job: dict[str, Any]) -> bool:
    """Return whether the input's records are beside the answers before the output filter."""
    return job.get("DataProcessing", {}).get("JoinSource") == "Input"


def gets_all(job: dict[str, Any]) -> bool:
    """Return whether the model gets the input's records whole."""
    return (job.get("DataProcessing", {}).get("InputFilter") or "$") == "$"


def output_filter(job: dict[str, Any]) -> str:
    """Return a job's output filter; "$", which keeps all, if it has none."""
    return job.get("DataProcessing", {}).get("OutputFilter") or "$"


def answer_columns(body: bytes, job: dict[str, Any], width: int | None) -> list[list] | None:
    """Return the columns of a joined output that are answers; None, where that cannot be told.

    width: how many columns the input has, if it is CSV and known. Raises: NoAnswerKept.
    """
    if "csv" in job["TransformInput"].get("ContentType", ""):
        return None if width is None else _of_csv(body, output_filter(job), width)
    return _of_json(body, output_filter(job))


def _of_csv(body: bytes, path: str, width: int) -> list[list] | None:
    rows = csv_rows(body)
    if len({len(row) for row in rows}) != 1:
        return None
    ways = list(_answer_places(path, width, len(rows[0])))
    if ways and not any(ways):
        raise NoAnswerKept
    places = [place for way in ways for place in reversed(way)]
    # A model's list, "[7]", is a column as well.
    return [[row[place].strip(" []") for row in rows] for place in dict.fromkeys(places)] or None


def _answer_places(path: str, width: int, kept: int) -> Iterator[list[int]]:
    """Yield which of the columns that a path keeps are answers, for each count of those.

    Example: "$[0,-1]" of 65 columns and an answer keeps two, and the second is the answer: [1].
    """
    for count in range(1, WIDEST + 1):
        try:
            selected = Columns(path).select(list(range(width + count)))
        except InvalidJsonPath:
            continue
        if len(selected) == kept:
            yield [place for place, column in enumerate(selected) if column >= width]


def _of_json(body: bytes, path: str) -> list[list] | None:
    """Return what is in SageMakerOutput; all, where the filter has taken it from there."""
    if path != "$" and _ANSWER not in path and "*" not in path:
        raise NoAnswerKept
    try:
        values = list(json_values(body.decode()))
    except ValueError:
        return None
    if values and all(isinstance(value, dict) and _ANSWER in value for value in values):
        return list(lists([value[_ANSWER] for value in values]))
    return None
