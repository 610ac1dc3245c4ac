"""A check: which task it belongs to, what it asks for, and one function that looks at the work."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maze_helpers.checks.display import show
from maze_helpers.checks.verdicts import Failed, OurFault, Passed, Verdict


class Missing(Exception):
    """Raised by a check's function: one sentence that says what the work lacks."""


@dataclass(frozen=True)
class Check:
    """A check of one task.

    look: gets the work, returns the sentence of success, or raises Missing.
    """

    task: str
    goal: str
    look: Callable[..., str]

    def verdict(self, *work: Any, **named_work: Any) -> Verdict:
        """Return the verdict on the work; an error of the check's own is OurFault."""
        try:
            return Passed(self.look(*work, **named_work))
        except Missing as missing:
            return Failed(str(missing))
        except Exception as error:
            return OurFault(
                f"the check broke with {type(error).__name__}: {error} ({_place(error)}); "
                "your work was not judged, please report this."
            )

    def __call__(self, *work: Any, **named_work: Any) -> None:
        """Show the verdict on the work; raise CheckFailed, unless it passed."""
        show(self.task, self.verdict(*work, **named_work))


def _place(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name}, line {frame.lineno}"
