"""An object that cannot be transformed says why, and leaves its room to others."""

import asyncio
import gzip
import io

import pytest
from object_runs import OddModel, settings_for, transformed

from maze_helpers.local_cloud.engine.transform import object_run
from maze_helpers.local_cloud.engine.transform.object_run import ObjectFailed, ObjectRun
from maze_helpers.local_cloud.engine.transform.settings import SINGLE_RECORD, Settings


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
