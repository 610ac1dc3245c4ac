"""The check of chapter 1, task 1: train.py trains a model, prints its scores and saves it."""

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from maze_helpers.checks.check import Check, Missing, Work, belonging_to
from maze_helpers.checks.model import find_models, is_forest, judge_model, load_model
from maze_helpers.checks.recorded_run import Call
from maze_helpers.checks.scores import (
    REPORTED,
    Number,
    beyond,
    impostor,
    printed_scores,
    scores_of_calls,
)
from maze_helpers.checks.script import Run, Script, begun_script, run_recorded
from maze_helpers.checks.verdicts import DoneDifferently

SCRIPT_STEP = 2


def _look(work: Work) -> str | DoneDifferently:
    with belonging_to(SCRIPT_STEP):
        script = begun_script(work.folder, "train.py")
        before = find_models(work.folder)
        run, calls = run_recorded(script)
        if run.exit_code:
            raise Missing(f"`python train.py` fails with {run.last_word!r}.")
        printed = _printed(run)
        saved = _saved(work.folder, before)
        model = load_model(saved, saved.name)
        judgement = judge_model(model)
        _judge_scores(script, printed, calls)
    found = f"train.py saves {saved.name}: {judgement}"
    differences = list(_differences(saved, model))
    return DoneDifferently(f"{found} {' '.join(differences)}") if differences else found


def _printed(run: Run) -> dict[str, list[Number]]:
    # Logging writes to stderr, which a terminal and a cell show just as well.
    printed = printed_scores(run.stderr) | printed_scores(run.stdout)
    for name in REPORTED:
        if not printed.get(name):
            raise Missing(f"train.py does not print {name} with its value.")
        if number := beyond(printed[name]):
            raise Missing(f"train.py prints {number.text} as {name}, which no score can be.")
    return printed


def _saved(folder: Path, before: dict[Path, int]) -> Path:
    """Return the model file that is new, or written anew."""
    for path, changed in find_models(folder).items():
        if before.get(path) != changed:
            return path
    raise Missing(
        "train.py saves no model in this folder: joblib.dump(model, 'model.joblib') does."
    )


def _judge_scores(script: Script, printed: dict[str, list[Number]], calls: Sequence[Call]) -> None:
    """Raise Missing, if a score is printed under another's name, or is made up."""
    scores = scores_of_calls(calls)
    for name in REPORTED:
        if found := impostor(name, printed[name], scores):
            number, other = found
            raise Missing(f"train.py prints {number.text} as {name}, but that is its {other}.")
    if not calls:
        _judge_made_up(printed, ast.unparse(script.tree))


def _judge_made_up(printed: dict[str, list[Number]], source: str) -> None:
    """Raise Missing, if every score that is printed stands in the script as it is."""
    texts = [printed[name][-1].text.removesuffix(" %") for name in REPORTED]
    if all("." in text and text in source for text in texts):
        raise Missing(
            f"train.py prints {texts[0]} as {REPORTED[0]}, but computes no score: "
            "sklearn.metrics has functions for precision, recall and f1."
        )


def _differences(saved: Path, model: Any) -> list[str]:
    differences = []
    if not is_forest(model):
        differences.append(f"It is a {type(model).__name__} rather than a random forest.")
    if saved.name != "model.joblib":
        differences.append("Chapter 2 looks for model.joblib, so remember your file's name.")
    return differences


task_1 = Check(
    "chapter 1, task 1",
    "train.py trains a digits model, prints precision, recall and f1, and saves the model.",
    _look,
)
