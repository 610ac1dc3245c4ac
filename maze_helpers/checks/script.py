"""Reading a participant's script, and running it as a terminal would."""

import ast
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maze_helpers.checks.check import Missing

TIMEOUT_S = 300


@dataclass(frozen=True)
class Script:
    """A script that parses: its path as the participant knows it, and its syntax tree."""

    folder: Path
    name: str
    tree: ast.Module

    @property
    def functions(self) -> set[str]:
        """The names of the functions at the top level."""
        return {node.name for node in self.tree.body if isinstance(node, ast.FunctionDef)}

    @property
    def strings(self) -> set[str]:
        """Every string constant in the script."""
        return {
            node.value
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }

    @property
    def options(self) -> list[str]:
        """The long options that its argparse parser takes, in order, such as '--model-dir'."""
        calls = [node for node in ast.walk(self.tree) if _is_add_argument(node)]
        return [
            argument.value
            for call in calls
            for argument in call.args
            if isinstance(argument, ast.Constant) and str(argument.value).startswith("--")
        ]

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
        """The last line it wrote to stderr: the error, if it was one."""
        return (self.stderr.strip().splitlines() or [f"exit code {self.exit_code}"])[-1]


def _is_add_argument(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "attr", None) == "add_argument"


def read_script(folder: Path, name: str) -> Script:
    """Return the script in the folder; raise Missing, if it is not there or does not parse."""
    path = folder / name
    if not path.is_file():
        raise Missing(f"There is no {name} here: write it with %%writefile {name}.")
    try:
        return Script(folder, name, ast.parse(path.read_text(encoding="utf-8")))
    except SyntaxError as error:
        raise Missing(f"{name} does not parse: {error.msg}, line {error.lineno}.") from error


def run_script(script: Script, arguments: Sequence[str] = ()) -> Run:
    """Return how `python <script> <arguments>` ended, run in the script's folder."""
    try:
        done = subprocess.run(
            [sys.executable, script.name, *arguments],
            cwd=script.folder,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise Missing(f"{script.name} was still running after {TIMEOUT_S} s.") from error
    return Run(done.returncode, done.stdout, done.stderr)
