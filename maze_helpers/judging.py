"""Looking at somebody's work on a task: the verdict, kept in the progress, and help with it."""

from dataclasses import dataclass
from datetime import datetime

import boto3
from botocore.exceptions import BotoCoreError

from maze_helpers import hints, progress, session
from maze_helpers.boxes import Below
from maze_helpers.checks import CHECKS, Done, DoneDifferently, NotBegun, NotYet, Verdict, Work
from maze_helpers.hints import HintsError, Topic
from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.parts import STEP, Part
from maze_helpers.tasks import Place, TaskError

STAYS_DONE = Below(
    "Done before",
    "The task stays done in your progress, whatever you have tried, deleted or cleaned up since; "
    "`hint()` in a cell, or `maze hint` in a terminal, still has hints.",
)
STILL_THE_SAME = Below(
    "", "It is as it was at the last check: `hint()` in a cell, or `maze hint`, has the next hint."
)


@dataclass(frozen=True)
class Judgement:
    """The verdict on the work on a task. is_as_before: whether the last check said the same."""

    place: Place
    verdict: Verdict
    is_as_before: bool = False

    @property
    def is_done(self) -> bool:
        """Whether the task is done."""
        return isinstance(self.verdict, Done | DoneDifferently)

    @property
    def step(self) -> int | None:
        """The step that the verdict found missing, if it says one."""
        return self.verdict.step if isinstance(self.verdict, NotBegun | NotYet) else None


def judge(place: Place, mode: str | None = None) -> Judgement:
    """Return the verdict on the work on a task, and keep it in the progress.

    mode: where the work is, "local" or "aws"; None for where this process is connected to.
    Raises: MazeError, if that place cannot be reached, or the progress cannot be kept.
    """
    since = datetime.fromisoformat(progress.read(place.root).started_at)
    work = Work(place.folder, _session(place, mode), since)
    return _keep(place, CHECKS[place.task.name].verdict(work))


def _session(place: Place, mode: str | None) -> boto3.Session:
    if place.task.in_cloud:
        return session.current(mode).boto_session
    try:
        return boto3.Session()
    except BotoCoreError as error:
        raise MazeError(f"Your AWS settings cannot be used: {error}.") from error


def _keep(place: Place, verdict: Verdict) -> Judgement:
    now = progress.now()
    with progress.changing(place.root) as known:
        task = known.of(place.task.name)
        judgement = Judgement(place, verdict, task.sentence == verdict.sentence)
        task.verdict, task.sentence = judgement.verdict.headline, judgement.verdict.sentence
        task.step = judgement.step
        task.checks += 1
        if not isinstance(judgement.verdict, NotBegun):
            task.first_check_at = task.first_check_at or now
        if judgement.is_done:
            task.done_at = task.done_at or now
    return judgement


def help_with(judgement: Judgement) -> tuple[Below, ...]:
    """Return the next hint for the step that the verdict found missing, noted as shown.

    While the verdict says the same: the last one again, since nothing was tried. When all were
    shown: where the answer is. Where the task was done before: that it stays so.
    """
    known = progress.read(judgement.place.root)
    if known.of(judgement.place.task.name).done_at:
        is_lost = isinstance(judgement.verdict, NotBegun | NotYet)
        return (STAYS_DONE,) if is_lost else ()
    if judgement.step is None or isinstance(judgement.verdict, NotBegun):
        return ()
    part = Part(STEP, judgement.step)
    try:
        if judgement.is_as_before and (last := hints.last_shown(judgement.place, part)):
            return (Below(last.label, last.text), STILL_THE_SAME)
        found = hints.next_hint(judgement.place, part)
    except (HintsError, TaskError) as error:
        # The verdict is worth more than its hint.
        return (Below("No hint", str(error)),)
    if isinstance(found, Topic):
        where = hints.where_the_answer_is(judgement.place, found)
        return (Below(f"No more hints for {found.part.name}", where),)
    return (Below(found.label, found.text),)
