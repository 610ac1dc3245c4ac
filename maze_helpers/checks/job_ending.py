"""A training job that failed by the arguments, the channels or the time it was given."""

import re

import boto3

from maze_helpers.checks.check import Missing, belonging_to
from maze_helpers.checks.job_files import Job, channels_of, files_below, scripts_of
from maze_helpers.checks.jobs import log_lines, script_failed

# What argparse says at the end: "train.py: error: unrecognized arguments: --trees 150".
_REFUSED = re.compile(r"(?P<script>\S+\.py): error: (?P<why>.+)")
# How a script ends that reads the variable of a channel that the job has not.
_NO_CHANNEL = re.compile(r"\w*Error\b.*(NoneType|SM_CHANNEL_)")
# "FileNotFoundError: … '/opt/ml/input/data/train/train.csv'", or IsADirectoryError.
_NO_FILE = re.compile(
    r"(?:FileNotFound|IsADirectory)Error\b.*/input/data/(?P<channel>[^/'\"]+)/(?P<file>[^'\"]+)"
)
_VARIABLE = "SM_CHANNEL_"
NAMES_LISTED = 3


def judge_ending(session: boto3.Session, job: Job, estimator_step: int, fit_step: int) -> None:
    """Raise Missing, if a job failed by its arguments or channels, or had no time to end."""
    name, status = job["TrainingJobName"], job["TrainingJobStatus"]
    if status == "Stopped" and job["SecondaryStatus"] == "MaxRuntimeExceeded":
        limit_s = job["StoppingCondition"]["MaxRuntimeInSeconds"]
        raise Missing(
            f"{name} is Stopped, not Completed: it ran for more than {limit_s} s, "
            "which the estimator's max_run allows.",
            estimator_step,
        )
    if status != "Failed" or not script_failed(job):
        return
    failed = f"{name} is Failed, not Completed"
    lines = log_lines(session, name)
    with belonging_to(estimator_step):
        _judge_arguments(failed, lines)
    with belonging_to(fit_step):
        _judge_variables(session, job, failed, lines)
        _judge_folders(session, job, failed, lines)


def _judge_arguments(failed: str, lines: list[str]) -> None:
    for refused in filter(None, map(_REFUSED.match, lines)):
        raise Missing(
            f"{failed}: {refused['script']} says {refused['why']!r}, "
            "so compare the estimator's hyperparameters with the arguments that it takes."
        )


def _judge_variables(session: boto3.Session, job: Job, failed: str, lines: list[str]) -> None:
    given = list(channels_of(job))
    if not any(map(_NO_CHANNEL.match, lines)):
        return
    for variable in _variables(session, job):
        if variable not in {f"{_VARIABLE}{name.upper()}" for name in given}:
            raise Missing(
                f"{failed}: its script reads {variable}, and fit() gave it no such channel, "
                f"only {', '.join(given) or 'none'}."
            )


def _judge_folders(session: boto3.Session, job: Job, failed: str, lines: list[str]) -> None:
    """Raise Missing, if the script did not find a file that is in another folder of S3."""
    channels = channels_of(job)
    for opened in filter(None, map(_NO_FILE.match, lines)):
        uri = channels.get(opened["channel"])
        if uri is None:
            continue
        held = files_below(session, uri)
        if opened["file"] in held:
            continue
        raise Missing(
            f"{failed}: its channel {opened['channel']} has no file {opened['file']}; "
            f"its URI, {uri}, holds {_listed(held)}: give fit() the folder that the file is in."
        )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMES_LISTED} more" if len(names) > NAMES_LISTED else ""
    return (", ".join(names[:NAMES_LISTED]) or "nothing") + more


def _variables(session: boto3.Session, job: Job) -> list[str]:
    """Return the variables of channels that the job's scripts read, as SM_CHANNEL_TRAIN."""
    strings = {string for script in scripts_of(session, job) for string in script.strings}
    return sorted(string for string in strings if re.fullmatch(rf"{_VARIABLE}\w+", string))
