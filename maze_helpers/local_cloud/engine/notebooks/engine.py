"""The engine of notebook instances: those that are there, each with what runs for it."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from maze_helpers.local_cloud.engine.notebooks.folder import NotebookFolder
from maze_helpers.local_cloud.engine.notebooks.instance import Instance
from maze_helpers.local_cloud.engine.notebooks.notebook_run import NotebookRun
from maze_helpers.local_cloud.engine.notebooks.record import Document, enter
from maze_helpers.local_cloud.services.sagemaker.resources import NOTEBOOK_INSTANCE, Resources

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

log = logging.getLogger(__name__)


class NotebookEngine:
    """Runs notebook instances whose documents are in the store.

    `start`, `stop`, `settle` and `delete` return at once; each is called when the document has its
    new status already.
    """

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._resources = Resources(cloud.store, cloud.region, cloud.account_id)
        self._folders = cloud.home / "notebooks"
        self._runs: dict[str, NotebookRun] = {}
        self._lock = threading.Lock()

    def start(self, name: str) -> None:
        """Bring one up that is Pending."""
        self._run(name).start()

    def stop(self, name: str) -> None:
        """End one that is Stopping."""
        self._run(name).stop()

    def settle(self, name: str) -> None:
        """Make one Stopped that is Updating."""
        self._run(name).settle()

    def delete(self, name: str) -> None:
        """Remove one that is Deleting."""
        self._run(name).delete()

    def instance(self, name: str) -> Instance | None:
        """Return what runs for one that is InService."""
        return self._run(name).instance

    def recover(self) -> None:
        """End what an earlier server left running, and take up what it left undone.

        Differs from AWS: what was InService starts anew, as after a Stop, for it ended with the
        server: its volume is all that is left of it.
        """
        for path in self._folders.iterdir() if self._folders.is_dir() else ():
            self._clear(NotebookFolder(path))
        for name in self._resources.names_in_status(NOTEBOOK_INSTANCE, "Pending", "InService"):
            self._resources.update(NOTEBOOK_INSTANCE, name, self._become_pending)
            self.start(name)
        for name in self._resources.names_in_status(NOTEBOOK_INSTANCE, "Stopping"):
            self.stop(name)
        for name in self._resources.names_in_status(NOTEBOOK_INSTANCE, "Updating"):
            self.settle(name)
        for name in self._resources.names_in_status(NOTEBOOK_INSTANCE, "Deleting"):
            self.delete(name)

    def announce_close(self) -> None:
        """Leave the documents as they are from now on: scripts may fail for want of this one."""
        for run in self._all_runs():
            run.announce_close()

    def close(self) -> None:
        """End all instances, in seconds; the next server brings them back."""
        if runs := self._all_runs():
            with ThreadPoolExecutor(len(runs), "close") as closers:
                list(closers.map(NotebookRun.close, runs))

    def _all_runs(self) -> list[NotebookRun]:
        with self._lock:
            return list(self._runs.values())

    def _run(self, name: str) -> NotebookRun:
        # Names are unique whatever their case.
        key = name.lower()
        with self._lock:
            if key not in self._runs:
                folder = NotebookFolder(self._folders / key)
                self._runs[key] = NotebookRun(self._cloud, self._resources, name, folder)
            return self._runs[key]

    def _become_pending(self, document: Document) -> None:
        enter(document, "Pending", self._cloud.clock.now())

    def _clear(self, folder: NotebookFolder) -> None:
        folder.end_container()
        folder.revoke_key(self._cloud.credentials)
        try:
            folder.remove_instance()
        except OSError:
            log.exception("what a notebook instance left in %s could not be removed", folder.root)
