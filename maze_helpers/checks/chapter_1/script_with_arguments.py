"""The check of chapter 1, task 2: src/train.py trains by its arguments, and can be imported."""

import ast
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maze_helpers import data
from maze_helpers.checks.check import Check, Missing, Work, belonging_to
from maze_helpers.checks.model import find_models, is_forest, judge_model, load_model
from maze_helpers.checks.script import Run, Script, begun_script, import_script, run_script
from maze_helpers.checks.verdicts import DoneDifferently

SCRIPT_STEP = 1
# What the skeleton leaves to write: fit, main, and the call of main.
PARTS = 3
# Enough trees to pass, and not scikit-learn's default of 100.
TREES = 120
_TREES_OPTION = re.compile("estimators|trees")
_MODEL_OPTION = re.compile("model|output")
_DATA_OPTION = re.compile("--(train|test|valid|eval|data|input)")
_HELD_OUT = re.compile("test|valid|eval|held")
# An option that says what a file in the folder is called, not where it is.
_FILE_NAME = re.compile("[-_](file|filename|name)$")
# How a script ends that finds other data, or another kind of path, than it was written for.
_PATH_ERROR = re.compile("IsADirectory|NotADirectory|FileNotFound|PermissionError|EmptyDataError")


def _look(work: Work) -> str | DoneDifferently:
    with belonging_to(SCRIPT_STEP):
        script = begun_script(work.folder, "src/train.py", PARTS)
        _judge_functions(script)
        _judge_import(script)
        model, judgement = _first_right(script)
        trees = getattr(model, "n_estimators", TREES)
        if any(map(_TREES_OPTION.search, script.options)) and trees != TREES:
            raise Missing(
                f"src/train.py was asked for {TREES} trees and grew {trees}: "
                "pass the argument on from main to fit."
            )
    found = f"src/train.py trains by its arguments: {judgement}"
    if is_forest(model):
        return found
    return DoneDifferently(f"{found} It is a {type(model).__name__} rather than a random forest.")


def _first_right(script: Script) -> tuple[Any, str]:
    """Return a model that the script trained, and the judgement on it.

    Raises: Missing, as of the digits as they are, if it trains no good model by any layout.
    """
    first: Missing | None = None
    for layout in _layouts(script):
        with tempfile.TemporaryDirectory() as scratch:
            try:
                model = _train_with_arguments(script, layout, Path(scratch))
                return model, judge_model(model)
            except Missing as missing:
                first = first or missing
    raise first


def _judge_functions(script: Script) -> None:
    for function in ("main", "fit"):
        if function not in script.functions:
            raise Missing(f"src/train.py defines no function {function}.")
    if not script.options:
        raise Missing(
            "src/train.py takes no arguments such as --train: let main read them with argparse."
        )
    if not script.calls("fit"):
        raise Missing("src/train.py never calls fit: let main pass its arguments on to it.")


def _judge_import(script: Script) -> None:
    if script.calls_when_imported("main"):
        raise Missing(
            "Importing src/train.py starts the training: call main() under "
            "`if __name__ == '__main__':`."
        )
    run = import_script(script)
    if run.exit_code:
        raise Missing(f"Importing src/train.py, as a debugger does, fails with {run.last_word!r}.")


@dataclass(frozen=True)
class _Attempt:
    """How to call a script. An argument for data may mean a folder or a CSV file, or be left out;
    one for the model may mean a folder or a file."""

    data_is_file: bool = False
    model_is_file: bool = False
    own_data: bool = False


_ATTEMPTS = (
    _Attempt(),
    _Attempt(data_is_file=True),
    _Attempt(model_is_file=True),
    _Attempt(data_is_file=True, model_is_file=True),
    _Attempt(own_data=True),
    _Attempt(own_data=True, model_is_file=True),
)


@dataclass(frozen=True)
class _Layout:
    """How a CSV file of digits looks."""

    head: bool = True
    label_first: bool = False


