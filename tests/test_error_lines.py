"""What a failure says of a script's output."""

from hypothesis import given
from hypothesis import strategies as st

from maze_helpers.local_cloud.container.error_lines import ErrorLines, error_message


def kept_of(*pieces: bytes) -> list[str]:
    lines = ErrorLines("ExecuteUserScriptError")
    for piece in pieces:
        lines.feed(piece)
    lines.end()
    return lines.kept


def test_lines_are_kept_from_the_first_error_on():
    assert kept_of(b"epoch 1\nValueError: bad\n  more:\n") == ["ValueError: bad\n", "more\n"]


def test_without_an_error_nothing_is_kept():
    assert kept_of(b"epoch 1\nall is well\n") == []


def test_the_failures_own_name_and_pips_words_are_errors():
    assert kept_of(b"an ExecuteUserScriptError\n") == ["an ExecuteUserScriptError\n"]
    assert kept_of(b"ERROR: Invalid requirement: 'x y'\n") == [
        "ERROR: Invalid requirement: 'x y'\n"
    ]


def test_a_stream_that_goes_on_and_on_after_an_error_is_not_kept_whole():
    pieces = [b"OSError\n", *[b"a line of some length\n" * 1000] * 50, b"x" * 1_000_000]
    assert sum(map(len, kept_of(*pieces))) < 500_000


LINES = st.lists(
    st.sampled_from(["", "epoch 1", "ValueError: h\u00e9", "  an Exception :", "twice", "\tx"])
)


@given(lines=LINES, cuts=st.lists(st.integers(0, 200)), ended=st.booleans())
def test_how_a_stream_is_cut_into_pieces_changes_nothing(lines, cuts, ended):
    stream = "\n".join(lines).encode() + (b"\n" if ended else b"")
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[a:b] for a, b in zip(places, places[1:], strict=False)]
    assert kept_of(*pieces) == kept_of(stream)


def test_the_message_has_stdout_first_and_each_line_once():
    out, err = ErrorLines("X"), ErrorLines("X")
    out.feed(b"caught KeyError\ntwice\n")
    err.feed(b"Traceback\n  raise OSError\ntwice\nOSError: full\n")
    assert error_message(out, err).splitlines() == [
        "caught KeyError",
        " twice",
        " raise OSError",
        " OSError: full",
    ]
