"""JSON, CSV and NPY in a model server. What AWS's own codecs do is in `serving_cases`."""

import csv
import datetime
import decimal
import io
import json
import math
import os
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from serving_cases import npy, npy_of_numpy_1

from maze_helpers.local_cloud.container.codecs import (
    UnsupportedFormatError,
    array_to_csv,
    array_to_json,
    array_to_npy,
    csv_to_numpy,
    decode,
    encode,
    json_to_numpy,
    npy_to_numpy,
)

SHAPES = arrays.array_shapes(min_dims=1, max_dims=2, min_side=1, max_side=6)
NUMBERS = arrays.scalar_dtypes().filter(lambda dtype: dtype.kind in "biuf" and dtype.itemsize < 16)
FLOATS = arrays.arrays(np.float64, SHAPES)
CELLS = st.one_of(
    st.floats().map(repr),
    st.integers().map(str),
    st.text(max_size=8),
    st.sampled_from([" 1", "1 ", "1_0", "١", "inf", "-nan", "1e5", "0x1", ""]),
)


@given(arrays.arrays(NUMBERS, SHAPES))
def test_npy_keeps_every_array(array):
    back = npy_to_numpy(array_to_npy(array))
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


@given(FLOATS)
def test_json_keeps_every_number(array):
    np.testing.assert_array_equal(json_to_numpy(array_to_json(array)), array)


@given(FLOATS)
def test_csv_keeps_every_number(array):
    np.testing.assert_array_equal(csv_to_numpy(array_to_csv(array)), array.squeeze())


def written_element_by_element(array: np.ndarray) -> str:
    """Write CSV as AWS's encoder does: each element by itself."""
    rows = array.reshape(-1, 1) if array.ndim == 1 else array
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n", strict=True).writerows(rows)
    return stream.getvalue()


@given(arrays.arrays(NUMBERS, SHAPES))
def test_numbers_are_written_as_they_are_one_by_one(array):
    assert array_to_csv(array) == written_element_by_element(array)


TABLE_CELLS = st.one_of(st.none(), st.text('ab,"\n'), st.floats())


@given(arrays.arrays(object, SHAPES, elements=TABLE_CELLS))
def test_objects_are_written_as_they_are_one_by_one(array):
    assert array_to_csv(array) == written_element_by_element(array)


def read_as_text_first(rows: list[list[str]]) -> np.ndarray:
    """Read cells as AWS's decoder does: numpy makes text of them, and then numbers."""
    array = np.array(rows).squeeze()
    try:
        return array.astype(np.float64)
    except ValueError:
        return array


@given(st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(CELLS, min_size=n, max_size=n))))
def test_csv_is_read_as_numpy_reads_the_cells(rows):
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    try:
        cells = list(csv.reader(io.StringIO(stream.getvalue()), strict=True))
    except csv.Error:
        return
    expected = read_as_text_first(cells)
    result = csv_to_numpy(stream.getvalue())
    assert result.dtype.kind == expected.dtype.kind
    np.testing.assert_array_equal(result, expected)


def test_json_writes_what_holds_arrays():
    value = {"labels": np.array(["a"]), "scores": [np.float32(0.5)], "n": np.int64(3)}
    assert json.loads(array_to_json(value)) == {"labels": ["a"], "scores": [0.5], "n": 3}


def test_json_refuses_what_is_no_array():
    with pytest.raises(TypeError, match="Object of type set is not JSON serializable"):
        array_to_json({1, 2})


@pytest.mark.parametrize("function", [encode, decode])
def test_an_unknown_content_type_says_what_to_write(function):
    with pytest.raises(UnsupportedFormatError, match="image/png is not supported: write an input"):
        function(b"", "image/png")


VALUES = [
    *["word", "é", 1, -2.5, True, None, b"bytes", [1, ["nested"]], {"a": (1,)}, 10**30, math.inf],
    *[datetime.date(2026, 11, 21), datetime.datetime(2026, 11, 21, 20), decimal.Decimal("1.10")],
    *[np.float32(0.5), np.str_("numpy's"), np.datetime64("2026-11-21"), datetime.timedelta(1)],
]


@pytest.mark.parametrize("save", [npy, npy_of_numpy_1])
def test_objects_that_are_plain_values_come_back(save):
    array = np.empty(len(VALUES), dtype=object)
    array[:] = VALUES
    assert npy_to_numpy(save(array)).tolist() == VALUES


def test_objects_keep_their_shape_in_fortrans_order():
    array = np.asfortranarray(np.array([["a", 1], ["b", 2], ["c", 3]], dtype=object))
    np.testing.assert_array_equal(npy_to_numpy(npy(array)), array)


def harmful(function, *arguments) -> bytes:
    class Harmful:
        def __reduce__(self):
            return function, arguments

    array = np.empty(1, dtype=object)
    array[0] = Harmful()
    return npy(array)


@pytest.mark.parametrize(
    "body",
    [
        harmful(os.system, "touch never"),
        harmful(eval, "open('never', 'w')"),
        harmful(np.lib.format.open_memmap, "never"),
        npy(np.empty(1, dtype=object)).partition(b"\n")[0] + b"\n" + pickle.dumps(print),
    ],
)
def test_a_pickle_that_names_anything_else_is_refused(body, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="only strings, numbers and dates are read here"):
        npy_to_numpy(body)
    assert not list(tmp_path.iterdir())


def test_a_pickle_of_no_array_is_refused():
    body = npy(np.empty(1, dtype=object)).partition(b"\n")[0] + b"\n" + pickle.dumps("no array")
    with pytest.raises(ValueError, match="holds no array"):
        npy_to_numpy(body)


def test_a_bare_pickle_is_refused():
    with pytest.raises(ValueError, match="pickle"):
        npy_to_numpy(pickle.dumps([1]))
