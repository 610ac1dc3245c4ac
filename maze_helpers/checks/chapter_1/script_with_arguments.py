"""The check of chapter 1, task 2: src/train.py trains by its arguments, and can be imported."""

import ast
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maze_helpers import data
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
from maze_helpers.checks.scores import NotPrinted, are_perfect, judge_scores, require_scores, trained_on
from maze_helpers.checks.script import (
    Option,
    Run,
    Script,
    Takes,
    begun_script,
    import_script,
    options_of_help,
    run_recorded,
)
from maze_helpers.checks.verdicts import DoneDifferently

SCRIPT = "src/train.py"
SCRIPT_STEP = 1
# What the skeleton leaves to write: fit, main, and the call of main.
PARTS = 3
# Enough trees to pass, and not scikit-learn's default of 100; as deep as trees of digits grow.
TREES, DEPTH = 120, 20
_BOOSTING = re.compile("boost|xgb|lgbm", re.IGNORECASE)
# Options by their names, with the model's attribute that they set, and the value to give them.
_SETTINGS = (
    (re.compile("estimators|trees"), "n_estimators", TREES),
    (re.compile("max[-_]?depth"), "max_depth", DEPTH),
)
_MODEL_OPTION = re.compile("model|output")
_DATA_OPTION = re.compile("--(train|test|valid|eval|held|data|input)")
_HELD_OUT = re.compile("test|valid|eval|held")
# An option that says what a file in the folder is called, or how things are, not where.
_NO_PATH = re.compile(
    "[-_](file|filename|name|type|kind|format|version|size|rows|samples|split|ratio|fraction)$"
)
_PLACE = re.compile("dir|path|folder|out|save")
# How a script ends that finds other data, or another kind of path, than it was written for.
_PATH_ERROR = re.compile("IsADirectory|NotADirectory|FileNotFound|PermissionError|EmptyDataError")


@dataclass(frozen=True)
class _Attempt:
    """How to call a script. An argument for data may mean a folder or a CSV file, or be left out;
    one for the model may mean a folder or a file.

    together: whether every folder holds both the digits to train on and those held out.
    """

    data_is_file: bool = False
    model_is_file: bool = False
    together: bool = False
    own_data: bool = False


_ATTEMPTS = (
    _Attempt(),
    _Attempt(data_is_file=True),
    _Attempt(model_is_file=True),
    _Attempt(data_is_file=True, model_is_file=True),
    _Attempt(together=True),
    _Attempt(together=True, model_is_file=True),
    _Attempt(own_data=True),
    _Attempt(own_data=True, model_is_file=True),
)


@dataclass(frozen=True)
class _Layout:
    """How a CSV file of digits looks."""

    head: bool = True
    label_first: bool = False


@dataclass(frozen=True)
class _Trained:
    """A model that the script trained, and how it did. held_out: whether digits were, by us."""

    model: Any
    run: Run
    calls: list[Call]
    held_out: bool


def _look(work: Work) -> str | DoneDifferently:
    with belonging_to(SCRIPT_STEP):
        script = begun_script(work.folder, SCRIPT, PARTS)
        _judge_functions(script)
        _judge_import(script)
        options = _options(script)
        trained, judgement = _first_right(script, options)
        _judge_settings(trained.model, options)
        differences = list(_differences(script, trained))
    found = f"{SCRIPT} trains by its arguments: {judgement}"
    return DoneDifferently(" ".join([found, *differences])) if differences else found


def _differences(script: Script, trained: _Trained) -> Iterator[str]:
    """Yield a sentence on each thing that is not as told; raise Missing, if a score is wrong."""
    if not is_forest(trained.model):
        yield f"It is {kind_of(trained.model)} rather than a random forest."
    try:
        _judge_printed(script, trained)
    except NotPrinted as missing:
        yield f"But {missing} Task 4 will need it."


def _first_right(script: Script, options: list[Option]) -> tuple[_Trained, str]:
    """Return what the script trained, and the judgement on the model.

    Raises: Missing, as of the digits as they are, if it trains no good model by any layout.
    """
    first: Missing | None = None
    for layout in _layouts(script):
        with tempfile.TemporaryDirectory() as scratch:
            try:
                trained = _train_with_arguments(script, options, layout, Path(scratch))
                return trained, judge_model(trained.model, own_split=not trained.held_out)
            except Missing as missing:
                first = first or missing
    raise first


