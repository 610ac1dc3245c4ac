"""An object's output is the prediction of each of its records, however it is sent."""

import asyncio
import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from object_runs import OddModel, all_transformed, ended, settings_for, transformed

from maze_helpers.local_cloud.engine.transform.settings import MULTI_RECORD, SINGLE_RECORD

FIELD = st.text("ab1 é", max_size=3) | st.sampled_from(['"a,b"', '"say ""a"""'])
ROW = st.lists(FIELD, min_size=3, max_size=5).map(",".join)
VALUE = st.fixed_dictionaries(
    {"a": st.integers() | st.text(max_size=3), "b": st.lists(st.integers(0, 9), max_size=3)}
)
SENT = {
    "max_concurrent": st.integers(1, 4),
    "strategy": st.sampled_from([SINGLE_RECORD, MULTI_RECORD]),
    "is_gzip": st.booleans(),
    "most_bytes": st.sampled_from([None, 60, 100, 1000]),
}
WAYS = st.fixed_dictionaries(SENT)


def sent(lines: list[str], way: dict, end: str = "\n", is_ended: bool = True) -> bytes:
    text = end.join(lines) + (end if is_ended and lines else "")
    return gzip.compress(text.encode()) if way["is_gzip"] else text.encode()


@given(
    rows=st.lists(ROW, max_size=8),
    way=WAYS,
    input_filter=st.sampled_from(["$", "$[1:]", "$[0,2]"]),
    joins=st.booleans(),
    output_filter=st.sampled_from(["$", "$[0]", "$[-1]", "$[0:1]"]),
    end=st.sampled_from(["\n", "\r\n", "\n\n"]),
    is_ended=st.booleans(),
    answers_end=st.sampled_from([b"", b"\n", b"\r\n"]),
    seed=st.integers(0, 99),
)
def test_rows_have_the_outputs_of_a_prediction_in_this_process(
    rows, way, input_filter, joins, output_filter, end, is_ended, answers_end, seed
):
    columns = {
        "$": slice(None),
        "$[1:]": slice(1, None),
        "$[0,2]": slice(0, 3, 2),
        "$[0]": slice(0, 1),
        "$[0:1]": slice(0, 1),
        "$[-1]": slice(-1, None),
    }

    def expected(row: str) -> bytes:
        fields = fields_of(row)
        answer = OddModel.line(",".join(fields[columns[input_filter]]).encode()).decode()
        output = [*fields, answer] if joins else [answer]
        return ",".join(output[columns[output_filter]]).encode()

    settings = settings_for("text/csv", input_filter, joins, output_filter, **way)
    model = OddModel(seed, answers_end)
    output = transformed(sent(rows, way, end, is_ended), settings, model)
    assert output.replace(b"\r\n", b"\n") == ended([expected(row) for row in rows])


def fields_of(row: str) -> list[str]:
    """Return a row's fields as they are written."""
    row = row.replace('"a,b"', "Q").replace('"say ""a"""', "R")
    return [field.replace("Q", '"a,b"').replace("R", '"say ""a"""') for field in row.split(",")]


@given(
    values=st.lists(VALUE, max_size=8),
    way=WAYS,
    input_filter=st.sampled_from(["$", "$.b", "$['b','a']"]),
    joins=st.booleans(),
    seed=st.integers(0, 99),
)
def test_json_lines_have_the_outputs_of_a_prediction_in_this_process(
    values, way, input_filter, joins, seed
):
    picks = {
        "$": lambda v: v,
        "$.b": lambda v: v["b"],
        "$['b','a']": lambda v: {"b": v["b"], "a": v["a"]},
    }

    def dumped(value: object) -> str:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def expected(value: dict) -> object:
        answer = int(OddModel.line(dumped(picks[input_filter](value)).encode()))
        return {**value, "SageMakerOutput": answer} if joins else answer

    settings = settings_for("application/jsonlines", input_filter, joins, **way)
    output = transformed(sent([dumped(v) for v in values], way), settings, OddModel(seed))
    assert [json.loads(line) for line in output.splitlines()] == [expected(v) for v in values]


