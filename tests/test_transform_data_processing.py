"""Filters and joins give what the csv and json modules make of the same records."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze_helpers.local_cloud.engine.transform.data_processing import (
    OtherNumberOfRecords,
    Unprocessable,
    paired,
    processing_of,
)
from maze_helpers.local_cloud.engine.transform.json_path import InvalidJsonPath

FIELD = st.text('ab1 ,"\t;éß中', max_size=5)
ROW = st.lists(FIELD, min_size=1, max_size=5)
FLOAT = st.floats(allow_nan=False, allow_infinity=False)
# The halves of a character, which Python takes and UTF-8 does not, are among the text.
TEXT = st.text(st.characters(codec=None), max_size=5)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOAT | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def csv_line(row: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(row)
    return text.getvalue().encode()


def csv_row(line: bytes) -> list[str]:
    # One empty field alone is an empty line.
    return next(csv.reader([line.decode()], strict=True)) or [""]


def of_csv(input_filter="$", joins=False, output_filter="$"):
    return processing_of("text/csv", input_filter, joins, output_filter)


def of_json(input_filter="$", joins=False, output_filter="$", kind="application/jsonlines"):
    return processing_of(kind, input_filter, joins, output_filter)


@given(row=ROW, data=st.data())
def test_a_filter_of_columns_is_that_of_the_csv_module(row, data):
    indexes = data.draw(st.lists(st.integers(-len(row), len(row) - 1), min_size=1, max_size=4))
    path = "$[" + ",".join(map(str, indexes)) + "]"
    expected = [row[index] for index in indexes]
    assert csv_row(of_csv(path).filter_input(csv_line(row))) == expected
    assert csv_row(of_csv(output_filter=path).output(b"", csv_line(row) + b"\r\n")) == expected


@given(row=ROW, answer=ROW)
def test_a_join_of_rows_is_both_rows_and_a_filter_sees_both(row, answer):
    line, answered = csv_line(row), csv_line(answer)
    joined = of_csv(joins=True).output(line, answered)
    assert joined == line + b"," + answered
    assert csv_row(of_csv(joins=True, output_filter="$[0,-1]").output(line, answered)) == [
        row[0],
        answer[-1],
    ]


def test_fields_keep_their_bytes_in_any_encoding():
    row = b'"a ""b"",c", x ,\xff,""'
    assert of_csv("$[0,2,3]").filter_input(row) == b'"a ""b"",c",\xff,""'
    assert of_csv("$[1:3]").filter_input(b"\xe9,\xff,1e5") == b"\xff,1e5"


@pytest.mark.parametrize("row", [b'a"b,c', b'"a"b,c', b'"a,b', b'1,"', b' "a"'])
def test_quotes_that_are_not_as_rfc_4180_has_them_are_an_error(row):
    with pytest.raises(Unprocessable, match="Failed to parse input as CSV"):
        of_csv("$[0]").filter_input(row)
    with pytest.raises(Unprocessable, match="Failed to parse output from the algorithm as CSV"):
        of_csv(output_filter="$[0]").output(b"", row)


def test_an_index_beyond_the_row_is_an_error():
    with pytest.raises(InvalidJsonPath, match="out of range of 2 columns"):
        of_csv("$[2]").filter_input(b"1,2")


@pytest.mark.parametrize("answer", [b"1\n2", b"1\r\n2\r\n"])
def test_two_rows_are_no_answer_to_one(answer):
    with pytest.raises(OtherNumberOfRecords):
        of_csv(joins=True).output(b"a", answer)


@given(value=VALUE, answer=VALUE)
def test_a_join_of_values_is_that_of_the_json_module(value, answer):
    joined = json.loads(
        of_json(joins=True).output(json.dumps(value).encode(), json.dumps(answer).encode())
    )
    if isinstance(value, dict):
        assert joined == {**value, "SageMakerOutput": answer}
    else:
        assert joined == {"SageMakerInput": value, "SageMakerOutput": answer}


@given(value=VALUE)
def test_a_filter_keeps_values_as_they_are(value):
    line = json.dumps({"a": value, "b": 1}).encode()
    assert json.loads(of_json("$.a").filter_input(line)) == value
    assert json.loads(of_json(output_filter="$['a']").output(b"", line)) == value


@pytest.mark.parametrize(
    "number", ["0", "-7", "1.5", "123456789012345678901234567890", "0.1", "-0.0"]
)
def test_numbers_keep_their_text(number):
    assert of_json("$[0]").filter_input(f"[{number}]".encode()) == number.encode()


def test_text_stays_utf_8():
    assert of_json("$.a").filter_input('{"a":"é中"}'.encode()) == '"é中"'.encode()
    assert of_json("$.a").filter_input(b'{"a":"\\ud800"}') == b'"\\ud800"'


def test_the_guides_example():
    processing = of_json("$.features", True, "$['id','SageMakerOutput']")
    record = b'{"id":7,"features":[1,2]}'
    assert processing.filter_input(record) == b"[1,2]"
    assert processing.output(record, b'{"label":1}\n') == b'{"id":7,"SageMakerOutput":{"label":1}}'


def test_what_the_input_had_for_an_output_is_replaced():
    joined = of_json(joins=True).output(b'{"SageMakerOutput":1,"a":2}', b"3")
    assert json.loads(joined) == {"SageMakerOutput": 3, "a": 2}


@pytest.mark.parametrize(
    "text", [b"", b"{", b"{}{}", b"NaN", b"[Infinity]", b"\xff", b"[" * 100_000, b"'a'"]
)
def test_what_is_not_json_is_an_error(text):
    with pytest.raises(Unprocessable, match="Failed to parse input as JSON"):
        of_json("$[0]").filter_input(text)
    with pytest.raises(Unprocessable, match="Failed to parse output from the algorithm as JSON"):
        of_json(joins=True).output(b"{}", text)


def test_a_number_beyond_a_double_is_an_error():
    with pytest.raises(Unprocessable, match="Failed to write output as JSON"):
        of_json("$[0]").filter_input(b"[1e999]")


@pytest.mark.parametrize("kind", ["text/csv", "Text/CSV; charset=utf-8"])
def test_the_media_type_decides(kind):
    processing = processing_of(kind, "$[1]", False, "$")
    assert processing.filter_input(b"1,2") == b"2"
    assert (processing.filters_input, processing.joins, processing.keeps_answers) == (
        True,
        False,
        True,
    )


def test_records_and_answers_are_paired_or_refused():
    assert list(paired([b"a", b"b"], [b"1", b"2"])) == [(b"a", b"1"), (b"b", b"2")]
    for records, answers in ([b"a"], []), ([], [b"1"]):
        with pytest.raises(OtherNumberOfRecords, match="number of records"):
            list(paired(records, answers))
