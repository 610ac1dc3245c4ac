"""The local cloud's server: start it, stop it, find it; one a folder, on the loopback alone.

`python -m maze_helpers.local_cloud.server --home DIR --port N` serves in the foreground.
"""

import argparse
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from maze_helpers import local_cloud
from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.local_cloud.home import Home, ServerInfo, explain

START_TIMEOUT_S = 30
# What another server gets to answer or to end: less, so that its starter still hears of it.
LOCK_TIMEOUT_S = 25
# Longer than it takes to end running jobs; past it, the next start cleans up after them.
STOP_TIMEOUT_S = 30
MODULE = "maze_helpers.local_cloud.server"
PACKAGES = Path(local_cloud.__file__).parents[2]


def info(home: Path) -> ServerInfo | None:
    """Return the server that answers for a folder, or None."""
    return Home(home).read_info()


def start(home: Path, port: int | None = None) -> ServerInfo:
    """Return the server of a folder, started in the background unless it is up.

    port: None for the one it had, 0 for any free one.
    Raises: MazeError, if it is up on another port or cannot start.
    """
    running = info(home)
    if running is None:
        Home(home).prepare()
        try:
            running = _start_detached(Home(home), port)
        except OSError as error:
            raise MazeError(explain(error, home)) from error
    if port and port != running.port:
        raise MazeError(
            f"The maze is already up, on port {running.port}: "
            f"run `maze down` first to move it to port {port}."
        )
    return running


def stop(home: Path) -> bool:
    """End the server of a folder and the jobs it runs; return whether there was one."""
    running = info(home)
    process = running.process() if running else None
    if process is None:
        return False
    process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while running.process() and time.monotonic() < deadline:
        time.sleep(0.02)
    if running.process():
        process.kill()
    Home(home).forget_info()
    return True


def _start_detached(home: Home, port: int | None) -> ServerInfo:
    report_in, report_out = os.pipe()
    command = [sys.executable, "-m", MODULE, "--home", str(home.path)]
    command += ["--report-to", str(report_out)]
    if port is not None:
        command += ["--port", str(port)]
    with open(report_in, encoding="utf-8") as report, open(home.stderr, "wb") as stderr:
        try:
            # That it fails shows in the report, which then ends before its line.
            subprocess.run(
                command,
                # Not the caller's folder: a participant's `code.py` there would be imported.
                cwd=home.path,
                env=os.environ | {"PYTHONPATH": str(PACKAGES)},
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                pass_fds=[report_out],
                start_new_session=True,
            )
        finally:
            os.close(report_out)
        return _await_report(home, report)


def _await_report(home: Home, report: TextIO) -> ServerInfo:
    readable, _, _ = select.select([report], [], [], START_TIMEOUT_S)
    if not readable:
        raise MazeError(
            f"The maze did not start within {START_TIMEOUT_S} s: see {home.log}, and try again."
        )
    line = report.readline()
    if not line:
        last = home.stderr.read_text(errors="replace").strip().splitlines()[-1:]
        reason = f" ({last[0]})" if last else ""
        raise MazeError(f"The maze stopped while it started{reason}: see {home.stderr}.")
    answer = json.loads(line)
    if "error" in answer:
        raise MazeError(answer["error"])
    return ServerInfo(**answer["server"])


@contextmanager
def only_server(home: Home) -> Iterator[ServerInfo | None]:
    """Yield None while holding the folder's lock, or the server that others started meanwhile.

    Raises: MazeError, if the lock's holder neither answers nor goes away.
    """
    deadline = time.monotonic() + LOCK_TIMEOUT_S
    with open(home.lock, "w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                running = home.read_info()
                if running:
                    yield running
                    return
            else:
                yield None
                return
            if time.monotonic() > deadline:
                raise MazeError(f"Another server holds {home.lock}: end it, and try again.")
            time.sleep(0.02)


class _Report:
    """How a server tells whether it is up: on its terminal, or to who started it detached."""

    def __init__(self, descriptor: int | None) -> None:
        self._pipe = None if descriptor is None else open(descriptor, "w", encoding="utf-8")

    def up(self, server: ServerInfo) -> None:
        self._tell({"server": asdict(server)}, f"The maze is up at {server.endpoint_url}.")

    def failed(self, reason: str) -> None:
        self._tell({"error": reason}, reason)

    def _tell(self, answer: dict, sentence: str) -> None:
        if self._pipe is None:
            print(sentence, file=sys.stderr)
            return
        try:
            with self._pipe:
                self._pipe.write(json.dumps(answer) + "\n")
        except BrokenPipeError:
            print("Nobody waits for this any more:", sentence, file=sys.stderr)


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, required=True, help="the maze's folder")
    parser.add_argument("--port", type=int, help="default: the one it had, else a free one")
    parser.add_argument("--access-log", action="store_true", help="log every request's path")
    parser.add_argument("--report-to", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.report_to is not None and os.fork():
        # The caller waits for this process alone; the server lives on as nobody's child.
        os._exit(0)
    report = _Report(options.report_to)
    _forget_aws_settings()
    try:
        _serve_unless_up(Home(options.home), options.port, options.access_log, report)
    except MazeError as error:
        report.failed(str(error))
        return 1
    except OSError as error:
        report.failed(explain(error, options.home))
        return 1
    return 0


def _forget_aws_settings() -> None:
    """Have botocore, where the server uses it, read neither the caller's settings nor ~/.aws."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


def _serve_unless_up(home: Home, port: int | None, access_log: bool, report: _Report) -> None:
    home.prepare()
    with only_server(home) as running:
        if running:
            report.up(running)
        else:
            # Late, because it takes most of the start: a second `maze up` needs none of it.
            from maze_helpers.local_cloud import serving

            serving.serve(home, port, access_log, report.up)


if __name__ == "__main__":
    sys.exit(main())
