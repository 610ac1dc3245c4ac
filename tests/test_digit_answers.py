"""Digits are found in whatever a model answers, and rows in whatever it is asked."""

import csv
import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maze_helpers import data
from maze_helpers.checks.chapter_2.digit_answers import columns, readings
from maze_helpers.checks.chapter_2.digit_rows import label_of, rows


def npy(*arrays) -> bytes:
    stream = io.BytesIO()
    for array in arrays:
        np.save(stream, np.array(array))
    return stream.getvalue()


def table(*columns_) -> bytes:
    stream = io.StringIO()
    csv.writer(stream).writerows(zip(*columns_, strict=True))
    return stream.getvalue().encode()


def dumped(value) -> bytes:
    return json.dumps(value).encode()


# Ways to answer with a list of digits.
ANSWERS = {
    "a list": dumped,
    "words": lambda digits: dumped([str(digit) for digit in digits]),
    "floats": lambda digits: dumped([float(digit) for digit in digits]),
    "a column": lambda digits: dumped([[digit] for digit in digits]),
    "an object": lambda digits: dumped({"predictions": digits}),
    "objects": lambda digits: dumped([{"digit": d, "share": 0.5} for d in digits]),
    "nested": lambda digits: dumped({"answers": [{"digit": str(d)} for d in digits]}),
    "pairs": lambda digits: dumped([[d, 0.5] for d in digits]),
    "JSON Lines": lambda digits: b"\n".join(dumped({"digit": d}) for d in digits),
    "joined": lambda digits: b"\n".join(
        dumped({"pixels": [0.5], "SageMakerOutput": d}) for d in digits
    ),
    "lists one after another": lambda digits: dumped(digits[:1]) + b"\n" + dumped(digits[1:]),
    "CSV": lambda digits: table(digits),
    "CSV on one line": lambda digits: ",".join(map(str, digits)).encode(),
    "CSV with more": lambda digits: table([0.5] * len(digits), digits),
    "npy": npy,
    "npy one after another": lambda digits: npy(digits[:1], digits[1:]),
}


@pytest.mark.parametrize("way", ANSWERS)
@settings(max_examples=20)
@given(digits=st.lists(st.integers(0, 9), min_size=2, max_size=30))
def test_digits_are_found_however_they_are_written(way, digits):
    found = [reading.tolist() for reading in readings(ANSWERS[way](digits), len(digits))]
    assert digits in found


@given(st.binary(max_size=200), st.integers(0, 5))
def test_whatever_is_answered_gives_digits_of_that_count_or_none(body, count):
    for reading in readings(body, count):
        assert len(reading) == count and set(reading) <= set(range(10))


@given(st.recursive(st.integers() | st.text() | st.none(), st.lists, max_leaves=30))
def test_any_json_is_looked_through(value):
    assert all(isinstance(values, list) for values in columns(dumped(value)))


@pytest.mark.parametrize(
    "body",
    [b"fine", b"[1, 2, 31]", b"[1, 2]", b"[1, 2, 0.5]", b"1\n23\n4", b"\xff\xfe", b"\x93NUMPY"],
)
def test_what_is_not_three_digits_is_none(body):
    assert list(readings(body, 3)) == []


TRAIN, TEST = data.digits()
PIXELS, LABELS = TEST[data.PIXELS].head(5), TEST[data.LABEL].head(5).tolist()
LISTS = PIXELS.to_numpy().tolist()
LABELLED_FIRST = TEST[[data.LABEL, *data.PIXELS]].head(5)
# Ways to ask for five digits.
REQUESTS = {
    "CSV": PIXELS.to_csv(header=False, index=False).encode(),
    "with a header": PIXELS.to_csv(index=False).encode(),
    "with an index": PIXELS.to_csv(header=False).encode(),
    "of floats": PIXELS.astype(float).to_csv(header=False, index=False).encode(),
    "the label last": TEST.head(5).to_csv(header=False, index=False).encode(),
    "the label first": LABELLED_FIRST.to_csv(header=False, index=False).encode(),
    "JSON": dumped(LISTS),
    "instances": dumped({"instances": LISTS}),
    "JSON Lines": b"\n".join(map(dumped, LISTS)),
    "JSON Lines of objects": b"\n".join(dumped({"id": 7, "features": row}) for row in LISTS),
    "npy": npy(LISTS),
    "npy of images": npy(data.images(PIXELS.assign(label=0)).tolist()),
}


@pytest.mark.parametrize("way", REQUESTS)
def test_the_digits_of_rows_are_known_again(way):
    assert [label_of(row) for row in rows(REQUESTS[way])] == LABELS


def test_other_rows_have_no_label():
    scaled = (PIXELS / 16).to_csv(header=False, index=False).encode()
    assert {label_of(row) for row in rows(scaled)} == {None}
    assert {label_of(row) for row in rows(b"1,2\n3,4\n")} == {None}


def test_what_has_no_rows_has_none():
    assert rows(b"") == [] and rows(b"\xff\xfe") is None