def _layouts(script: Script) -> Iterator[_Layout]:
    """Yield the layout of the workshop's digits, then others that the script seems to read."""
    text = ast.unparse(script.tree)
    heads = (True, False) if "header=None" in text else (True,)
    for label_first in (False, True) if "[:, 0]" in text else (False,):
        for head in heads:
            yield _Layout(head, label_first)


def _train_with_arguments(script: Script, layout: _Layout, scratch: Path) -> Any:
    """Return the model that the script saves where an argument tells it to."""
    if not any(map(_means_model, script.options)):
        raise Missing("src/train.py takes no argument for where the model goes: add --model-dir.")
    digits = _write_digits(script, layout, scratch / "digits")
    first = None
    for number, attempt in enumerate(_ATTEMPTS):
        target = scratch / str(number)
        target.mkdir()
        where = target / "model.joblib" if attempt.model_is_file else target
        run = run_script(script, list(_arguments(script, where, digits, attempt)))
        first = first or run
        saved = list(find_models(target))
        if not run.exit_code and saved:
            return load_model(saved[0], saved[0].name)
        if not (run.exit_code and _PATH_ERROR.search(run.last_word)):
            raise Missing(_why_no_model(script, run))
    raise Missing(_why_no_model(script, first))


def _why_no_model(script: Script, run: Run) -> str:
    if run.exit_code:
        failed = f"src/train.py fails when given arguments, with {run.last_word!r}"
        if "NoneType" in run.last_word and script.returns_nothing("fit"):
            return f"{failed}: fit returns nothing, so let it return the model."
        return f"{failed}."
    if not run.stdout and not run.stderr:
        return (
            "src/train.py does not save the model in the folder its argument names, and prints "
            "nothing: does its end call main(), under `if __name__ == '__main__':`?"
        )
    return "src/train.py does not save the model in the folder its argument names."


def _write_digits(script: Script, layout: _Layout, folder: Path) -> dict[bool, Path]:
    """Return a folder to train on, and for True one of held-out digits.

    Each holds the CSV files that the script names; else train.csv, or test.csv.
    """
    named = {Path(name).name for name in script.strings if re.search(r"\w\.csv$", name)}
    folders = {held_out: folder / str(held_out) for held_out in (False, True)}
    for held_out, target in folders.items():
        target.mkdir(parents=True)
        for name in named or {"test.csv" if held_out else "train.csv"}:
            rows = data.digits()[bool(_HELD_OUT.search(name))]
            columns = [*data.PIXELS, data.LABEL]
            columns = [data.LABEL, *data.PIXELS] if layout.label_first else columns
            rows[columns].to_csv(target / name, index=False, header=layout.head)
    return folders


def _arguments(
    script: Script, model: Path, digits: dict[bool, Path], attempt: _Attempt
) -> Iterator[str]:
    for option in script.options:
        if _means_model(option):
            yield from (option, str(model))
        elif _TREES_OPTION.search(option):
            yield from (option, str(TREES))
        elif _means_data(option) and not attempt.own_data:
            held_out = bool(_HELD_OUT.search(option))
            folder = digits[held_out]
            yield from (option, str(_csv(folder, held_out) if attempt.data_is_file else folder))


def _csv(folder: Path, held_out: bool) -> Path:
    """Return the file of a folder for training, or for tests; any, if no name says which."""
    files = sorted(folder.iterdir(), key=lambda file: file.name)
    return next((file for file in files if bool(_HELD_OUT.search(file.name)) == held_out), files[0])


def _means_data(option: str) -> bool:
    return bool(_DATA_OPTION.match(option)) and not _FILE_NAME.search(option)


def _means_model(option: str) -> bool:
    return bool(_MODEL_OPTION.search(option)) and not _FILE_NAME.search(option)


task_2 = Check(
    "chapter 1, task 2",
    "src/train.py has main and fit, and trains by the arguments it is given.",
    _look,
)
