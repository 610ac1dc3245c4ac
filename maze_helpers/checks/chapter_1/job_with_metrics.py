"""The check of chapter 1, task 4: SageMaker knows the scores of a job, and they are its model's."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import boto3

from maze_helpers.checks.artifact import Artifact, SmallForest, judge_artifact
from maze_helpers.checks.check import Check, Missing, Work, belonging_to
from maze_helpers.checks.found import Candidate, first_right, training_jobs
from maze_helpers.checks.job_ending import judge_ending
from maze_helpers.checks.job_files import Job, held_out_digits, scripts_of, train_digits
from maze_helpers.checks.jobs import log_lines, require_completed, script_failed
from maze_helpers.checks.metric_labels import lines_of_rounds, quantity_of
from maze_helpers.checks.metric_regexes import (
    Caught,
    catch,
    judge_captures,
    judge_quantity,
    judge_regex,
    other_metric,
)
from maze_helpers.checks.reported_scores import agree, judge_digits, judge_near
from maze_helpers.checks.scores import REPORTED
from maze_helpers.checks.script import begun_script
from maze_helpers.checks.verdicts import DoneDifferently

PREFIX = "maze-task-4"
SCRIPT_STEP, DEFINITIONS_STEP, ESTIMATOR_STEP, FIT_STEP = 1, 2, 3, 4
# Fewer points than this make no curve.
ROUNDS_NEEDED = 3

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
    final = {row["MetricName"]: row["Value"] for row in job.get("FinalMetricDataList", [])}
    with belonging_to(DEFINITIONS_STEP):
        caught = _judge_definitions(_definitions(job), lines, final)
    with belonging_to(SCRIPT_STEP):
        artifact = _judge_artifact(session, job)
        compared = _judge_values(session, job, artifact, caught)
    rounds = _judge_rounds(lines, caught)
    names = ", ".join(sorted(final))
    told = f"SageMaker knows {names} of {found.name}, one over {rounds} rounds. {compared}"
    if artifact.differences:
        return DoneDifferently(" ".join([told, *artifact.differences]))
    return told


def _judge_definitions(
    definitions: list[Definition], lines: list[str], final: Mapping[str, float]
) -> dict[str, list[Caught]]:
    """Return what each definition catches; raise Missing, if one is amiss."""
    caught = {row["Name"]: catch(row, lines) for row in definitions}
    for definition in definitions:
        judge_captures(definition, caught[definition["Name"]], lines)
        judge_quantity(definition, caught[definition["Name"]], lines)
    for metric in REPORTED:
        _judge_metric(metric, caught, final)
    for definition in definitions:
        judge_regex(definition, caught[definition["Name"]])
    for name, value in final.items():
        if quantity_of(name).is_score:
            _judge_range(name, value, 100)
    return caught


def _judge_artifact(session: boto3.Session, job: Job) -> Artifact:
    try:
        return judge_artifact(session, job)
    except SmallForest as missing:
        missing.step = ESTIMATOR_STEP
        raise


def _judge_rounds(lines: list[str], caught: Mapping[str, list[Caught]]) -> int:
    """Return how many values the metric with the most of them has; raise Missing, if too few."""
    rounds = max(map(len, caught.values()))
    if rounds >= ROUNDS_NEEDED:
        return rounds
    printed = lines_of_rounds(lines)
    if len(printed) < ROUNDS_NEEDED:
        raise Missing(
            "No metric was reported more than once or twice, so there is no curve: "
            "print one after each round of training.",
            SCRIPT_STEP,
        )
    example = textwrap.shorten(printed[0], 80, placeholder=" …")
    of_rounds = f"of the {len(printed)} lines that train.py prints each round, such as `{example}`"
    for name in _meant_for_rounds(caught):
        many = len(caught[name]) or "none"
        raise Missing(
            f"The regex of {name} catches {many} {of_rounds}: compare the two.", DEFINITIONS_STEP
        )
    raise Missing(
        f"No metric definition catches any {of_rounds}: write one for a score in them.",
        DEFINITIONS_STEP,
    )


def _meant_for_rounds(caught: Mapping[str, list[Caught]]) -> list[str]:
    """Return the definitions that may have been written for the rounds, the likeliest first."""
    parts = [name for name in caught if quantity_of(name).part in ("train", "validation")]
    return parts or [name for name in caught if not caught[name]]


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
        _judge_range(name, final[name], 1)


def _judge_range(name: str, value: float, most: int) -> None:
    """Raise Missing, if a score is no share. most: 100 for one that may be a percentage."""
    if not 0 <= value <= most:
        raise Missing(f"{name} is {value:g}, not between 0 and 1: what does its regex capture?")


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
    scripts = scripts_of(session, job)
    if agree(last, held_out, scripts):
        return "They agree with what the model makes of the digits in its channel for tests."
    judge_digits(last, train_digits(session, job, artifact.model))
    judge_near(last, held_out, scripts)
    return "They are near what the model makes of the digits in its channel for tests."


task_4 = Check(
    "chapter 1, task 4",
    "A training job reports precision, recall, f1 and a metric a round.",
    _look,
)
