"""What runs the job's commands, one after the other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import IO

from maze_helpers.local_cloud.container.error_lines import ErrorLines, error_message
from maze_helpers.local_cloud.container.failure import CommandError

# What a process exits with that SIGTERM ended before there was a script to pass it on to.
_TERMINATED = 128 + signal.SIGTERM
_PIECE_BYTES = 1 << 16


class Runner:
    """Runs commands in a folder, and passes SIGTERM on to the one that runs.

    Differs from AWS, whose toolkit ends at SIGTERM by itself: this one waits for the script, and
    reports how it ended.
    captures: whether a failure says what the command wrote of it. What it writes to stderr
    then comes out of stdout, as from the toolkit.
    """

    def __init__(self, folder: str, captures: bool = False) -> None:
        self.captures = captures
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._is_starting, self._is_stopped = False, False
        signal.signal(signal.SIGTERM, self._pass_on)

    def run(
        self, command: list[str], variables: Mapping[str, str], error: type[CommandError]
    ) -> None:
        """Run a command in the code folder to its end.

        Raises: the error, if it exits with another code than 0.
        """
        message = ""
        if self.captures:
            exit_code, message = self._run_and_watch(command, variables, error.__name__)
        else:
            exit_code = self._start(command, variables).wait()
        if exit_code != 0:
            raise error(exit_code, command, message)

    def _run_and_watch(
        self, command: list[str], variables: Mapping[str, str], name_of_error: str
    ) -> tuple[int, str]:
        process = self._start(command, variables, subprocess.PIPE)
        assert process.stdout and process.stderr
        streams = {pipe: ErrorLines(name_of_error) for pipe in (process.stdout, process.stderr)}
        threads = [
            threading.Thread(target=_pass_through, args=stream, daemon=True)
            for stream in streams.items()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return process.wait(), error_message(*streams.values())

    def _start(
        self, command: list[str], variables: Mapping[str, str], output: int | None = None
    ) -> subprocess.Popen[bytes]:
        self._is_starting = True
        try:
            # A session of its own, so that it gets a SIGTERM once: through us.
            self._process = subprocess.Popen(
                command,
                cwd=self._folder,
                env=dict(variables),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        finally:
            self._is_starting = False
        if self._is_stopped:
            os.killpg(self._process.pid, signal.SIGTERM)
        return self._process

    def _pass_on(self, number: int, _frame: object) -> None:
        if self._is_starting:
            # There may be a process already, and it is not known here yet.
            self._is_stopped = True
            return
        if self._process is None or self._process.poll() is not None:
            sys.exit(_TERMINATED)
        os.killpg(self._process.pid, number)


def _pass_through(pipe: IO[bytes], lines: ErrorLines) -> None:
    """Write a pipe's bytes to stdout as they come, until it ends."""
    with pipe:
        while True:
            piece = os.read(pipe.fileno(), _PIECE_BYTES)
            if not piece:
                break
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
            lines.feed(piece)
    lines.end()
