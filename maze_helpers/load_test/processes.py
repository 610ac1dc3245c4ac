"""A function in many processes at once, and what became of each: the load test of the exercise.

A process that ends with an exception says so on its own stderr, and its exit code is 1: whoever
only joins it learns nothing. Here that is kept.

Children made by fork share what is open in their parent. A boto3 client that has been used has a
connection open, and all children write their requests into it and read from it whatever comes
first: an answer to another's request, half of one, or an error about a request that nobody sent.
"""

import contextlib
import io
import multiprocessing
import pickle
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from maze_helpers.load_test.limits import MAX_DURATION_S, MAX_PROCESSES, check_between
from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.local_cloud.open_files import allow_open_files

RETURNED, RAISED, DIED, HUNG = "returned", "raised", "died", "hung"
# What a process has open in its parent: two pipes, one end each.
FILES_A_PROCESS = 2
OTHER_FILES = 256


class Ending(NamedTuple):
    """What a process says when its function has ended. value: pickled; None, if it raised."""

    value: bytes | None
    error: str
    printed: str
    seconds: float


def run_processes(
    function: Callable[[int], Any], number: int, timeout_s: float = 60.0
) -> pd.DataFrame:
    """Return what became of processes that call function(0), function(1), … at the same time.

    One row a process: outcome ("returned", "raised", "died" by a signal or by leaving Python,
    "hung": killed after timeout_s), exit_code (negative: the signal), value (what the function
    returned; it must be picklable), error (what it raised), printed, seconds (what the function
    took). number: up to 1000. None of them is left when this returns. The processes are forks, as
    Linux's multiprocessing makes them before Python 3.14; on macOS, where libraries may not
    survive a fork, some may die of that.
    Raises: MazeError, if the number is out of range, or this system has no fork or not enough
    open files.
    """
    check_between("number", number, 1, MAX_PROCESSES)
    check_between("timeout_s", timeout_s, 0, MAX_DURATION_S)
    if "fork" not in multiprocessing.get_all_start_methods():
        raise MazeError("This system has no fork: run it on Linux, macOS or WSL.")
    fork = multiprocessing.get_context("fork")
    needed = FILES_A_PROCESS * number + OTHER_FILES
    if (allowed := allow_open_files(needed)) < needed:
        raise MazeError(
            f"{needed} files have to be open and {allowed} may be: run fewer processes."
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        processes = [
            fork.Process(target=_call, args=(function, i, folder / str(i))) for i in range(number)
        ]
        try:
            for process in processes:
                process.start()
            hung = _wait(processes, timeout_s)
        finally:
            _kill(processes)
        rows = [
            _row(process.exitcode, process in hung, folder / str(i))
            for i, process in enumerate(processes)
        ]
    # The values as they are: pandas would make NaN of None, and floats of integers beside it.
    table = pd.DataFrame(rows, dtype=object).rename_axis("process")
    return table.astype({"exit_code": int, "seconds": float})


def _call(function: Callable[[int], Any], number: int, report: Path) -> None:
    """Run in the child: call the function and leave a report of it."""
    printed, began_s = io.StringIO(), time.monotonic()
    value, error = None, ""
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            value = pickle.dumps(function(number))
    except Exception as raised:
        error = f"{type(raised).__name__}: {raised}"
    ending = Ending(value, error, printed.getvalue(), time.monotonic() - began_s)
    unfinished = report.with_suffix(".part")
    unfinished.write_bytes(pickle.dumps(ending))
    unfinished.rename(report)
    raise SystemExit(1 if error else 0)


def _wait(processes: list[BaseProcess], timeout_s: float) -> list[BaseProcess]:
    """Return those that have not ended in time."""
    deadline_s = time.monotonic() + timeout_s
    running = {process.sentinel: process for process in processes}
    while running and (left_s := deadline_s - time.monotonic()) > 0:
        for sentinel in wait(list(running), left_s):
            del running[sentinel]
    return list(running.values())


def _kill(processes: list[BaseProcess]) -> None:
    started = [process for process in processes if process.pid is not None]
    for process in started:
        if process.is_alive():
            process.kill()
    for process in started:
        process.join()


def _row(exit_code: int, is_hung: bool, report: Path) -> dict[str, Any]:
    ending = Ending(None, "", "", float("nan"))
    if report.exists():
        ending = pickle.loads(report.read_bytes())
        outcome = RAISED if ending.error else RETURNED
    else:
        outcome = HUNG if is_hung else DIED
    return {
        "outcome": outcome,
        "exit_code": exit_code,
        "value": pickle.loads(ending.value) if ending.value else None,
        "error": ending.error,
        "printed": ending.printed,
        "seconds": ending.seconds,
    }
