"""The checks of the tasks: `checks.chapter_1.task_1()` shows a verdict, or stops the notebook."""

from maze_helpers.checks import bonus, chapter_1, chapter_2
from maze_helpers.checks.check import Check, Missing, NothingYet, Work
from maze_helpers.checks.display import CheckFailed
from maze_helpers.checks.verdicts import (
    Done,
    DoneDifferently,
    NotBegun,
    NotYet,
    OurFault,
    Verdict,
)

__all__ = [
    "Check",
    "CheckFailed",
    "Done",
    "DoneDifferently",
    "Missing",
    "NotBegun",
    "NotYet",
    "NothingYet",
    "OurFault",
    "Verdict",
    "Work",
    "bonus",
    "chapter_1",
    "chapter_2",
]
