"""A task's steps and questions by name, as learners call them: "step 2", "question 1", "q1"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from maze_helpers.tasks import Task, TaskError, find

STEP, QUESTION = "step", "question"
NAME = re.compile(r"((?P<kind>step|question|s|q)[ _-]*)?(?P<number>[0-9]{1,4})", re.IGNORECASE)


@dataclass(frozen=True, order=True)
class Part:
    """A step or a question of a task; the first is number 1."""

    kind: str
    number: int

    @property
    def name(self) -> str:
        """What people call it, such as "step 2"; the key in the progress."""
        return f"{self.kind} {self.number}"


def named(name: object, otherwise: str = STEP) -> Part:
    """Return the part of a name. otherwise: what a number alone is of.

    Example: "step 2", "q1" and "Question 3"; 2 and "2" are step 2, if otherwise is "step".
    Raises: TaskError, if it is no such name.
    """
    match = NAME.fullmatch(str(name).strip())
    if match is None:
        raise TaskError(f"There is no part called {name}: say step 2, or question 1.")
    kind = {"s": STEP, "q": QUESTION}.get((match["kind"] or otherwise)[0].lower(), otherwise)
    return Part(kind, int(match["number"]))


def require(part: Part, known: Sequence[Part], task: Task) -> None:
    """Raise TaskError, unless the part is one that the task has."""
    if part in known:
        return
    count = sum(other.kind == part.kind for other in known)
    there = (
        "none" if not count else f"{part.kind} 1" if count == 1 else f"{part.kind}s 1 to {count}"
    )
    raise TaskError(f"There is no {part.name} in {task.name}; it has {there}.")


def split(words: Sequence[str]) -> tuple[str | None, str | None, str]:
    """Return task, part and the rest of what somebody typed; None for what they left out.

    Example: ["chapter_1/task_3", "step", "2"], ["q1", "my", "answer"].
    """
    words = list(words)
    task = words.pop(0) if words and _is_task(words[0]) else None
    part = None
    if len(words) > 1 and NAME.fullmatch(" ".join(words[:2])):
        part = f"{words.pop(0)} {words.pop(0)}"
    elif words:
        part = words.pop(0)
    return task, part, " ".join(words)


def _is_task(word: str) -> bool:
    """Return whether the word names a task, or is a path that may have been meant as one."""
    if "/" in word:
        return True
    try:
        find(word)
    except TaskError:
        return False
    return True
