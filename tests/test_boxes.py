"""Boxes look alike in a notebook and on a terminal, and are whole as plain text."""

import re
from io import StringIO

import pytest
from rich.console import Console

from maze_helpers import boxes
from maze_helpers.boxes import Below, Box
from maze_helpers.checks import Done, DoneDifferently, NotBegun, NotYet, OurFault
from maze_helpers.checks.display import COLOURS, verdict_box

BOX = Box(
    boxes.AMBER,
    "Not yet",
    "chapter 1, task 1",
    "`a<b>` fails with '*x* [red]'.",
    (Below("Hint 1 of 3 · step 1", "Try `print(1 < 2)`.\n\n```python\nx = 1\n```"),),
)


def printed(box: Box, is_terminal: bool = False) -> str:
    out = StringIO()
    box.print(Console(file=out, force_terminal=is_terminal, width=60))
    return out.getvalue()


def luminance(colour: str) -> float:
    """Return the relative luminance of #rrggbb, as WCAG defines it."""
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_a_box_as_plain_text_has_everything():
    assert BOX.plain == (
        "Not yet · chapter 1, task 1: `a<b>` fails with '*x* [red]'.\n\n"
        "Hint 1 of 3 · step 1\nTry `print(1 < 2)`.\n\n```python\nx = 1\n```"
    )


def test_without_a_terminal_a_box_is_plain_text():
    assert printed(BOX) == BOX.plain + "\n"


def test_on_a_terminal_nothing_is_taken_for_markup():
    text = re.sub(r"\x1b[^m]*m", "", printed(BOX, is_terminal=True))
    assert text.startswith(" Not yet  chapter 1, task 1\n")
    assert "`a<b>` fails with '*x* [red]'." in text and "Try `print(1 < 2)`." in text


def test_in_a_notebook_only_code_is_marked_in_a_sentence():
    assert "<code>a&lt;b&gt;</code> fails with '*x* [red]'." in BOX.html


def test_in_a_notebook_what_is_below_is_markdown_without_html():
    box = Box(boxes.BLUE, "Hint", "t", "x", (Below("", "**so** <script>1</script>\n\n- a\n- b"),))
    assert "<strong>so</strong> &lt;script&gt;" in box.html and "<li>a</li>" in box.html
    assert "<b>" not in box.html


def test_every_verdict_has_a_colour_of_its_own():
    verdicts = (NotBegun, NotYet, Done, DoneDifferently, OurFault)
    found = [verdict_box("t", verdict("x")) for verdict in verdicts]
    assert len({box.colour for box in found}) == len({box.headline for box in found}) == 5


def test_our_fault_says_where_to_report_it():
    assert "`maze doctor`" in verdict_box("t", OurFault("x")).plain


@pytest.mark.parametrize("colour", [*COLOURS.values(), boxes.BLUE])
def test_a_headline_is_legible(colour):
    assert 1.05 / (luminance(colour) + 0.05) >= 4.5


def test_a_box_may_have_no_text():
    box = Box(boxes.BLUE, "Hint 1 of 3", "step 1", "", (Below("", "Try."),))
    assert box.plain == "Hint 1 of 3 · step 1\n\nTry."
    assert "margin-top:.4em" not in box.html
