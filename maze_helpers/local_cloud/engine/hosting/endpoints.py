"""The hosting engine: the endpoints, each with what serves it."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from maze_helpers.local_cloud.engine.container_folder import remove_folder
from maze_helpers.local_cloud.engine.hosting.endpoint_run import EndpointRun
from maze_helpers.local_cloud.engine.hosting.live_endpoint import LiveEndpoint
from maze_helpers.local_cloud.engine.hosting.server_folder import ServerFolder
from maze_helpers.local_cloud.services.sagemaker.resources import ENDPOINT, Resources

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

log = logging.getLogger(__name__)

_RESUMED = ("Creating", "InService", "Updating", "Deleting")


class HostingEngine:
    """Runs endpoints whose documents are in the store.

    `create`, `update`, `update_weights` and `delete` return at once; each is called when the
    endpoint's document has its new status already.
    """

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._resources = Resources(cloud.store, cloud.region, cloud.account_id)
        self._folder = cloud.home / "hosting"
        self._runs: dict[str, EndpointRun] = {}
        self._closing = False
        self._lock = threading.Lock()

    def create(self, name: str) -> None:
        """Bring an endpoint up that is Creating."""
        self._new_run(name).create()

    def update(self, name: str) -> None:
        """Bring an endpoint's next deployment up, which is Updating."""
        self._run(name).update()

    def update_weights(self, name: str) -> None:
        """Give an endpoint the weights and instance counts that it desires, which is Updating."""
        self._run(name).scale()

    def delete(self, name: str) -> None:
        """Take an endpoint down that is Deleting, and forget its document."""
        self._run(name).delete()

    def live(self, name: str) -> LiveEndpoint | None:
        """Return an endpoint that answers requests, or None."""
        run = self._runs.get(name)
        return run.live if run else None

    def recover(self) -> None:
        """Remove what an earlier server left behind, and bring its endpoints back."""
        self._remove_strays()
        for name in self._resources.names_in_status(ENDPOINT, *_RESUMED):
            self._new_run(name).resume()

    def announce_close(self) -> None:
        """Leave the documents as they are from now on, while endpoints still answer.

        A model server that starts may need this server, and fails without.
        """
        with self._lock:
            self._closing = True
        for run in self._all_runs():
            run.announce_close()

    def close(self) -> None:
        """Stop all endpoints, in seconds; the next server brings them back."""
        if runs := self._all_runs():
            with ThreadPoolExecutor(len(runs), "close") as closers:
                list(closers.map(EndpointRun.close, runs))

    def _all_runs(self) -> list[EndpointRun]:
        with self._lock:
            return list(self._runs.values())

    def _new_run(self, name: str) -> EndpointRun:
        run = EndpointRun(self._cloud, self._resources, name, self._forget)
        with self._lock:
            self._runs[name] = run
            closing = self._closing
        if closing:
            run.announce_close()
        return run

    def _run(self, name: str) -> EndpointRun:
        """Return an endpoint's run; one that failed before a restart has none yet."""
        with self._lock:
            run = self._runs.get(name)
        return run or self._new_run(name)

    def _forget(self, run: EndpointRun) -> None:
        with self._lock:
            if self._runs.get(run.name) is run:
                del self._runs[run.name]

    def _remove_strays(self) -> None:
        servers = self._folder / "servers"
        for path in servers.iterdir() if servers.is_dir() else ():
            folder = ServerFolder(path)
            folder.end_container()
            folder.revoke_key(self._cloud.credentials)
            try:
                folder.remove()
            except OSError:
                log.exception("what a model server left in %s could not be removed", path)
        try:
            remove_folder(self._folder)
        except OSError:
            log.exception("what models left in %s could not be removed", self._folder)
