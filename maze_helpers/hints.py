"""The hints for each step and question of a task, from the general to the concrete."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from maze_helpers import boxes, progress
from maze_helpers.boxes import Below, Box
from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.parts import QUESTION, STEP, Part, require
from maze_helpers.tasks import ROOT, Place, Task

FOLDER = ROOT / "data" / "hints"


class HintsError(MazeError):
    """A task's hints cannot be read: one sentence that says where, and what is wrong."""


@dataclass(frozen=True)
class Topic:
    """A step or question and its hints, in the order to show them. about: its short name."""

    part: Part
    about: str
    hints: tuple[str, ...]


@dataclass(frozen=True)
class Hint:
    """A hint to show, the first being number 1. text: Markdown."""

    topic: Topic
    number: int

    @property
    def label(self) -> str:
        """What to call it, such as "Hint 1 of 3 · step 2: the regexes"."""
        there = f"Hint {self.number} of {len(self.topic.hints)}"
        return f"{there} · {self.topic.part.name}: {self.topic.about}"

    @property
    def text(self) -> str:
        """The hint, as Markdown."""
        return self.topic.hints[self.number - 1]


def path_of(task: Task) -> Path:
    """Return the file of a task's hints."""
    return FOLDER / f"{task.name.replace('/', '_')}.yaml"


def load(path: Path) -> list[Topic]:
    """Return what the file has hints for: the steps, then the questions.

    Raises: HintsError, if there is no such file or it is not as it should be.
    """
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise HintsError(f"There are no hints: {path} is missing.") from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise HintsError(f"The hints in {path} cannot be read: {reason}.") from error
    if not isinstance(found, dict) or set(found) != {"steps", "questions"}:
        raise HintsError(f"{path} needs two lists, `steps` and `questions`, and nothing else.")
    topics = [*_topics(path, found, STEP), *_topics(path, found, QUESTION)]
    if not topics:
        raise HintsError(f"{path} has no hints.")
    return topics


def _topics(path: Path, found: dict[str, Any], kind: str) -> list[Topic]:
    rows = found[f"{kind}s"]
    if not isinstance(rows, list):
        raise HintsError(f"{path}: `{kind}s` is no list.")
    return [_topic(path, row, Part(kind, number)) for number, row in enumerate(rows, 1)]


def _topic(path: Path, row: object, part: Part) -> Topic:
    keys = {part.kind, "hints"}
    if not isinstance(row, dict) or set(row) != keys:
        raise HintsError(f"{path}: {part.name} needs `{part.kind}` and `hints`, and nothing else.")
    about, hints = row[part.kind], row["hints"]
    texts = [about, *hints] if isinstance(hints, list) and hints else [None]
    if not all(isinstance(text, str) and text.strip() for text in texts):
        raise HintsError(f"{path}: {part.name} needs a short name and a list of hints, all text.")
    return Topic(part, about.strip(), tuple(hint.strip() for hint in hints))


def next_hint(place: Place, part: Part | None = None) -> Hint | Topic:
    """Return the next hint and note it as shown; the topic, when all of its hints were.

    part: None for the step that the last check found missing, else the first step with hints
    left. Raises: TaskError, if the task has no such part; HintsError.
    """
    topics = load(path_of(place.task))
    if part is not None:
        require(part, [topic.part for topic in topics], place.task)
    with progress.changing(place.root) as known:
        task = known.of(place.task.name)
        topic = _choose(topics, task, part)
        shown = task.hints.get(topic.part.name, 0)
        if shown >= len(topic.hints):
            return topic
        task.hints[topic.part.name] = shown + 1
    return Hint(topic, shown + 1)


def last_shown(place: Place, part: Part) -> Hint | None:
    """Return the hint of a part that was shown last; None, if none was.

    Raises: TaskError, if the task has no such part; HintsError.
    """
    topics = {topic.part: topic for topic in load(path_of(place.task))}
    require(part, list(topics), place.task)
    shown = progress.read(place.root).of(place.task.name).hints.get(part.name, 0)
    topic = topics[part]
    return Hint(topic, min(shown, len(topic.hints))) if shown else None


def where_the_answer_is(place: Place, topic: Topic) -> str:
    """Return one sentence that says how to see the answer, in Markdown."""
    name = topic.part.name
    return (
        f'You have seen all {len(topic.hints)}: `answer("{name}")` in a cell, or '
        f'`maze answer {place.task.name} "{name}"` in a terminal, shows our solution.'
    )


def box(place: Place, found: Hint | Topic) -> Box:
    """Return a hint as a box; of a topic that has no more, where the answer is."""
    topic = found if isinstance(found, Topic) else found.topic
    about = f"{place.task.label} · {topic.part.name}"
    if isinstance(found, Topic):
        return Box(boxes.GREY, "No more hints", about, where_the_answer_is(place, topic))
    headline = f"Hint {found.number} of {len(topic.hints)}"
    return Box(boxes.BLUE, headline, f"{about}: {topic.about}", "", (Below("", found.text),))


def _choose(topics: list[Topic], task: progress.TaskProgress, part: Part | None) -> Topic:
    by_part = {topic.part: topic for topic in topics}
    if part is None and task.step is not None:
        part = Part(STEP, task.step)
    if part in by_part:
        return by_part[part]
    left = [topic for topic in topics if task.hints.get(topic.part.name, 0) < len(topic.hints)]
    return (left or topics)[0]
