"""The checks of the tasks; `check()` of maze_helpers.learner shows their verdicts."""

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

# By the task's name, as maze_helpers.tasks has it.
CHECKS = {
    "chapter_1/task_1": chapter_1.task_1,
    "chapter_1/task_2": chapter_1.task_2,
    "chapter_1/task_3": chapter_1.task_3,
    "chapter_1/task_4": chapter_1.task_4,
    "chapter_2/task_1": chapter_2.task_1,
    "chapter_2/task_2": chapter_2.task_2,
    "chapter_2/task_3": chapter_2.task_3,
}

__all__ = [
    "CHECKS",
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