@given(value=VALUE, way=WAYS, joins=st.booleans(), filters=st.booleans())
def test_a_json_object_that_is_not_split_is_one_record(value, way, joins, filters):
    text = json.dumps(value, indent=1).replace("\n", " ")
    way = {**way, "splits": False, "assembles": False, "most_bytes": way["most_bytes"] and 1000}
    settings = settings_for("application/json", "$.b" if filters else "$", joins, **way)
    output = json.loads(transformed(sent([text], way, is_ended=False), settings))
    asked = json.dumps(value["b"], separators=(",", ":")) if filters else text
    answer = int(OddModel.line(asked.encode()))
    assert output == ({**value, "SageMakerOutput": answer} if joins else answer)


@given(
    objects=st.lists(st.lists(ROW, max_size=6), min_size=1, max_size=5),
    way=WAYS,
    joins=st.booleans(),
    seed=st.integers(0, 99),
)
def test_objects_at_the_same_time_share_their_room_and_nothing_else(objects, way, joins, seed):
    settings = settings_for("text/csv", joins=joins, **way)
    model, alone = OddModel(seed), OddModel()
    data = [sent(rows, way) for rows in objects]
    outputs = asyncio.run(all_transformed(data, settings, model))
    assert outputs == [transformed(one, settings, alone) for one in data]
    if settings.most_bytes:
        assert model.most_asked <= settings.max_concurrent + 1


@given(
    rows=st.lists(st.text("ab,é", min_size=1, max_size=20), max_size=9),
    strategy=SENT["strategy"],
    seed=st.integers(0, 99),
)
def test_payloads_are_as_large_as_they_may_be(rows, strategy, seed):
    model = OddModel(seed)
    transformed(ended([row.encode() for row in rows]), settings_for(strategy=strategy), model)
    assert all(0 < len(payload) <= 40 for payload in model.payloads)
    if strategy == SINGLE_RECORD:
        assert model.payloads == [row.encode() for row in rows]
    for payload, following in zip(model.payloads, model.payloads[1:], strict=False):
        first = following.splitlines()[0]
        assert strategy == SINGLE_RECORD or len(payload) + 1 + len(first) > 40


@pytest.mark.parametrize("most_bytes", [None, 40])
def test_without_assembling_answers_follow_each_other_as_they_are(most_bytes):
    settings = settings_for(assembles=False, most_bytes=most_bytes, strategy=SINGLE_RECORD)
    lines = [OddModel.line(row) for row in (b"1,2", b"3,4")]
    assert transformed(b"1,2\n3,4\n", settings) == b"".join(lines)


@pytest.mark.parametrize("size", [0, 1, 40])
def test_an_object_that_is_not_split_goes_as_it_is(size):
    data = b"a\n,\xff"[:4] * size
    for most_bytes in (None, 160):
        model = OddModel()
        settings = settings_for(splits=False, assembles=False, most_bytes=most_bytes)
        assert transformed(data, settings, model) == OddModel().of(data)
        assert model.payloads == [data]


@pytest.mark.parametrize("most_bytes", [None, 40])
@pytest.mark.parametrize("data", [b"", b"\n", b"\r\n\n"])
def test_an_object_without_records_has_an_empty_output_and_is_not_sent(data, most_bytes):
    model = OddModel()
    assert transformed(data, settings_for(most_bytes=most_bytes), model) == b""
    assert model.payloads == []


@pytest.mark.parametrize("joins", [True, False])
def test_a_large_object_is_the_same_as_a_small_one(joins):
    rows = [b"%d,%d" % (number, number % 7) for number in range(60_000)]
    for most_bytes in (None, 100_000):
        output = transformed(ended(rows), settings_for(joins=joins, most_bytes=most_bytes))
        expected = [b",".join([row] * joins + [OddModel.line(row)]) for row in rows]
        assert output == ended(expected)
