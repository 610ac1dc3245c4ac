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

    Its text is the verdict, whole. shown: whether it has been shown in a box already.
    """

    def __init__(self, text: str, shown: bool = False) -> None:
        super().__init__(text)
        self.shown = shown

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows in place of a traceback."""
        if not self.shown:
            return [str(self)]
        return ["The task is not done, so a run of the whole notebook stops here."]


def verdict_box(task: str, verdict: Verdict, *below: Below) -> Box:
    """Return the verdict on a task as a box. below: what comes with it, such as a hint."""
    if isinstance(verdict, OurFault):
        below = (*below, REPORT)
    return Box(COLOURS[type(verdict)], verdict.headline, task, verdict.sentence, below)


def show(task: str, verdict: Verdict, *below: Below) -> None:
    """Show the verdict on a task; raise CheckFailed, unless it is done."""
    box = verdict_box(task, verdict, *below)
    is_done = isinstance(verdict, Done | DoneDifferently)
    in_ipython = boxes.in_ipython()
    if is_done or in_ipython:
        boxes.show(box)
    if not is_done:
        raise CheckFailed(box.line if in_ipython else box.plain, shown=in_ipython)
