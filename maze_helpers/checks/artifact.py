"""Judging the model that a training job left in S3."""

from dataclasses import dataclass
from typing import Any

import boto3

from maze_helpers import data
from maze_helpers.checks.check import Missing
from maze_helpers.checks.job_files import Job, columns_given, download_model
from maze_helpers.checks.jobs import log_lines
from maze_helpers.checks.model import (
    ACCURACY_NEEDED,
    OtherVersion,
    is_forest,
    judge_model,
    kind_of,
)
from maze_helpers.checks.scores import REPORTED, printed_scores

# The numbers of trees and levels in the tasks' texts, by what a hyperparameter's name has in it.
TOLD = {"estimators": 150, "trees": 150, "depth": 12}


class NoLabelGiven(Missing):
    """Raised when a model took a pixel for the label, as the job's data has none."""


class SmallForest(Missing):
    """Raised when a forest reads too few digits, and the job's hyperparameters made it small."""


@dataclass(frozen=True)
class Artifact:
    """A job's model, once it is judged to be right.

    model: None, where only another scikit-learn reads it. judgement: one sentence.
    differences: a sentence for each thing that is other than the task's text has it.
    """

    model: Any
    judgement: str
    differences: list[str]


def judge_artifact(session: boto3.Session, job: Job) -> Artifact:
    """Return the model that a job left in S3; raise Missing, if there is none, or no good one."""
    try:
        model = download_model(session, job)
    except OtherVersion as other:
        # On AWS the image's scikit-learn is older than what a notebook of today has.
        return Artifact(None, f"{other} {_judge_by_log(session, job['TrainingJobName'])}", [])
    judgement = _judge_model(session, job, model)
    others = [] if is_forest(model) else [f"It is {kind_of(model)}, not a random forest."]
    return Artifact(model, judgement, others)


def _judge_model(session: boto3.Session, job: Job, model: Any) -> str:
    try:
        return judge_model(model)
    except Missing as missing:
        columns = columns_given(session, job)
        if columns == len(data.PIXELS):
            raise NoLabelGiven(
                f"The digits that {job['TrainingJobName']} was given have {columns} columns, so "
                "the label is not among them: upload the file whose last column is the label."
            ) from None
        if _knows_digits(model) and (small := _small_hyperparameters(job)):
            raise SmallForest(
                f"{missing} The job's hyperparameters gave it {' and '.join(small)}."
            ) from None
        raise


def _knows_digits(model: Any) -> bool:
    """Return whether a forest takes 64 pixels for ten digits, so that just its reading is poor."""
    return (
        is_forest(model)
        and getattr(model, "n_features_in_", None) == len(data.PIXELS)
        and len(getattr(model, "classes_", ())) == 10
    )


def _small_hyperparameters(job: Job) -> list[str]:
    """Return those of a job's hyperparameters that are below the text's, as "max-depth 2"."""
    return [
        f"{name} {text}"
        for name, value in job.get("HyperParameters", {}).items()
        for word, least in TOLD.items()
        if word in name.lower() and (text := value.strip('"')).isdigit() and int(text) < least
    ]


def _judge_by_log(session: boto3.Session, job_name: str) -> str:
    """Return one sentence on the scores that the job printed; raise Missing, if they are low."""
    last: dict[str, float] = {}
    for line in log_lines(session, job_name):
        # The image writes down its environment, where anything may look like a score.
        if line.startswith("SM_"):
            continue
        for name, numbers in printed_scores(line).items():
            share = numbers[-1].as_shares[-1]
            # A whole number counts something.
            if "." in share.text and 0 < share.value <= 1:
                last[name] = share.value
    # Accuracies may be those of rounds of training.
    last = {name: share for name, share in last.items() if name in REPORTED} or last
    if not last:
        raise Missing("The job printed no score, such as f1=0.97, to judge its model by.")
    if min(last.values()) < ACCURACY_NEEDED:
        raise Missing(
            f"The job's log has a score of {min(last.values()):.1%}; "
            f"{ACCURACY_NEEDED:.0%} are needed."
        )
    return f"By the job's own log, its scores are {min(last.values()):.1%} or better."
