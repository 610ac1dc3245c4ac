"""How a verdict looks in a notebook and in a terminal."""

from maze_helpers import boxes
from maze_helpers.boxes import Below, Box
from maze_helpers.checks.verdicts import (
    Done,
    DoneDifferently,
    NotBegun,
    NotYet,
    OurFault,
    Verdict,
)

COLOURS = {
    NotBegun: boxes.GREY,
    NotYet: boxes.AMBER,
    Done: boxes.GREEN,
    DoneDifferently: boxes.TEAL,
    OurFault: boxes.RED,
}
REPORT = Below(
    "Where do you report it?",
    "To whoever runs your workshop, or where you got the maze from: this box, and what "
    "`maze doctor` prints in a terminal. The mistake is not yours.",
)


class CheckFailed(Exception):
    """A task is not done; a notebook shows the verdict's box and one line, not the way to it.

    Its text is the verdict, whole. line: what to show of it where its box is shown already.
    """

    def __init__(self, text: str, line: str | None = None) -> None:
        super().__init__(text)
        self._line = line or text

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows in place of a traceback."""
        return [self._line]


def verdict_box(task: str, verdict: Verdict, *below: Below) -> Box:
    """Return the verdict on a task as a box. below: what comes with it, such as a hint."""
    if isinstance(verdict, OurFault):
        below = (*below, REPORT)
    return Box(COLOURS[type(verdict)], verdict.headline, task, verdict.sentence, below)


def show(task: str, verdict: Verdict, *below: Below) -> None:
    """Show the verdict on a task; raise CheckFailed, unless it is done."""
    box = verdict_box(task, verdict, *below)
    if isinstance(verdict, Done | DoneDifferently):
        boxes.show(box)
    elif boxes.in_ipython():
        boxes.show(box)
        raise CheckFailed(box.line, f"{_why(verdict)}, so a run of the whole notebook stops here.")
    else:
        raise CheckFailed(box.plain)


def _why(verdict: Verdict) -> str:
    return "The check broke" if isinstance(verdict, OurFault) else "The task is not done"
