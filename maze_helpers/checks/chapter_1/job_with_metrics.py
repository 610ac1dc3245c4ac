"""The check of chapter 1, task 4: SageMaker knows the scores of a job, and they are its model's."""

from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import numpy as np

from maze_helpers.checks.artifact import Artifact, judge_artifact
from maze_helpers.checks.check import Check, Missing, Work, belonging_to
from maze_helpers.checks.job_ending import judge_ending
from maze_helpers.checks.found import Candidate, first_right, training_jobs
from maze_helpers.checks.job_files import Job, held_out_digits
from maze_helpers.checks.jobs import log_lines, require_completed, script_failed
from maze_helpers.checks.metric_regexes import Caught, catch, judge_regex, other_metric
from maze_helpers.checks.scores import REPORTED, Number, Scores, impostor, scores_of
from maze_helpers.checks.script import begun_script
from maze_helpers.checks.verdicts import DoneDifferently

PREFIX = "maze-task-4"
SCRIPT_STEP, DEFINITIONS_STEP, ESTIMATOR_STEP, FIT_STEP = 1, 2, 3, 4
# Fewer points than this make no curve.
ROUNDS_NEEDED = 3
# As far apart may be a score of the digits in the channel and one of digits that the script chose.
FAR = 0.05
AVERAGES = ("macro", "weighted", "micro")

Definition = dict[str, str]


def _look(work: Work) -> str | DoneDifferently:
    found = first_right(_candidates(work), PREFIX, lambda job: _judge(work.session, job))
    if found is None:
        with belonging_to(SCRIPT_STEP):
            begun_script(work.folder, "src/train.py")
        raise Missing(
            f"src/train.py is written, but there is no training job {PREFIX}-… with metric "
            "definitions yet: write them, give them to the estimator, and call its fit().",
            DEFINITIONS_STEP,
        )
    return found


def _candidates(work: Work) -> Iterator[Candidate]:
    """Yield the jobs to look at; under another name, only those that have metric definitions."""
    for job in training_jobs(work, PREFIX):
        if job.as_told or _definitions(job.described):
            yield job


def _definitions(job: Job) -> list[Definition]:
    return job["AlgorithmSpecification"].get("MetricDefinitions", [])


def _judge(session: boto3.Session, found: Candidate) -> str | DoneDifferently:
    job = found.described
    judge_ending(session, job, ESTIMATOR_STEP, FIT_STEP)
    with belonging_to(SCRIPT_STEP if script_failed(job) else FIT_STEP):
        require_completed(session, job)
    if not _definitions(job):
        raise Missing(
            f"{found.name} has no metric definitions: give the estimator metric_definitions.",
            ESTIMATOR_STEP,
        )
    lines = log_lines(session, found.name)
    if not lines:
        raise Missing(f"The log of {found.name} is not there yet: check again in a minute.")
    with belonging_to(DEFINITIONS_STEP):
        caught = {row["Name"]: catch(row, lines) for row in _definitions(job)}
        final = {row["MetricName"]: row["Value"] for row in job.get("FinalMetricDataList", [])}
        for metric in REPORTED:
            _judge_metric(metric, caught, final)
        for definition in _definitions(job):
            judge_regex(definition, caught[definition["Name"]])
    with belonging_to(SCRIPT_STEP):
        artifact = judge_artifact(session, job)
        compared = _judge_values(session, job, artifact, caught)
        rounds = max(map(len, caught.values()))
        if rounds < ROUNDS_NEEDED:
            raise Missing(
                "No metric was reported more than once or twice, so there is no curve: "
                "print one after each round of training."
            )
    names = ", ".join(sorted(final))
    told = f"SageMaker knows {names} of {found.name}, one over {rounds} rounds. {compared}"
    if artifact.differences:
        return DoneDifferently(" ".join([told, *artifact.differences]))
    return told


def _names(metric: str, names: Mapping[str, Any]) -> list[str]:
    """Return the names of definitions that are for a metric: the one of the tests, or all."""
    found = [name for name in names if metric in name.lower().replace("-", "").replace("_", "")]
    final = [name for name in found if not name.lower().startswith(("train", "valid", "val"))]
    return final or found


def _judge_metric(
    metric: str, caught: Mapping[str, list[Caught]], final: Mapping[str, float]
) -> None:
    names = _names(metric, caught)
    if not names:
        raise Missing(f"No metric definition is for {metric}.")
    found = [name for name in names if name in final]
    if not found and any(caught[name] for name in names):
        raise Missing(f"SageMaker does not know {names[0]} yet: check again in a minute.")
    if not found:
        raise Missing(
            f"The regex of {names[0]} matched nothing in the log: "
            "compare it with the line that train.py prints."
        )
    for name in found:
        if other := other_metric(metric, caught[name]):
            raise Missing(f"The regex of {name} catches {other}, not {metric}.")
        if not 0 <= final[name] <= 1:
            raise Missing(
                f"{name} is {final[name]:g}, not between 0 and 1: what does its regex capture?"
            )


def _judge_values(
    session: boto3.Session, job: Job, artifact: Artifact, caught: Mapping[str, list[Caught]]
) -> str:
    """Return one sentence on how the metrics compare with the model's own scores.

    Raises: Missing, if a metric is another one of the model's scores, or far from its own.
    """
    if artifact.model is None:
        return f"They were not compared with the model's own: {artifact.judgement}"
    held_out = held_out_digits(session, job, artifact.model)
    if held_out is None:
        return "They were not compared with the model's own, as no channel had digits for tests."
    last = {
        metric: {name: caught[name][-1].number for name in _names(metric, caught) if caught[name]}
        for metric in REPORTED
    }
    near = "agree with" if _compare(last, *held_out) else "are near"
    return f"They {near} what the model makes of the digits in its channel for tests."


def _compare(last: Mapping[str, Mapping[str, Number]], truth: np.ndarray, read: np.ndarray) -> bool:
    """Return whether the metrics are the model's own scores, rather than just near them.

    last: the metrics' last values, by the names of their definitions.
    Raises: Missing, if one is another score of the model's, or far from its own.
    """
    scores = {average: scores_of(truth, read, [average]) for average in AVERAGES}
    wrong = {
        average: [metric for metric, values in last.items() if not _is_own(metric, values, of)]
        for average, of in scores.items()
    }
    # Nobody reports two metrics by one average and the third by another, which is much like it.
    nearest = min(AVERAGES, key=lambda average: len(wrong[average]))
    for metric in wrong[nearest]:
        _judge_value(metric, last[metric], scores[nearest])
    return not wrong[nearest]


def _is_own(metric: str, values: Mapping[str, Number], scores: Scores) -> bool:
    numbers = values.values()
    return not numbers or any(n.may_be(score) for n in numbers for score in scores[metric])


def _judge_value(metric: str, values: Mapping[str, Number], scores: Scores) -> None:
    name, number = next(iter(values.items()))
    if found := impostor(metric, list(values.values()), scores):
        raise Missing(
            f"{name} is {found[0].text}, but that is the model's {found[1]} on its test digits: "
            "print each score under its own name."
        )
    (own,) = scores[metric]
    if abs(number.value - own) > FAR:
        raise Missing(
            f"{name} is {number.text}, but the model's {metric} on its test digits is {own:.4f}: "
            "which value does train.py print last?"
        )


task_4 = Check(
    "chapter 1, task 4",
    "A training job reports precision, recall, f1 and a metric a round.",
    _look,
)
