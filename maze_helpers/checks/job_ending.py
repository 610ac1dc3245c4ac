"""A training job that failed by the arguments or the channels it was given."""

import re

import boto3

from maze_helpers.checks.check import Missing
from maze_helpers.checks.job_files import Job, channels_of, scripts_of
from maze_helpers.checks.jobs import log_lines, script_failed

# What argparse says at the end: "train.py: error: unrecognized arguments: --trees 150".
_REFUSED = re.compile(r"(?P<script>\S+\.py): error: (?P<why>.+)")
# How a script ends that reads the variable of a channel that the job has not.
_NO_CHANNEL = re.compile(r"\w*Error\b.*(NoneType|SM_CHANNEL_)")
_VARIABLE = "SM_CHANNEL_"


def judge_ending(session: boto3.Session, job: Job, estimator_step: int, fit_step: int) -> None:
    """Raise Missing, if a job failed by its arguments or channels."""
    if job["TrainingJobStatus"] != "Failed" or not script_failed(job):
        return
    failed = f"{job['TrainingJobName']} is Failed, not Completed"
    lines = log_lines(session, job["TrainingJobName"])
    for refused in filter(None, map(_REFUSED.match, lines)):
        raise Missing(
            f"{failed}: {refused['script']} says {refused['why']!r}, "
            "so compare the estimator's hyperparameters with the arguments that it takes.",
            estimator_step,
        )
    given = list(channels_of(job))
    if not any(map(_NO_CHANNEL.match, lines)):
        return
    for variable in _variables(session, job):
        if variable not in {f"{_VARIABLE}{name.upper()}" for name in given}:
            raise Missing(
                f"{failed}: its script reads {variable}, and fit() gave it no such channel, "
                f"only {', '.join(given) or 'none'}.",
                fit_step,
            )


def _variables(session: boto3.Session, job: Job) -> list[str]:
    """Return the variables of channels that the job's scripts read, as SM_CHANNEL_TRAIN."""
    strings = {string for script in scripts_of(session, job) for string in script.strings}
    return sorted(string for string in strings if re.fullmatch(rf"{_VARIABLE}\w+", string))
