"""An object's output is the prediction of each of its records, however it is sent."""

import asyncio
import gzip
import io
import json
import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze_helpers.local_cloud.engine.transform import object_run
from maze_helpers.local_cloud.engine.transform.data_processing import processing_of
from maze_helpers.local_cloud.engine.transform.object_run import ObjectFailed, ObjectRun
from maze_helpers.local_cloud.engine.transform.settings import (
    MULTI_RECORD,
    SINGLE_RECORD,
    Settings,
)


@dataclass(frozen=True)
class SmallSettings(Settings):
    """Settings whose payloads are of so many bytes; None for any size."""

    most_bytes: int | None = None

    @property
    def max_payload_bytes(self) -> int | None:
        return self.most_bytes


def settings_for(
    content_type: str = "text/csv",
    input_filter: str = "$",
    joins: bool = False,
    output_filter: str = "$",
    **members,
) -> SmallSettings:
    defaults = {
        "max_concurrent": 1,
        "max_payload_mb": 0 if members.get("most_bytes", 40) is None else 1,
        "strategy": MULTI_RECORD,
        "timeout_s": 60,
        "retries": 0,
        "headers": {},
        "splits": True,
        "assembles": True,
        "is_gzip": False,
        "processing": processing_of(content_type, input_filter, joins, output_filter),
        "most_bytes": 40,
    }
    return SmallSettings(**{**defaults, **members})


class Trickle(io.BytesIO):
    """A file that gives few bytes at a time."""

    def read(self, size: int = -1) -> bytes:
        return super().read(min(size, 7) if size >= 0 else size)


class OddModel:
    """A model whose answers come in any order: of each line, its checksum."""

    def __init__(self, seed: int = 0, ends: bytes = b"") -> None:
        """ends: what an answer has at its end."""
        self.payloads: list[bytes] = []
        self.n_asked = self.most_asked = 0
        self._random = random.Random(seed)
        self._ends = ends

    async def answer(self, payload: bytes) -> bytes:
        """Return the answer to a payload."""
        self.payloads.append(payload)
        self.n_asked += 1
        self.most_asked = max(self.most_asked, self.n_asked)
        try:
            for _ in range(self._random.randrange(6)):
                await asyncio.sleep(0)
            return self.of(payload)
        finally:
            self.n_asked -= 1

    async def answer_to_chunks(self, chunks: Callable[[], Iterator[bytes]]) -> BinaryIO:
        """Return the answer to a payload of any size, which is sent once in vain."""
        next(chunks(), None)
        return io.BytesIO(await self.answer(b"".join(chunks())))

    def of(self, payload: bytes) -> bytes:
        """Return what the model makes of a payload, whose blank lines it passes over."""
        return b"\n".join(map(self.line, filter(None, payload.splitlines()))) + self._ends

    @staticmethod
    def line(line: bytes) -> bytes:
        """Return what the model makes of a line."""
        return b"%d" % zlib.crc32(line)


def transformed(data: bytes, settings: Settings, model=None) -> bytes:
    """Return an object's output."""
    return asyncio.run(all_transformed([data], settings, model or OddModel()))[0]


async def all_transformed(objects: list[bytes], settings: Settings, model) -> list[bytes]:
    """Return the outputs of objects that are transformed at the same time."""
    room = asyncio.Semaphore(settings.max_concurrent + 1)
    outputs = [io.BytesIO() for _ in objects]
    runs = [
        ObjectRun(Trickle(data), settings, model, room, output.write)
        for data, output in zip(objects, outputs, strict=True)
    ]
    await asyncio.gather(*(run.run() for run in runs))
    return [output.getvalue() for output in outputs]


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


