"""Reading a participant's script, and running it as a terminal would."""

import ast
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from maze_helpers.checks import recorded_run
from maze_helpers.checks.check import Missing, NothingYet

TIMEOUT_S = 300
# What a skeleton raises where a participant is to write.
STUB = "NotImplementedError"
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# What a skeleton has outside of its functions; a docstring is an expression.
_GIVEN = (*FUNCTIONS, ast.Import, ast.ImportFrom, ast.Expr)

# Those of add_argument's actions that take a value.
_VALUED_ACTIONS = ("store", "append", "extend")
# A row of --help's list: argparse puts one blank before what an option takes, and two before its
# explanation; typer puts as many as its columns need, and a frame of │ around.
_HELP_ROW = re.compile(
    r"^[\s│|*]*(?:-\w(?: [A-Z][\w.]*)?, *)?(?P<name>--[a-z][\w-]*)(?:, --[\w-]+)*(?: +-\w\b)?"
    r"(?:[ =](?P<value>[^\s│-]\S*)|"
    r"\s+(?P<column><\w+>|[A-Z][A-Z_]+|\[[\w|]+\])(?=\s{2}|\s*[│\n]))?",
    re.MULTILINE,
)


class Takes(Enum):
    """What an option takes. ANYTHING may be a path; CHOICE is one of some words."""

    ANYTHING, NUMBER, CHOICE, NOTHING = range(4)


@dataclass(frozen=True)
class Option:
    """An option of a script's command line; name: as it is typed, such as "--model-dir"."""

    name: str
    takes: Takes = Takes.ANYTHING


@dataclass(frozen=True)
class Script:
    """A script that parses: its path as the participant knows it, and its syntax tree."""

    folder: Path
    name: str
    tree: ast.Module

    @property
    def functions(self) -> set[str]:
        """The names of the functions at the top level, those imported included."""
        imports = [node for node in self.tree.body if isinstance(node, ast.ImportFrom)]
        imported = {alias.asname or alias.name for node in imports for alias in node.names}
        return imported | {node.name for node in self.tree.body if isinstance(node, FUNCTIONS)}

    @property
    def strings(self) -> set[str]:
        """Every string constant in the script."""
        return {
            node.value
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }

    @property
    def options(self) -> list["Option"]:
        """The long options that its argparse parser takes, in order."""
        calls = [node for node in ast.walk(self.tree) if _is_add_argument(node)]
        return [
            Option(argument.value, _taken(call))
            for call in calls
            for argument in call.args
            if isinstance(argument, ast.Constant) and str(argument.value).startswith("--")
        ]

    @property
    def positions(self) -> list[str]:
        """The arguments that its argparse parser takes by their place, and cannot do without."""
        calls = [node for node in ast.walk(self.tree) if _is_add_argument(node) and node.args]
        return [
            call.args[0].value
            for call in calls
            if isinstance(call.args[0], ast.Constant)
            and not str(call.args[0].value).startswith("-")
            and not {"nargs", "default"} & {keyword.arg for keyword in call.keywords}
        ]

    @property
    def stubs(self) -> list[str]:
        """Where the skeleton is not filled yet: a function's name each, "" outside of them."""
        return [name for name, node in _walk(self.tree) if _is_stub(node)]

    @property
    def does_something(self) -> bool:
        """Whether a line outside of functions does something, imports and stubs aside.

        The call of main below `if __name__ == "__main__":` is given in some skeletons.
        """
        return not all(
            isinstance(node, _GIVEN) or _is_stub(node) or _asks_for_its_name(node)
            for node in self.tree.body
        )

    def returns_nothing(self, function: str) -> bool:
        """Return whether the script's own function of that name never returns a value."""
        found = [node for node in self.tree.body if isinstance(node, FUNCTIONS)]
        own = [node for node in found if node.name == function]
        return bool(own) and not any(
            isinstance(node, ast.Return) and node.value is not None for node in ast.walk(own[-1])
        )

    def calls(self, function: str) -> bool:
        """Return whether the script calls the function anywhere but in the function itself."""
        return any(
            isinstance(node, ast.Call) and getattr(node.func, "id", None) == function
            for name, node in _walk(self.tree)
            if name != function
        )

    def calls_when_imported(self, function: str) -> bool:
        """Return whether importing the script calls the function: no `if __name__` guards it."""
        return any(
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and getattr(node.value.func, "id", None) == function
            for node in self.tree.body
        )


