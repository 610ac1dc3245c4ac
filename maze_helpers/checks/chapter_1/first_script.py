"""The check of chapter 1, task 1: train.py trains a model, prints its scores and saves it."""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from maze_helpers.checks.check import Check, Missing, Work, belonging_to
from maze_helpers.checks.model import (
    find_files,
    is_forest,
    is_model,
    judge_model,
    kind_of,
    load_model,
    saves_no_model,
)
from maze_helpers.checks.recorded_run import Call
from maze_helpers.checks.scores import are_perfect, judge_scores, require_scores, trained_on
from maze_helpers.checks.script import begun_script, run_recorded
from maze_helpers.checks.verdicts import DoneDifferently

SCRIPT, MODEL = "train.py", "model.joblib"
SCRIPT_STEP = 2
# More than half of the digits: no model reads all of so many, unless it was trained on them.
MANY_DIGITS = 900


def _look(work: Work) -> str | DoneDifferently:
    with belonging_to(SCRIPT_STEP):
        script = begun_script(work.folder, SCRIPT)
        before = find_files(work.folder)
        run, calls = run_recorded(script)
        if run.exit_code:
            raise Missing(f"`python {SCRIPT}` fails with {run.last_word!r}.")
        printed = require_scores(SCRIPT, run.stdout, run.stderr)
        saved = _saved(work.folder, before)
        name = saved.relative_to(work.folder).as_posix()
        model = load_model(saved, name)
        judgement = judge_model(model, own_split=True)
        judge_scores(SCRIPT, ast.unparse(script.tree), printed, calls)
        if are_perfect(printed, calls) and _is_no_luck(model, calls):
            raise trained_on(SCRIPT, printed)
    found = f"{SCRIPT} saves {name}: {judgement}"
    differences = list(_differences(name, model))
    return DoneDifferently(f"{found} {' '.join(differences)}") if differences else found


def _saved(folder: Path, before: dict[Path, int]) -> Path:
    """Return the model file that is new, or written anew."""
    written = [path for path, at in find_files(folder).items() if before.get(path) != at]
    for path in written:
        if is_model(path):
            return path
    nothing = f"{SCRIPT} saves no model in this folder: joblib.dump(model, '{MODEL}') does."
    raise saves_no_model(SCRIPT, written, nothing)


def _is_no_luck(model: Any, calls: Sequence[Call]) -> bool:
    """Return whether perfect scores cannot be those of digits that a model has not seen.

    Others than forests may well read every one of a few held-out digits.
    """
    return is_forest(model) or max((call["count"] for call in calls), default=0) > MANY_DIGITS


def _differences(name: str, model: Any) -> Iterator[str]:
    if not is_forest(model):
        yield f"It is {kind_of(model)} rather than a random forest."
    if name != MODEL:
        yield f"Later cells look for {MODEL} in this folder, so let them look for {name}."


task_1 = Check(
    "chapter 1, task 1",
    "train.py trains a digits model, prints precision, recall and f1, and saves the model.",
    _look,
)