def ended(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


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


class Failing(OddModel):
    """A model that answers some payloads otherwise."""

    def __init__(self, answers: dict[bytes, bytes | Exception]) -> None:
        super().__init__()
        self._answers = answers
        self.n_cancelled = 0

    async def answer(self, payload: bytes) -> bytes:
        """Return the answer to a payload; one of those to fail comes last."""
        answer = self._answers.get(payload)
        if answer is None:
            try:
                return await super().answer(payload)
            except asyncio.CancelledError:
                self.n_cancelled += 1
                raise
        self.payloads.append(payload)
        if isinstance(answer, Exception):
            raise answer
        return answer


def failure(data: bytes, settings: Settings, model=None) -> str:
    with pytest.raises(ObjectFailed) as failed:
        transformed(data, settings, model)
    return str(failed.value)


def test_a_payload_that_fails_ends_the_object_and_asks_no_more():
    single = settings_for(strategy=SINGLE_RECORD, max_concurrent=2)
    model = Failing({b"bad": ObjectFailed("it is bad")})
    assert failure(b"bad\n" + b"good\n" * 50, single, model) == "it is bad"
    assert len(model.payloads) <= 3
    assert model.n_asked == 0


def test_a_failed_object_leaves_its_room_to_others():
    async def transform():
        settings = settings_for(strategy=SINGLE_RECORD, max_concurrent=2)
        model = Failing({b"bad": ObjectFailed("it is bad")})
        room = asyncio.Semaphore(3)
        for data in (b"a\nb\nbad\nc\nd\n", b"1\n" * 9, b'"\n'):
            run = ObjectRun(io.BytesIO(data), settings, model, room, io.BytesIO().write)
            try:
                await run.run()
            except ObjectFailed:
                assert b"bad" in data
        for _ in range(3):
            assert not room.locked()
            await room.acquire()

    asyncio.run(transform())


@pytest.mark.parametrize("most_bytes", [None, 40])
@pytest.mark.parametrize("answer", [b"", b"1", b"1\n2\n3", b"1\n\n"])
def test_other_than_one_answer_for_each_record_is_an_error(answer, most_bytes):
    settings = settings_for(joins=True, most_bytes=most_bytes)
    text = failure(b"a\nb\n", settings, Failing({b"a\nb": answer, b"a\nb\n": answer}))
    assert text.startswith("The number of records in the algorithm's output differs")


@pytest.mark.parametrize("most_bytes", [None, 40])
def test_answers_that_are_not_of_the_type_are_an_error(most_bytes):
    settings = settings_for("application/jsonlines", joins=True, most_bytes=most_bytes)
    text = failure(b"{}", settings, Failing({b"{}": b"<html>"}))
    assert text.startswith("Failed to parse output from the algorithm as JSON")


@pytest.mark.parametrize("most_bytes", [None, 40])
@pytest.mark.parametrize(
    ("input_filter", "text"),
    [("$[1]", "Invalid JsonPath: $[1]: index out of range of 1 columns"), ("$[0]", "Failed to")],
)
def test_records_that_the_filter_cannot_read_are_an_error(most_bytes, input_filter, text):
    settings = settings_for(input_filter=input_filter, most_bytes=most_bytes)
    data = b"1,2\n3\n" if input_filter == "$[1]" else b'1,2\n"3\n'
    assert failure(data, settings).startswith(text)


@pytest.mark.parametrize("splits", [True, False])
def test_a_record_that_is_larger_than_a_payload_is_an_error(splits):
    settings = settings_for(splits=splits)
    assert failure(b"x" * 41, settings) == "A record is larger than MaxPayloadInMB=1 allows"
    assert transformed(b"x" * 40, settings).strip() == OddModel.line(b"x" * 40)


def test_what_a_filter_leaves_out_need_not_fit():
    settings = settings_for(input_filter="$[0]")
    assert transformed(b"1," + b"x" * 400, settings) == OddModel.line(b"1") + b"\n"


def test_a_record_of_any_size_has_a_limit_all_the_same(monkeypatch):
    monkeypatch.setattr(object_run, "MOST_RECORD_BYTES", 1000)
    for settings in (
        settings_for(most_bytes=None, input_filter="$[0]"),
        settings_for(input_filter="$[0]"),
        settings_for("application/json", splits=False, joins=True, most_bytes=None),
    ):
        assert failure(b"x" * 1100, settings).startswith("A record is larger than")


@pytest.mark.parametrize("most_bytes", [None, 40])
def test_an_object_that_is_not_gzip_is_an_error(most_bytes):
    settings = settings_for(is_gzip=True, most_bytes=most_bytes)
    assert failure(b"1,2\n", settings).startswith("Failed to decompress input")
    half = gzip.compress(b"1,2\n" * 9)[:-4]
    assert failure(half, settings).startswith("Failed to decompress input")


def test_a_full_disk_is_no_fault_of_the_object():
    def write(data: bytes) -> None:
        raise OSError(28, "No space left on device")

    async def transform():
        model, room = OddModel(), asyncio.Semaphore(2)
        await ObjectRun(io.BytesIO(b"1\n2\n"), settings_for(), model, room, write).run()

    with pytest.raises(OSError, match="No space left"):
        asyncio.run(transform())
