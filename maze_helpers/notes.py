"""A learner's own answers, kept in the progress for the review round."""

from dataclasses import dataclass
from pathlib import Path

from maze_helpers import boxes, progress
from maze_helpers.answers import answers
from maze_helpers.boxes import Below, Box
from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.parts import QUESTION, named, require
from maze_helpers.tasks import TASKS, Place, Task, TaskError


class NoteError(MazeError):
    """There is nothing to keep or to show: one sentence that says what to do."""


@dataclass(frozen=True)
class Note:
    """A learner's answer. part: such as "question 1". asked: the question, as the notebook asks."""

    task: Task
    part: str
    asked: str
    text: str


def keep(place: Place, name: object, text: str) -> Note:
    """Return the note, kept in place of an earlier one to the same question.

    name: such as 1 or "question 1". Raises: NoteError, if the text is empty; TaskError, if the
    task has no such question.
    """
    part = named(name, QUESTION)
    known = answers(place.task)
    require(part, list(known), place.task)
    text = str(text).strip()
    if not text:
        raise NoteError(f"The note has no text: note({part.number}, 'what you found') has one.")
    with progress.changing(place.root) as changed:
        changed.of(place.task.name).notes[part.name] = text
    return Note(place.task, part.name, known[part].title, text)


def kept(place: Place, name: object) -> Note:
    """Return the note to a question; raise NoteError, if there is none."""
    part = named(name, QUESTION)
    for note in of_task(place):
        if note.part == part.name:
            return note
    raise NoteError(f"You have no note to {part.name} of {place.task.name} yet.")


def of_task(place: Place) -> list[Note]:
    """Return the notes of one task, in the order of its questions."""
    return _of_task(progress.read(place.root), place.task)


def every(root: Path) -> list[Note]:
    """Return all notes of the folder with the chapters, in the order of tasks and questions."""
    known = progress.read(root)
    return [note for task in TASKS for note in _of_task(known, task)]


def _of_task(known: progress.Progress, task: Task) -> list[Note]:
    kept = known.of(task.name).notes
    if not kept:
        return []
    try:
        asked = {part.name: answer.title for part, answer in answers(task).items()}
    except TaskError:
        asked = {}  # the notes are as good without the questions' words
    in_order = [name for name in asked if name in kept] or list(kept)
    return [Note(task, name, asked.get(name, ""), kept[name]) for name in in_order]


def box(note: Note) -> Box:
    """Return a note as a box."""
    about = f"{note.task.label} · {note.part}"
    return Box(boxes.BLUE, "Your note", about, note.asked, (Below("", note.text),))


def markdown(notes: list[Note]) -> str:
    """Return the notes as a page of Markdown for the review round."""
    lines = ["# Our answers"]
    for place, note in enumerate(notes):
        if place == 0 or notes[place - 1].task != note.task:
            lines.append(f"## {note.task.name}, {note.task.title}")
        lines += [f"**{note.part.capitalize()}.** {note.asked}".rstrip(), note.text]
    return "\n\n".join(lines)
