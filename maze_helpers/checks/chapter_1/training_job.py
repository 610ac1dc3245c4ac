"""The check of chapter 1, task 3: a training job completes, and its model is in S3."""

import boto3

from maze_helpers.checks.artifact import Artifact, NoLabelGiven, SmallForest, judge_artifact
from maze_helpers.checks.check import Check, Missing, Work, belonging_to
from maze_helpers.checks.found import Candidate, first_right, training_jobs
from maze_helpers.checks.job_ending import judge_ending
from maze_helpers.checks.job_files import Job, channels_of, scripts_of
from maze_helpers.checks.jobs import require_completed, script_failed
from maze_helpers.checks.script import Script, begun_script
from maze_helpers.checks.verdicts import DoneDifferently

PREFIX = "maze-task-3"
LATER_PREFIX = "maze-task-4"
UPLOAD_STEP, SCRIPT_STEP, ESTIMATOR_STEP, FIT_STEP = 1, 3, 4, 5


def _look(work: Work) -> str | DoneDifferently:
    jobs = (job for job in training_jobs(work, PREFIX) if not job.name.startswith(LATER_PREFIX))
    found = first_right(jobs, PREFIX, lambda job: _judge(work.session, job))
    if found is None:
        _judge_local_script(work)
    return found


def _judge_local_script(work: Work) -> None:
    """Raise what there is to say before any job: NothingYet, or Missing."""
    with belonging_to(SCRIPT_STEP):
        _judge_variables([begun_script(work.folder, "src/train.py")])
    raise Missing(
        f"src/train.py is written, but there is no training job {PREFIX}-… yet: "
        "create the estimator and call its fit().",
        ESTIMATOR_STEP,
    )


def _judge(session: boto3.Session, found: Candidate) -> str | DoneDifferently:
    job = found.described
    judge_ending(session, job, ESTIMATOR_STEP, FIT_STEP)
    with belonging_to(SCRIPT_STEP if script_failed(job) else FIT_STEP):
        require_completed(session, job)
    channels = channels_of(job)
    if not channels:
        raise Missing(
            f"{found.name} was given no data: fit({{'train': s3_url}}) gives it some.", FIT_STEP
        )
    scripts = scripts_of(session, job)
    with belonging_to(SCRIPT_STEP):
        if scripts:
            _judge_variables(scripts)
        artifact = _judge_artifact(session, job)
    differences = artifact.differences
    if "train" not in channels:
        differences.append(f"Its data came by the channel {next(iter(channels))}.")
    told = f"{found.name} left a model in S3: {artifact.judgement}"
    return DoneDifferently(" ".join([told, *differences])) if differences else told


def _judge_artifact(session: boto3.Session, job: Job) -> Artifact:
    try:
        return judge_artifact(session, job)
    except NoLabelGiven as missing:
        missing.step = UPLOAD_STEP
        raise
    except SmallForest as missing:
        missing.step = ESTIMATOR_STEP
        raise


def _judge_variables(scripts: list[Script]) -> None:
    """Raise Missing, unless the scripts read where SageMaker says that data and model are."""
    strings = set().union(*(script.strings for script in scripts))
    for beginning, example in (("SM_MODEL_DIR",) * 2, ("SM_CHANNEL_", "SM_CHANNEL_TRAIN")):
        if not any(string.startswith(beginning) for string in strings):
            raise Missing(
                f"src/train.py does not read {example}: "
                f"make os.environ.get('{example}') the default of its argument."
            )


task_3 = Check(
    "chapter 1, task 3",
    "A training job completes, and its model is in S3.",
    _look,
)
