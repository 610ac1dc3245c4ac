"""The lines of a script's output that say why it failed, from the first error on.

How they are picked and put together: observed on sagemaker-training 5.1.4.
"""

from __future__ import annotations

import builtins
import re

# What the toolkit looks for beside Python's own errors: pip's, TensorFlow's and MPI's.
_OTHER_SIGNS = (
    "Invalid requirement",
    "ResourceExhaustedError",
    "OutOfRangeError",
    "InvalidArgumentError",
    "mpirun.real",
    "ORTE",
)
_PYTHON_ERRORS = (name for name in dir(builtins) if "Error" in name or "Exception" in name)
_SIGN = re.compile("|".join(map(re.escape, (*_PYTHON_ERRORS, *_OTHER_SIGNS))))
# Differs from AWS: there, all that follows the first error is kept in memory, and written to the
# failure file, of which the service shows 1024 characters. This much will do.
_ENOUGH = 1 << 16


class ErrorLines:
    """Takes a stream as it comes, and keeps its lines from the first on that looks like an error.

    Example: of "epoch 1\\nValueError: bad\\n  more:\\n" it keeps ["ValueError: bad\\n", "more\\n"].
    """

    def __init__(self, name_of_error: str) -> None:
        """Begin. name_of_error: what the failure is called; a line that names it is an error."""
        self.kept: list[str] = []
        self._name = name_of_error
        self._size = 0
        self._rest = b""

    def feed(self, output: bytes) -> None:
        """Take the next piece of the stream."""
        *lines, self._rest = (self._rest + output).split(b"\n")
        for line in lines:
            self._take(line)
        if len(self._rest) > _ENOUGH:
            self._take(self._rest)
            self._rest = b""

    def end(self) -> None:
        """Take the last line, which nothing ended."""
        if self._rest:
            self._take(self._rest)
            self._rest = b""

    def _take(self, raw: bytes) -> None:
        if self._size > _ENOUGH:
            return
        line = raw.decode("utf-8", "replace")
        if self.kept or self._name in line or _SIGN.search(line):
            self.kept.append(line.strip(" :\n") + "\n")
            self._size += len(line)


def error_message(*streams: ErrorLines) -> str:
    """Return what the failure file says of the streams, each line once."""
    text = " ".join(" ".join(stream.kept) for stream in streams)
    return "\n".join(dict.fromkeys(text.split("\n"))).strip()
