"""How far somebody has come, to look at: the map, a row a task, and what to do next."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from maze_helpers import tasks
from maze_helpers.boxes import inline_html
from maze_helpers.progress import Progress, TaskProgress, read
from maze_helpers.tasks import TASKS, Task, TaskError

if TYPE_CHECKING:
    from rich.console import Console

# The notebooks' map; a brace is the mark of a task.
MAP = """\
       ┌─ chapter 1: training ───────────────────────────────────────┐
 in  →  {} 1 script     {} 2 arguments  {} 3 job        {} 4 metrics     │
       ├──────────────────────────────────────────────╴           ╶──┤
 out ←                 {} 7 batch      {} 6 serverless {} 5 endpoint    │
       └─ chapter 2: inference ──────────────────────────────────────┘
"""
# The tasks of the braces, by their place in TASKS: the way back reads from right to left.
MAP_ORDER = (0, 1, 2, 3, 6, 5, 4)
DONE, CAUGHT_UP, HERE, ELSE = "✓", "»", "●", "·"
LEGEND = {DONE: "done", CAUGHT_UP: "caught up", HERE: "you are here"}
CELL = 'style="text-align:left;padding:.15em .8em;vertical-align:top"'


@dataclass(frozen=True)
class Row:
    """A task in the view. verdict: of the last check. minutes: it took; None before its end.

    hints, answers: how many were shown; answers without those of steps are of questions.
    """

    task: str
    title: str
    mark: str
    verdict: str
    minutes: float | None
    hints: int
    answers: int

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as texts, in the order of COLUMNS."""
        return (
            self.mark,
            self.task,
            self.verdict,
            duration(self.minutes),
            str(self.hints or ""),
            str(self.answers or ""),
        )


COLUMNS = ("", "task", "last check", "time", "hints", "answers")


@dataclass(frozen=True)
class View:
    """The map, the rows and what to do next, as texts."""

    map: str
    rows: tuple[Row, ...]
    next: str

    @property
    def html(self) -> str:
        """The view as HTML, legible on any ground."""
        head = "".join(f"<th {CELL}>{name}</th>" for name in COLUMNS)
        body = "".join(
            "<tr>" + "".join(f"<td {CELL}>{html.escape(c)}</td>" for c in row.cells) + "</tr>"
            for row in self.rows
        )
        return (
            f'<pre style="line-height:1.25;font-family:monospace">{html.escape(self.map)}</pre>'
            f"<table><tr>{head}</tr>{body}</table><p>{inline_html(self.next)}</p>"
        )

    @property
    def plain(self) -> str:
        """The view as plain text."""
        return f"{self._drawn}\n\n{self.next}"

    def print(self, console: Console) -> None:
        """Print the view; on a terminal, what to do next is in lines that fit."""
        console.print(self._drawn, markup=False, highlight=False, soft_wrap=True)
        console.print()
        is_file = not console.is_terminal
        console.print(self.next, markup=False, highlight=False, soft_wrap=is_file)

    @property
    def _drawn(self) -> str:
        rows = [COLUMNS, *(row.cells for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = (
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        )
        return "\n".join([self.map, *lines])


def here() -> View:
    """Return the view from the task whose folder this is, else from the chapters around.

    Raises: TaskError, if there are no chapters here; MazeError, if the progress is damaged.
    """
    try:
        place = tasks.here()
    except TaskError:
        return look(read(tasks.root()))
    return look(read(place.root), place.task)


def look(known: Progress, here: Task | None = None) -> View:
    """Return the view. here: the task whose folder somebody is in; else the next one to do."""
    following = next((task for task in TASKS if known.of(task.name).ended_at is None), None)
    here = here or following
    rows = tuple(_row(known, task, here) for task in TASKS)
    return View(_map(rows), rows, _next(known, following))


def _row(known: Progress, task: Task, here: Task | None) -> Row:
    one = known.of(task.name)
    verdict = "Caught up" if one.caught_up_at and not one.checks else one.verdict
    minutes = minutes_taken(known, task.name)
    hints, answers = sum(one.hints.values()), len(one.answers)
    return Row(task.name, task.title, _mark(one, task == here), verdict, minutes, hints, answers)


def _mark(one: TaskProgress, is_here: bool) -> str:
    if one.done_at:
        return DONE
    if is_here:
        return HERE
    return CAUGHT_UP if one.caught_up_at else ELSE


def _map(rows: Sequence[Row]) -> str:
    marks = [row.mark for row in rows]
    legend = ", ".join(f"{mark} {what}" for mark, what in LEGEND.items() if mark in marks)
    return MAP.format(*(marks[place] for place in MAP_ORDER)) + f"         {legend}\n"


def _next(known: Progress, following: Task | None) -> str:
    if following is None:
        is_all = all(known.of(task.name).done_at for task in TASKS)
        end = "All seven are done." if is_all else "All that you did not skip is done."
        return f"{end} `maze clean` lists what you made and what may still bill."
    one = known.of(following.name)
    named = f"Next: {following.name}, {following.title}"
    if one.verdict == TaskProgress.verdict:
        return f"{named}. Open {following.name}/{following.notebook}."
    return f"{named}. The last check said: {one.sentence}"


def minutes_taken(known: Progress, task: str) -> float | None:
    """Return how long a task took, from the end of the one before; None before it is done.

    The one before is whichever was done last; for the first, it counts from the start.
    """
    done_at = known.of(task).done_at
    if done_at is None:
        return None
    ended = datetime.fromisoformat(done_at)
    others = (one.ended_at for name, one in known.tasks.items() if name != task)
    times = [datetime.fromisoformat(at) for at in (known.started_at, *others) if at]
    began = max((time for time in times if time <= ended), default=ended)
    return (ended - began) / timedelta(minutes=1)


def duration(minutes: float | None) -> str:
    """Return minutes as people say them: "4 min", "1 h 20 min"; nothing for None."""
    if minutes is None:
        return ""
    hours, rest = divmod(round(minutes), 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min"
