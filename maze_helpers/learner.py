"""What a learner calls in a cell: `check()`, `hint()`, `answer()`, `note()` and `progress()`.

Each knows the task by the folder it runs in, and shows what it finds. A learner's mistake is one
sentence, never a traceback.
"""

import functools
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any

from maze_helpers import answers, boxes, hints, notes, progress_view, tasks
from maze_helpers import progress as progress_file
from maze_helpers.boxes import Below, Box
from maze_helpers.checks import CHECKS, CheckFailed
from maze_helpers.checks.display import show
from maze_helpers.hints import Hint, Topic
from maze_helpers.judging import help_with, judge
from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.notes import Note
from maze_helpers.parts import QUESTION, STEP, named
from maze_helpers.progress_view import View
from maze_helpers.tasks import Place


def _in_a_sentence(verb: Callable[..., None]) -> Callable[..., None]:
    """Return the verb, whose errors Python shows as their sentence alone, as IPython does."""

    @functools.wraps(verb)
    def called(*given: Any, **named_given: Any) -> None:
        try:
            verb(*given, **named_given)
        except (CheckFailed, MazeError):
            if not boxes.in_ipython():
                _leave_out_the_next_traceback()
            raise

    return called


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
    show(judgement.label, judgement.verdict, *help_with(judgement))


@_in_a_sentence
def hint(step: object = None) -> None:
    """Show the next hint for a step or a question, such as 2, "step 2" or "question 1".

    step: None for the one that the last check found missing, else the first with hints left.
    """
    place = tasks.here()
    found = hints.next_hint(place, None if step is None else named(step, STEP))
    boxes.show(hint_box(place, found))


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
    if text is None:
        boxes.show(note_box(place, notes.kept(place, question), "Your note"))
    else:
        boxes.show(note_box(place, notes.keep(place, question, text), "Noted"))


@_in_a_sentence
def progress() -> None:
    """Show the map, with what is done, what it took, and what to do next."""
    here = view()
    boxes.show_as({"text/plain": here.plain, "text/html": here.html}, here.print)


def view() -> View:
    """Return how far somebody has come, seen from the task whose folder this is, if it is one."""
    try:
        place = tasks.here()
    except tasks.TaskError:
        return progress_view.look(progress_file.read(tasks.root()))
    return progress_view.look(progress_file.read(place.root), place.task)


def label(place: Place) -> str:
    """Return what people call the task: "chapter 1, task 3"."""
    return CHECKS[place.task.name].task


def hint_box(place: Place, found: Hint | Topic) -> Box:
    """Return a hint as a box; of a topic that has no more, where the answer is."""
    topic = found if isinstance(found, Topic) else found.topic
    about = f"{label(place)} · {topic.part.name}"
    if isinstance(found, Topic):
        return Box(boxes.GREY, "No more hints", about, hints.where_the_answer_is(place, topic))
    headline = f"Hint {found.number} of {len(topic.hints)}"
    return Box(boxes.BLUE, headline, about, f"{topic.about}:", (Below("", found.text),))


def note_box(place: Place, found: Note, headline: str) -> Box:
    """Return a note as a box."""
    about = f"{label(place)} · {found.part}"
    return Box(boxes.BLUE, headline, about, found.asked, (Below("", found.text),))
