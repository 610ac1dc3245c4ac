"""The container's own log lines, laid out as Python's logging does for the image's toolkit."""

from __future__ import annotations

import sys
import time

INFO, WARNING, ERROR = 20, 30, 40
_LEVEL_NAMES = {INFO: "INFO", WARNING: "WARNING", ERROR: "ERROR"}


class TrainLog:
    """Writes lines such as "2026-11-21 20:25:17,123 sagemaker-training-toolkit INFO     …".

    level: messages below it are left out; 20 is INFO, as for Python's `logging`.
    """

    toolkit = "sagemaker-training-toolkit"
    layout = "{stamp},{millis:03d} {name:<12} {level:<8} {message}\n"

    def __init__(self, level: int = INFO) -> None:
        self.level = level

    def info(self, message: str, name: str | None = None) -> None:
        """Write a message that is no more than news."""
        self._write(INFO, name, message)

    def warning(self, message: str, name: str | None = None) -> None:
        """Write a message that the job's owner should look into."""
        self._write(WARNING, name, message)

    def error(self, message: str, name: str | None = None) -> None:
        """Write why the job fails."""
        self._write(ERROR, name, message)

    def _write(self, level: int, name: str | None, message: str) -> None:
        if level < self.level:
            return
        now_s = time.time()
        line = self.layout.format(
            stamp=time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now_s)),
            millis=int(now_s % 1 * 1000),
            name=name or self.toolkit,
            level=_LEVEL_NAMES[level],
            message=message,
        )
        sys.stderr.write(line)
        sys.stderr.flush()


class ServeLog(TrainLog):
    """Writes lines such as "2026-11-21 20:25:17,123 INFO - sagemaker-containers - …"."""

    toolkit = "sagemaker-containers"
    layout = "{stamp},{millis:03d} {level} - {name} - {message}\n"