def _judge_functions(script: Script) -> None:
    for function in ("main", "fit"):
        if function not in script.functions:
            raise Missing(f"{SCRIPT} defines no function {function}.")
    if not script.calls("fit"):
        raise Missing(f"{SCRIPT} never calls fit: let main pass its arguments on to it.")


def _options(script: Script) -> list[Option]:
    """Return the script's options, by its source, or by its help; as a last resort, by its strings.

    Raises: Missing, if it takes no arguments by their names, or none for the model.
    """
    if script.positions:
        raise Missing(_by_place(" and ".join(script.positions)))
    options = script.options
    if not any(map(_means_model, options)):
        known = {option.name for option in options}
        listed = [option for option in options_of_help(script) if option.name not in known]
        options = [*options, *listed]
    if not options and "argv" in ast.unparse(script.tree):
        options = list(map(Option, sorted(_long_options(script))))
        if not options:
            raise Missing(_by_place("its arguments"))
    if not options:
        raise Missing(
            f"{SCRIPT} takes no arguments such as --train: let main read them with argparse."
        )
    if not any(map(_means_model, options)):
        raise Missing(f"{SCRIPT} takes no argument for where the model goes: add --model-dir.")
    if _BOOSTING.search(ast.unparse(script.tree)):
        # What makes a good forest makes a bad model of boosted trees.
        options = [option for option in options if "depth" not in option.name]
    return options


def _by_place(arguments: str) -> str:
    return (
        f"{SCRIPT} takes {arguments} by place: let it take arguments by names such as --train, "
        "as SageMaker passes them."
    )


def _long_options(script: Script) -> set[str]:
    return {string for string in script.strings if re.fullmatch(r"--[a-z][\w-]+", string)}


def _judge_settings(model: Any, options: list[Option]) -> None:
    """Raise Missing, if the model was made with other settings than the script was given."""
    model = model.steps[-1][1] if hasattr(model, "steps") else model
    for wanted, attribute, value in _SETTINGS:
        asked_for = [option for option in options if _takes_number(option, wanted)]
        made_with = getattr(model, attribute, value)
        if asked_for and made_with != value:
            raise Missing(
                f"{SCRIPT} was given {asked_for[0].name} {value}, and yet its model has "
                f"{attribute}={made_with}: pass the argument on from main to fit."
            )


def _judge_printed(script: Script, trained: _Trained) -> None:
    printed = require_scores(SCRIPT, trained.run.stdout, trained.run.stderr)
    judge_scores(SCRIPT, ast.unparse(script.tree), printed, trained.calls)
    if trained.held_out and are_perfect(printed, trained.calls):
        raise trained_on(SCRIPT, printed)


def _judge_import(script: Script) -> None:
    if script.calls_when_imported("main"):
        raise Missing(
            f"Importing {SCRIPT} starts the training: call main() under "
            "`if __name__ == '__main__':`."
        )
    run = import_script(script)
    if run.exit_code:
        raise Missing(f"Importing {SCRIPT}, as a debugger does, fails with {run.last_word!r}.")


def _layouts(script: Script) -> Iterator[_Layout]:
    """Yield the layout of the workshop's digits, then others that the script seems to read."""
    text = ast.unparse(script.tree)
    heads = (True, False) if "header=None" in text else (True,)
    for label_first in (False, True) if "[:, 0]" in text else (False,):
        for head in heads:
            yield _Layout(head, label_first)


def _train_with_arguments(
    script: Script, options: list[Option], layout: _Layout, scratch: Path
) -> _Trained:
    """Return the model that the script saves where an argument tells it to."""
    given_data = list(filter(_means_data, options))
    held_out = any(_HELD_OUT.search(option.name) for option in given_data)
    apart = _write_digits(script, layout, scratch / "apart", together=not held_out)
    together = _write_digits(script, layout, scratch / "together", together=True)
    first = None
    for number, attempt in enumerate(_ATTEMPTS):
        target = scratch / str(number)
        target.mkdir()
        where = target / "model.joblib" if attempt.model_is_file else target
        digits = together if attempt.together else apart
        run, calls = run_recorded(script, list(_arguments(options, where, digits, attempt)))
        first, written = first or run, find_files(target)
        saved = list(filter(is_model, written))
        if not run.exit_code and saved:
            model = load_model(saved[0], saved[0].name)
            alone = held_out and not (attempt.together or attempt.own_data)
            return _Trained(model, run, calls, alone)
        if not (run.exit_code and _PATH_ERROR.search(run.last_word)):
            raise _no_model(script, run, written)
    raise _no_model(script, first, [])


