"""The checks of the tasks: `checks.chapter_1.task_1()` shows a verdict, or stops the notebook."""

from maze_helpers.checks import bonus, chapter_1, chapter_2
from maze_helpers.checks.check import Check, Missing
from maze_helpers.checks.display import CheckFailed
from maze_helpers.checks.verdicts import Failed, OurFault, Passed, Verdict

__all__ = [
    "Check",
    "CheckFailed",
    "Failed",
    "Missing",
    "OurFault",
    "Passed",
    "Verdict",
    "bonus",
    "chapter_1",
    "chapter_2",
]
