"""A check: which task it belongs to, what it asks for, and one function that looks at the work."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3

from maze_helpers.checks.display import show
from maze_helpers.checks.refusals import refusal
from maze_helpers.checks.verdicts import Done, DoneDifferently, NotBegun, NotYet, OurFault, Verdict


class Missing(Exception):
    """Raised by a check's function: one sentence that says what the work lacks.

    step: the participant's cell that it belongs to, from 1; None, where that is not known.
    """

    def __init__(self, sentence: str, step: int | None = None) -> None:
        super().__init__(sentence)
        self.step = step


class StillRunning(Missing):
    """Raised when the work has not ended yet; it is of no step, as a hint makes it no faster."""


class NothingYet(Exception):
    """Raised by a check's function that finds no work: one sentence that says where to begin.

    step: the participant's cell that it speaks of, from 1; None, where it speaks of none.
    """

    def __init__(self, sentence: str, step: int | None = None) -> None:
        super().__init__(sentence)
        self.step = step


@contextmanager
def belonging_to(step: int) -> Iterator[None]:
    """Let what the block finds missing belong to the step, unless it belongs to another."""
    try:
        yield
    except StillRunning:
        raise
    except (Missing, NothingYet) as missing:
        if missing.step is None:
            missing.step = step
        raise


@dataclass(frozen=True)
class Work:
    """Somebody's work on a task: the task's folder, and what they made in the cloud since."""

    folder: Path
    session: boto3.Session
    since: datetime


@dataclass(frozen=True)
class Check:
    """A check of one task.

    look: gets the work; returns the sentence of success, or a verdict, or raises Missing or
    NothingYet.
    """

    task: str
    goal: str
    look: Callable[..., str | Done | DoneDifferently]

    def verdict(self, *work: Any, **named_work: Any) -> Verdict:
        """Return the verdict on the work; an error of the check's own is OurFault."""
        try:
            found = self.look(*work, **named_work)
        except NothingYet as nothing:
            return NotBegun(str(nothing), nothing.step)
        except Missing as missing:
            return NotYet(str(missing), missing.step)
        except Exception as error:
            if refused := refusal(error):
                return NotYet(refused)
            return OurFault(
                f"the check broke with {type(error).__name__}: {error} ({_place(error)}); "
                "your work was not judged, please report this."
            )
        return Done(found) if isinstance(found, str) else found

    def __call__(self, *work: Any, **named_work: Any) -> None:
        """Show the verdict on the work; raise CheckFailed, unless it is done."""
        show(self.task, self.verdict(*work, **named_work))


def _place(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name}, line {frame.lineno}"
