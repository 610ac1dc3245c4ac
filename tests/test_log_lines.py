"""Output becomes lines, however it is cut."""

from hypothesis import given
from hypothesis import strategies as st

from maze_helpers.local_cloud.engine.log_lines import MAX_LINE_BYTES, LineSplitter, log_text


def split(chunks: list[bytes]) -> list[str]:
    splitter = LineSplitter()
    return [line for chunk in chunks for line in splitter.feed(chunk)] + splitter.finish()


@given(st.binary(), st.lists(st.integers(min_value=0, max_value=40)))
def test_the_lines_do_not_depend_on_how_the_output_is_cut(output, cuts):
    cuts = sorted({min(cut, len(output)) for cut in cuts})
    chunks = [output[a:b] for a, b in zip([0, *cuts], [*cuts, len(output)], strict=True)]
    assert split(chunks) == split([output])


@given(st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs"]))))
def test_plain_lines_come_out_as_they_went_in(lines):
    assert split(["".join(f"{line}\n" for line in lines).encode()]) == lines


@given(st.binary())
def test_no_line_holds_a_control_character(output):
    assert all(ord(char) > 31 and ord(char) != 127 for line in split([output]) for char in line)


def test_a_long_line_is_cut_between_characters():
    line = "é" * MAX_LINE_BYTES
    pieces = split([b"x" + line.encode()])
    assert "".join(pieces) == "x" + line
    assert all(len(piece.encode()) <= MAX_LINE_BYTES for piece in pieces)


def test_a_long_line_that_is_no_text_is_cut_as_well():
    pieces = split([b"\x80" * (2 * MAX_LINE_BYTES)])
    assert "".join(pieces) == "\ufffd" * (2 * MAX_LINE_BYTES)


def test_escaped_at_worst_a_piece_still_fits_an_event():
    # documented: an event of CloudWatch Logs holds 262,144 bytes, 26 of them overhead.
    pieces = split([b"\x00" * (2 * MAX_LINE_BYTES)])
    assert all(len(piece.encode()) <= 262_144 - 26 for piece in pieces)


def test_control_characters_are_written_as_sagemaker_writes_them():
    # observed, in public job logs: XGBoost's "[0]#011train-rmse" and progress bars' "#015".
    assert log_text(b"[0]\ttrain-rmse:8.1") == "[0]#011train-rmse:8.1"
    assert log_text(b" 0%\r100%\x1b[A\x7f") == " 0%#015100%#033[A#177"