@dataclass(frozen=True)
class Run:
    """How a script ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def last_word(self) -> str:
        """The last line it wrote to stderr, without a full stop: the error, if it was one."""
        lines = self.stderr.strip().splitlines() or [f"exit code {self.exit_code}"]
        return lines[-1].removesuffix(".")


def _asks_for_its_name(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and any(
        getattr(part, "id", None) == "__name__" for part in ast.walk(node.test)
    )


def _is_add_argument(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "attr", None) == "add_argument"


def _taken(call: ast.Call) -> Takes:
    """Return what an option takes, by the keywords of its add_argument."""
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    if "action" in given and getattr(given["action"], "value", None) not in _VALUED_ACTIONS:
        return Takes.NOTHING
    kind, default = getattr(given.get("type"), "id", None), given.get("default")
    if "choices" in given or kind == "bool":
        return Takes.CHOICE
    if kind in ("int", "float") or isinstance(getattr(default, "value", None), int | float):
        return Takes.NUMBER
    return Takes.ANYTHING


def _is_stub(node: ast.AST) -> bool:
    raised = getattr(node, "exc", None) if isinstance(node, ast.Raise) else None
    return getattr(getattr(raised, "func", raised), "id", None) == STUB


def _walk(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Yield every node with the name of the function at the top level that it is in, or ""."""
    for top in tree.body:
        name = top.name if isinstance(top, FUNCTIONS) else ""
        for node in ast.walk(top):
            yield name, node


def read_script(folder: Path, name: str) -> Script:
    """Return the script in the folder; raise Missing, if it is not there or does not parse."""
    path = folder / name
    if not path.is_file():
        raise Missing(f"There is no {name} here: write it with %%writefile {name}.")
    return parse_script(path.read_bytes(), folder, name)


def parse_script(source: bytes, folder: Path, name: str) -> Script:
    """Return the script of a source; raise Missing, if it does not parse."""
    try:
        return Script(folder, name, ast.parse(source))
    except SyntaxError as error:
        why = f"{name} does not parse: {error.msg}, line {error.lineno}"
        if (error.text or "").lstrip().startswith(("%", "!")):
            why += ", which is for a notebook's cell alone: take it out of the file"
        raise Missing(f"{why}.") from error
    except ValueError as error:
        raise Missing(f"{name} does not parse: {str(error).rstrip('.')}.") from error


def begun_script(folder: Path, name: str, parts: int = 1) -> Script:
    """Return the script in the folder, if all of it is written.

    parts: how many the skeleton leaves to write.
    Raises: NothingYet, if none of it is written; Missing, if a part is not, or it does not parse.
    """
    if not (folder / name).is_file():
        _judge_place(folder, name)
        raise NothingYet(
            f"There is no {name} yet: write it in the cell with %%writefile {name}, and run it."
        )
    script = read_script(folder, name)
    if len(script.stubs) >= parts and not script.does_something:
        raise NothingYet(
            f"{name} is still the skeleton: write what its comments ask for, "
            f"in place of `raise {STUB}()`, and run the cell again."
        )
    if script.stubs:
        place = f"in {script.stubs[0]}" if script.stubs[0] else "outside of its functions"
        raise Missing(
            f"A part of {name} is not written yet: `raise {STUB}()` still stands {place}, "
            "where your own lines go."
        )
    return script


def _judge_place(folder: Path, name: str) -> None:
    """Raise Missing, if the script is in the task's folder instead of src, or in src instead."""
    for other in (Path(name).name, f"src/{Path(name).name}"):
        if (folder / other).is_file():
            raise Missing(f"There is a {other}, but no {name}, which later cells read: move it.")


def run_script(script: Script, arguments: Sequence[str] = ()) -> Run:
    """Return how `python <script> <arguments>` ended, run in the script's folder."""
    return _run(script, [script.name, *arguments])


def options_of_help(script: Script) -> list[Option]:
    """Return the options that `python <script> --help` lists, as argparse, click and typer do.

    Example: "  -t, --trees INTEGER  How many." is --trees, which takes a number.
    """
    found: dict[str, Option] = {}
    for row in _HELP_ROW.finditer(run_script(script, ["--help"]).stdout):
        found.setdefault(
            row["name"], Option(row["name"], _taken_by(row["value"] or row["column"] or ""))
        )
    found.pop("--help", None)
    return list(found.values())


def _taken_by(value: str) -> Takes:
    if value in ("", "<bool>"):
        return Takes.NOTHING
    if value.upper().lstrip("<").startswith(("INT", "FLOAT")):
        return Takes.NUMBER
    return Takes.CHOICE if value.startswith(("{", "[")) else Takes.ANYTHING


def import_script(script: Script) -> Run:
    """Return how importing the script ended, as a notebook or a debugger would do it."""
    path = script.folder / script.name
    program = f"import sys; sys.path.insert(0, {str(path.parent)!r}); import {path.stem}"
    return _run(script, ["-c", program])


def run_recorded(
    script: Script, arguments: Sequence[str] = ()
) -> tuple[Run, list[recorded_run.Call]]:
    """Return how the script ended, and what scikit-learn's metrics returned to it.

    Should it fail while it is recorded, it is run once more as a terminal would.
    """
    with tempfile.TemporaryDirectory() as scratch:
        record = Path(scratch, "calls.json")
        run = _run(script, [recorded_run.__file__, str(record), script.name, *arguments])
        if run.exit_code:
            return run_script(script, arguments), []
        return run, json.loads(record.read_text()) if record.exists() else []


def _run(script: Script, arguments: Sequence[str]) -> Run:
    try:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=script.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise Missing(f"{script.name} was still running after {TIMEOUT_S} s.") from error
    return Run(done.returncode, done.stdout, done.stderr)
