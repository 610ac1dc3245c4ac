"""What a learner calls in a cell: `check()`, which looks at the work and says what is missing."""

from dataclasses import dataclass
from datetime import datetime

import boto3
from botocore.exceptions import BotoCoreError

from maze_helpers import progress as progress_file
from maze_helpers import session, tasks
from maze_helpers.checks import CHECKS, Done, DoneDifferently, Verdict, Work
from maze_helpers.checks.display import show
from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.tasks import Place


@dataclass(frozen=True)
class Judgement:
    """The verdict on the work on a task."""

    place: Place
    verdict: Verdict

    @property
    def done(self) -> bool:
        """Whether the task is done."""
        return isinstance(self.verdict, Done | DoneDifferently)


def check() -> None:
    """Show the verdict on the work on the task whose folder this is.

    Raises: CheckFailed, unless the task is done; MazeError, outside a task's folder.
    """
    judgement = judge(tasks.here())
    show(CHECKS[judgement.place.task.name].task, judgement.verdict)


def judge(place: Place, mode: str | None = None) -> Judgement:
    """Return the verdict on the work on a task, and note it in the progress.

    mode: where the work is, "local" or "aws"; None for where this process is connected to.
    Raises: MazeError, if that place cannot be reached, or the progress cannot be kept.
    """
    since = datetime.fromisoformat(progress_file.read(place.root).started_at)
    work = Work(place.folder, _session(place, mode), since)
    verdict = CHECKS[place.task.name].verdict(work)
    judgement = Judgement(place, verdict)
    _keep(judgement)
    return judgement


def _session(place: Place, mode: str | None) -> boto3.Session:
    if place.task.in_cloud:
        connection = session.connect(mode) if mode else session.current()
        return connection.boto_session
    try:
        return boto3.Session()
    except BotoCoreError as error:
        raise MazeError(f"Your AWS settings cannot be used: {error}.") from error


def _keep(judgement: Judgement) -> None:
    """Note the verdict in the progress."""
    now = progress_file.now()
    with progress_file.changing(judgement.place.root) as known:
        task = known.of(judgement.place.task.name)
        task.verdict, task.sentence = judgement.verdict.headline, judgement.verdict.sentence
        task.step = getattr(judgement.verdict, "step", None)
        task.checks += 1
        task.first_check_at = task.first_check_at or now
        if judgement.done:
            task.done_at = task.done_at or now
