"""How far a load test is: a bar in a notebook or a terminal, one line anywhere else.

tqdm's and rich's bars need a widget extension in notebooks, and without it leave a line for every
step there. A display that is updated in place needs nothing, and a saved notebook keeps the last.
"""

from __future__ import annotations

import html
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress

UPDATE_EVERY_S = 0.25


class Progress(Protocol):
    """Shows how many calls have come to an end."""

    def show(self, ended: int) -> None:
        """Show the number."""


@contextmanager
def progress(label: str, total: int) -> Iterator[Progress]:
    """Yield what shows progress. label: one line that says what is going on."""
    if _is_notebook():
        bar = _NotebookBar(label, total)
        try:
            yield bar
        finally:
            bar.close()
    elif sys.stderr.isatty():
        with _rich(Console(stderr=True)) as rich:
            yield _TerminalBar(rich, label, total)
    else:
        print(label)
        yield _Quiet()


def _is_notebook() -> bool:
    """Return whether a notebook's kernel runs this: it alone has a `kernel` on its shell."""
    ipython = sys.modules.get("IPython")
    return hasattr(ipython.get_ipython(), "kernel") if ipython else False


def _rich(console: Console) -> RichProgress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return RichProgress(*columns, TimeElapsedColumn(), console=console)


class _TerminalBar:
    def __init__(self, rich: RichProgress, label: str, total: int) -> None:
        self._rich = rich
        self._task = rich.add_task(label, total=total)

    def show(self, ended: int) -> None:
        self._rich.update(self._task, completed=ended)


class _Quiet:
    def show(self, ended: int) -> None:
        pass


class _NotebookBar:
    """A cell's display, updated in place."""

    def __init__(self, label: str, total: int) -> None:
        from IPython.display import display

        self._label, self._total, self._ended = label, total, 0
        self._shown_s = time.monotonic()
        self._display = display(self, display_id=True)

    def show(self, ended: int) -> None:
        self._ended = ended
        if time.monotonic() - self._shown_s >= UPDATE_EVERY_S:
            self._shown_s = time.monotonic()
            self._display.update(self)

    def close(self) -> None:
        self._display.update(self)

    def __repr__(self) -> str:
        return f"{self._label}: {self._ended} of {self._total}"

    def _repr_html_(self) -> str:
        return (
            f"<div>{html.escape(self._label)}<br>"
            f'<progress value="{self._ended}" max="{self._total}" style="width: 24em"></progress> '
            f"{self._ended} of {self._total}</div>"
        )
