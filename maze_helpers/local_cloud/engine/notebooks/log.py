"""A notebook instance's output: to the log streams that its lines are for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maze_helpers.local_cloud.container.notebook_instance import JUPYTER_LOG, STATUS
from maze_helpers.local_cloud.engine.log_writer import LogWriter
from maze_helpers.local_cloud.engine.notebooks.record import Document

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

# Source: CreateNotebookInstanceLifecycleConfig, on its streams as well.
GROUP = "/aws/sagemaker/NotebookInstances"
_STREAMS = (JUPYTER_LOG, "LifecycleConfigOnCreate", "LifecycleConfigOnStart", STATUS)


class NotebookLog:
    """Takes an instance's lines, each of which begins with its stream, as the role may write them.

    endings: how each script ended, by its name.
    """

    def __init__(self, cloud: LocalCloud, document: Document) -> None:
        self.endings: dict[str, str] = {}
        self._logs = cloud.logs_as(document["RoleArn"])
        self._name = document["NotebookInstanceName"]
        self._writers: dict[str, LogWriter] = {}

    def add(self, time_s: float, line: str) -> None:
        """Take one line, printed at a moment in seconds since the epoch."""
        stream, _, text = line.partition(" ")
        if stream not in _STREAMS:
            # What the instance could not even begin with.
            stream, text = JUPYTER_LOG, line
        if stream == STATUS:
            script, _, ending = text.partition(" ")
            self.endings[script] = ending
            return
        if stream not in self._writers:
            self._writers[stream] = LogWriter(self._logs, GROUP, f"{self._name}/{stream}")
        self._writers[stream].add(time_s, text)

    def close(self) -> None:
        """Return when every line is stored. Raises: what storing them raised at first."""
        for writer in self._writers.values():
            writer.close()
