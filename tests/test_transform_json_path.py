"""JSONPaths of DataProcessing select what a plain evaluation of them does."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze_helpers.local_cloud.engine.transform.json_path import (
    Columns,
    InvalidJsonPath,
    JsonPath,
    unexpected_character,
)

# Of the characters that CreateTransformJob lets through, those that mean something elsewhere too.
ODD_NAME = st.text("ab1 ,:-.*$[]", min_size=1, max_size=4)
NAME = st.sampled_from(["a", "b", "my-key", "1st"]) | ODD_NAME
INDEX = st.integers(-3, 3)
BOUND = st.none() | INDEX
SEGMENT = st.one_of(
    st.tuples(st.just("names"), st.lists(NAME, min_size=1, max_size=3)),
    st.tuples(st.just("indexes"), st.lists(INDEX, min_size=1, max_size=3)),
    st.tuples(st.just("range"), st.tuples(BOUND, BOUND)),
    st.tuples(st.just("all"), st.none()),
)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "a", "[1,2]", "{oops"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAME, inner, max_size=4),
    max_leaves=12,
)


def written(kind: str, what: Any) -> str:
    """Return a segment as a path has it."""
    if kind == "names":
        return "[" + ",".join(f"'{name}'" for name in what) + "]"
    if kind == "indexes":
        return "[" + ",".join(map(str, what)) + "]"
    if kind == "range":
        return "[" + ":".join("" if bound is None else str(bound) for bound in what) + "]"
    return "[*]"


def selected(kind: str, what: Any, value: Any) -> list[Any]:
    """Return what a segment selects of a value."""
    if kind == "names" and isinstance(value, dict):
        return [value[name] for name in what if name in value]
    if kind == "indexes" and isinstance(value, list):
        return [value[index] for index in what if -len(value) <= index < len(value)]
    if kind == "range" and isinstance(value, list):
        return value[slice(*what)]
    if kind == "all" and isinstance(value, (dict, list)):
        return list(value.values()) if isinstance(value, dict) else value
    return []


def plain(path: list[tuple[str, Any]], value: Any) -> list[Any] | Any:
    """Return what a path selects of a value; nothing where it must be one value is an error."""
    values, is_one = [value], True
    for number, (kind, what) in enumerate(path):
        several = kind in ("range", "all") or len(what) > 1
        if kind == "names" and several and number == len(path) - 1:
            picked = [{n: v[n] for n in what if n in v} for v in values if isinstance(v, dict)]
            values = picked
        else:
            values = [found for v in values for found in selected(kind, what, v)]
            is_one = is_one and not several
    if is_one and not values:
        raise InvalidJsonPath
    return values[0] if is_one else values


def outcome(call) -> Any:
    try:
        return call()
    except InvalidJsonPath:
        return InvalidJsonPath


@given(path=st.lists(SEGMENT, max_size=3), value=VALUE)
def test_a_path_selects_what_a_plain_evaluation_does(path, value):
    text = "$" + "".join(written(*segment) for segment in path)
    assert outcome(lambda: JsonPath(text).select(value)) == outcome(lambda: plain(path, value))


@given(names=st.lists(st.from_regex(r"[A-Za-z0-9-]+", fullmatch=True), min_size=1, max_size=3))
def test_a_name_after_a_dot_is_the_same_as_one_in_quotes(names):
    value: Any = "found"
    for name in reversed(names):
        value = {name: value}
    assert JsonPath("$." + ".".join(names)).select(value) == "found"
    assert JsonPath("$." + ".".join(f"['{name}']" for name in names)).select(value) == "found"


@pytest.mark.parametrize(
    ("path", "selects"),
    [
        ("$", {"a": {"b": [1, 2, 3]}, "c": None}),
        ("$.a.b[0]", 1),
        ("$.a.b[-1]", 3),
        ("$.a.b[0:2]", [1, 2]),
        ("$.a.b[0 , 2]", [1, 3]),
        ("$.a.['b']", [1, 2, 3]),
        ("$['a','c']", {"a": {"b": [1, 2, 3]}, "c": None}),
        ("$['c','x']", {"c": None}),
        ("$.c", None),
        ("$.a.*", [[1, 2, 3]]),
        ("$.[*]", [{"b": [1, 2, 3]}, None]),
        ("$[*]['b']", [[1, 2, 3]]),
    ],
)
def test_what_the_guides_operators_select(path, selects):
    assert JsonPath(path).select({"a": {"b": [1, 2, 3]}, "c": None}) == selects


@pytest.mark.parametrize(
    "path", ["", "a", "$a", "$.", "$..a", "$.a..b", "$[", "$['a", "$[01]", "$['a',0]", "$[*,0]"]
)
def test_other_paths_are_refused(path):
    with pytest.raises(InvalidJsonPath, match="Invalid JsonPath"):
        JsonPath(path)


@pytest.mark.parametrize("path", ["$[0:2,246:]", "$[::2]", "$[0:2,4:6]"])
def test_only_one_range_is_supported(path):
    text = (
        f"Invalid JsonPath: {path}: only single range filters of format (eg: [1:5]) are "
        f"supported. Format {path[1:]} is not supported"
    )
    for kind in (JsonPath, Columns):
        with pytest.raises(InvalidJsonPath) as refusal:
            kind(path)
        assert str(refusal.value) == text


def test_nothing_where_one_value_must_be_is_an_error():
    with pytest.raises(InvalidJsonPath, match=r"No results for path: \$\.a\.b"):
        JsonPath("$.a.b").select({"a": {}})


@given(
    row=st.lists(st.binary(max_size=2), min_size=1, max_size=6),
    parts=st.lists(INDEX, min_size=1, max_size=4) | st.tuples(BOUND, BOUND),
)
def test_columns_are_those_of_the_list(row, parts):
    if isinstance(parts, tuple):
        assert Columns("$" + written("range", parts)).select(row) == row[slice(*parts)]
        return
    columns = Columns("$" + written("indexes", parts))
    if all(-len(row) <= index < len(row) for index in parts):
        assert columns.select(row) == [row[index] for index in parts]
    else:
        with pytest.raises(InvalidJsonPath, match=f"out of range of {len(row)} columns"):
            columns.select(row)


@pytest.mark.parametrize("path", ["$", "$[*]", "$.*", "$[0:]"])
def test_all_columns(path):
    assert Columns(path).select(["a", "b"]) == ["a", "b"]


def test_an_index_and_a_range_of_columns():
    assert Columns("$[0,2:]").select(["a", "b", "c", "d"]) == ["a", "c", "d"]


@pytest.mark.parametrize("path", ["$.a", "$['a']", "$[0][1]"])
def test_columns_have_no_names(path):
    with pytest.raises(InvalidJsonPath, match="only index based filters are supported for CSV"):
        Columns(path)


@pytest.mark.parametrize(
    ("path", "character"),
    [("$['a_b']", "_"), ("$[?(@)]", "?"), ('$["a"]', '"'), ("$.é", "é"), ("$['a-b', 1:2.*]", None)],
)
def test_the_first_character_that_no_path_may_have(path, character):
    assert unexpected_character(path) == character