def _no_model(script: Script, run: Run, written: Iterable[Path]) -> Missing:
    if run.exit_code:
        failed = f"{SCRIPT} fails when given arguments, with {run.last_word!r}"
        if "NoneType" in run.last_word and script.returns_nothing("fit"):
            return Missing(f"{failed}: fit returns nothing, so let it return the model.")
        return Missing(f"{failed}.")
    nothing = f"{SCRIPT} does not save the model in the folder its argument names"
    if not run.stdout and not run.stderr:
        end = "does its end call main(), under `if __name__ == '__main__':`?"
        return saves_no_model(SCRIPT, written, f"{nothing}, and prints nothing: {end}")
    return saves_no_model(SCRIPT, written, f"{nothing}.")


def _write_digits(
    script: Script, layout: _Layout, folder: Path, together: bool
) -> dict[bool, Path]:
    """Return a folder to train on, and for True one of held-out digits.

    Each holds the CSV files that the script names, those of the other kind only if they are to be
    together; where it names none, train.csv or test.csv.
    """
    named = {Path(name).name for name in script.strings if re.search(r"\w\.csv$", name)}
    folders = {held_out: folder / str(held_out) for held_out in (False, True)}
    for held_out, target in folders.items():
        target.mkdir(parents=True)
        names = {name for name in named if together or _is_held_out(name, held_out) == held_out}
        for name in names or {"test.csv" if held_out else "train.csv"}:
            rows = data.digits()[_is_held_out(name, held_out)]
            columns = [*data.PIXELS, data.LABEL]
            columns = [data.LABEL, *data.PIXELS] if layout.label_first else columns
            rows[columns].to_csv(target / name, index=False, header=layout.head)
    return folders


def _is_held_out(name: str, otherwise: bool) -> bool:
    """Return whether a file is for tests by its name, or otherwise by the folder it is in."""
    if _HELD_OUT.search(name):
        return True
    return otherwise and "train" not in name


def _arguments(
    options: list[Option], model: Path, digits: dict[bool, Path], attempt: _Attempt
) -> Iterator[str]:
    places = [option for option in options if _means_model(option)]
    # Beside --model-dir, an option such as --model says which kind of model it is.
    places = [option for option in places if _PLACE.search(option.name)] or places
    for option in options:
        numbers = [value for wanted, _, value in _SETTINGS if _takes_number(option, wanted)]
        if option in places:
            yield from (option.name, str(model))
        elif numbers:
            yield from (option.name, str(numbers[0]))
        elif _means_data(option) and not attempt.own_data:
            held_out = bool(_HELD_OUT.search(option.name))
            folder = digits[held_out]
            path = _csv(folder, held_out) if attempt.data_is_file else folder
            yield from (option.name, str(path))


def _csv(folder: Path, held_out: bool) -> Path:
    """Return the file of a folder for training, or for tests; any, if no name says which."""
    files = sorted(folder.iterdir(), key=lambda file: file.name)
    return next((file for file in files if bool(_HELD_OUT.search(file.name)) == held_out), files[0])


def _means_data(option: Option) -> bool:
    return _may_be_path(option) and bool(_DATA_OPTION.match(option.name))


def _means_model(option: Option) -> bool:
    return _may_be_path(option) and bool(_MODEL_OPTION.search(option.name))


def _may_be_path(option: Option) -> bool:
    return option.takes is Takes.ANYTHING and not _NO_PATH.search(option.name)


def _takes_number(option: Option, wanted: re.Pattern[str]) -> bool:
    takes_some = option.takes in (Takes.NUMBER, Takes.ANYTHING)
    return takes_some and bool(wanted.search(option.name))


task_2 = Check(
    "chapter 1, task 2",
    "src/train.py has main and fit, and trains by the arguments it is given.",
    _look,
)
