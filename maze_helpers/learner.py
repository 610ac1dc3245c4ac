"""What a learner calls in a cell: `check()`, `hint()`, `answer()`, `note()` and `progress()`.

Each knows the task by the folder it runs in, and shows what it finds. A learner's mistake is one
sentence, never a traceback.
"""

import functools
import inspect
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any

from maze_helpers import answers, boxes, hints, notes, progress_view, tasks
from maze_helpers.checks.display import CheckFailed, show
from maze_helpers.judging import help_with, judge
from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.parts import QUESTION, STEP, named


def _in_a_sentence(verb: Callable[..., None]) -> Callable[..., None]:
    """Return the verb, whose errors Python shows as their sentence alone, as IPython does."""

    @functools.wraps(verb)
    def called(*given: Any, **named_given: Any) -> None:
        try:
            _require_fitting(verb, given, named_given)
            verb(*given, **named_given)
        except (CheckFailed, MazeError):
            if not boxes.in_ipython():
                _leave_out_the_next_traceback()
            raise

    return called


def _require_fitting(
    verb: Callable[..., None], given: tuple[Any, ...], named_given: dict[str, Any]
) -> None:
    """Raise TaskError, unless the verb can be called so."""
    signature = inspect.signature(verb)
    try:
        signature.bind(*given, **named_given)
    except TypeError as error:
        usage = f"{verb.__name__}({', '.join(signature.parameters)})"
        raise tasks.TaskError(f"Call it as {usage}, in a task's folder: {error}.") from error


def _leave_out_the_next_traceback() -> None:
    before = sys.excepthook

    def say(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        sys.excepthook = before
        if isinstance(error, CheckFailed | MazeError):
            print(error, file=sys.stderr)
        else:
            before(kind, error, trace)

    sys.excepthook = say


@_in_a_sentence
def check() -> None:
    """Show the verdict on the work on this folder's task, and a hint for the step it is about.

    Raises: CheckFailed, unless the task is done; MazeError, outside a task's folder.
    """
    judgement = judge(tasks.here())
    show(judgement.place.task.label, judgement.verdict, *help_with(judgement))


@_in_a_sentence
def hint(step: object = None) -> None:
    """Show the next hint for a step or a question, such as 2, "step 2" or "question 1".

    step: None for the one that the last check found missing, else the first with hints left.
    """
    place = tasks.here()
    found = hints.next_hint(place, None if step is None else named(step, STEP))
    boxes.show(hints.box(place, found))


@_in_a_sentence
def answer(question: object = None) -> None:
    """Show our answer to a question, such as 1 or "question 1", or our cell of "step 2".

    question: None for the step that the last check found missing, else the first not yet seen.
    """
    place = tasks.here()
    part = None if question is None else named(question, QUESTION)
    found = answers.reveal(place, part)
    markdown = found.markdown
    boxes.show_as({"text/plain": markdown, "text/markdown": markdown}, found.print)


@_in_a_sentence
def note(question: object, text: str | None = None) -> None:
    """Keep your own answer to a question, such as 1, for the review round; or show it again."""
    place = tasks.here()
    found = notes.kept(place, question) if text is None else notes.keep(place, question, text)
    boxes.show(notes.box(found))


@_in_a_sentence
def progress() -> None:
    """Show the map, with what is done, what it took, and what to do next."""
    here = progress_view.here()
    boxes.show_as({"text/plain": here.plain, "text/html": here.html}, here.print)
