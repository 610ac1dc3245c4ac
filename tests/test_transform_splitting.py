"""Objects are taken apart into records however their bytes arrive, and put into full payloads."""

import gzip
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze_helpers.local_cloud.engine.transform.splitting import (
    MEGABYTE,
    PIECE_BYTES,
    Batch,
    TooLarge,
    batches,
    blocks,
    decompressed,
    gathered,
    lines,
    pieces,
)

RECORD = st.binary(min_size=1, max_size=12).filter(
    lambda record: b"\n" not in record and not record.endswith(b"\r")
)
CUTS = st.lists(st.integers(0, 200), max_size=8)


def cut(data: bytes, at: list[int]) -> list[bytes]:
    """Return bytes in pieces, empty ones too."""
    places = [0, *sorted(place for place in at if place <= len(data)), len(data)]
    return [data[start:end] for start, end in zip(places, places[1:], strict=False)]


@given(
    records=st.lists(RECORD, max_size=8),
    ends=st.lists(st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\r\n\r\n"]), min_size=8, max_size=8),
    is_ended=st.booleans(),
    cuts=CUTS,
)
def test_any_chunks_give_the_same_lines(records, ends, is_ended, cuts):
    data = b"".join(record + end for record, end in zip(records, ends, strict=False))
    if not is_ended:
        data = data.rstrip(b"\n")
    assert list(lines(cut(data, cuts), None)) == records


def outcome(found) -> tuple[list[Batch], bool]:
    """Return what comes, and whether a line was too large then."""
    batches_ = []
    try:
        for batch in found:
            batches_.append(batch)
    except TooLarge:
        return batches_, True
    return batches_, False


@given(
    data=st.lists(st.sampled_from([b"\n", b"\r", b"\r\n", b"a", b"bc", b"d,e,f"]), max_size=60),
    most_bytes=st.integers(4, 12),
    cuts=CUTS,
)
def test_blocks_are_the_batches_of_the_same_lines(data, most_bytes, cuts):
    chunks = cut(b"".join(data), cuts)
    records = ((line, b"") for line in lines(chunks, most_bytes))
    expected, expected_too_large = outcome(batches(records, most_bytes, None))
    found, too_large = outcome(blocks(chunks, most_bytes))
    assert too_large == expected_too_large
    # With a line that is too large, all is lost in any case.
    assert too_large or found == expected


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_line_of_exactly_the_limit_is_not_too_large(end):
    assert list(lines([b"1234", b"5" + end[:1], end[1:]], 5)) == [b"12345"]


def test_a_line_that_goes_on_is_given_up_before_its_end():
    def endless():
        while True:
            yield b"x" * 10

    with pytest.raises(TooLarge):
        list(lines(endless(), 100))


@given(
    records=st.lists(RECORD, max_size=12),
    most_bytes=st.none() | st.integers(12, 40),
    most_records=st.none() | st.integers(1, 3),
    joins=st.booleans(),
)
def test_batches_hold_all_records_in_order_and_as_many_as_may_be(
    records, most_bytes, most_records, joins
):
    kept = [(record, record[::-1] if joins else b"") for record in records]
    found = list(batches(kept, most_bytes, most_records))
    assert [line for batch in found for line in batch.payload.split(b"\n")] == records
    for batch in found:
        sent = batch.payload.split(b"\n")
        assert len(sent) == batch.n_records <= (most_records or len(records))
        assert len(batch.payload) <= (most_bytes or len(batch.payload))
        originals = b"\n".join(record[::-1] for record in sent) if joins else b""
        assert batch.originals == originals
    for batch, following in zip(found, found[1:], strict=False):
        is_full = batch.n_records == most_records
        first = following.payload.split(b"\n")[0]
        assert is_full or len(batch.payload) + 1 + len(first) > most_bytes


def test_a_record_of_exactly_the_limit_fits_and_one_byte_more_does_not():
    assert list(batches([(b"12345", b"")], 5, None)) == [Batch(b"12345", b"", 1)]
    with pytest.raises(TooLarge):
        list(batches([(b"123456", b"")], 5, None))


def test_the_batches_before_a_record_that_is_too_large_are_there():
    found = batches([(b"123", b""), (b"45", b""), (b"123456", b"")], 5, None)
    assert [next(found).payload, next(found).payload] == [b"123", b"45"]
    with pytest.raises(TooLarge):
        next(found)


@given(
    members=st.lists(st.binary(max_size=60), min_size=1, max_size=3),
    padding=st.lists(st.integers(0, 5), min_size=3, max_size=3),
    cuts=CUTS,
)
def test_gzip_of_several_members_and_any_chunks(members, padding, cuts):
    stream = b"".join(
        gzip.compress(member) + bytes(zeros)
        for member, zeros in zip(members, padding, strict=False)
    )
    assert b"".join(decompressed(cut(stream, cuts))) == b"".join(members)


@pytest.mark.parametrize("size", [MEGABYTE - 1, MEGABYTE, 5 * MEGABYTE + 1])
def test_what_a_little_gzip_becomes_comes_in_bounded_pieces(size):
    stream = gzip.compress(bytes(size))
    found = list(decompressed(cut(stream, [1, 30, len(stream) - 8, len(stream) - 1])))
    assert sum(map(len, found)) == size
    assert max(map(len, found)) <= MEGABYTE


def test_gzip_that_hardly_shrinks():
    data = random.Random(1).randbytes(3 * PIECE_BYTES)
    assert b"".join(decompressed(pieces(gzip.compress(data)))) == data


@given(kept=st.integers(1, 40), cuts=CUTS)
def test_gzip_that_ends_too_early_is_an_error(kept, cuts):
    stream = gzip.compress(b"some rows of some data")[:-1][:kept]
    with pytest.raises(EOFError):
        list(decompressed(cut(stream, cuts)))


def test_nothing_at_all_is_no_gzip_error():
    assert list(decompressed([])) == list(decompressed([b""])) == []


@pytest.mark.parametrize(
    "stream",
    [
        b"1,2\n3,4\n",
        bytes(20),
        zlib.compress(b"1,2"),
        gzip.compress(b"1,2") + b"garbage",
        gzip.compress(b"1,2")[:-8] + b"\1" * 8,
    ],
    # By name: the time is in what is compressed.
    ids=["text", "zeros", "zlib", "garbage behind", "a wrong checksum"],
)
def test_what_is_not_gzip_is_an_error(stream):
    with pytest.raises(gzip.BadGzipFile):
        list(decompressed([stream]))


@given(parts=st.lists(st.binary(max_size=9)))
def test_small_parts_are_gathered_into_the_same_bytes(parts):
    assert b"".join(gathered(parts)) == b"".join(parts)
    assert all(gathered(parts))


def test_pieces_are_of_one_size():
    data = random.Random(2).randbytes(2 * PIECE_BYTES + 1)
    assert [len(piece) for piece in pieces(data)] == [PIECE_BYTES, PIECE_BYTES, 1]
    assert b"".join(pieces(data)) == data
    assert [len(piece) for piece in gathered([data[:9]] * 100_000)][0] < PIECE_BYTES + 9
