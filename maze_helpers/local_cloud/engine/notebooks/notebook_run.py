"""One notebook instance from its creation to its deletion: what each operation on it does."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from maze_helpers.local_cloud.engine.notebooks.folder import NotebookFolder
from maze_helpers.local_cloud.engine.notebooks.instance import Instance, InstanceFailed
from maze_helpers.local_cloud.engine.notebooks.record import Document, enter, in_service
from maze_helpers.local_cloud.services.sagemaker.resources import (
    LIFECYCLE_CONFIG,
    NOTEBOOK_INSTANCE,
    Resources,
)

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

log = logging.getLogger(__name__)


class NotebookRun:
    """A notebook instance. Its operations run one after the other, on a thread each.

    instance: what answers presigned URLs, None while there is none.
    """

    def __init__(
        self, cloud: LocalCloud, resources: Resources, name: str, folder: NotebookFolder
    ) -> None:
        self.name = name
        self.instance: Instance | None = None
        self._cloud = cloud
        self._resources = resources
        self._folder = folder
        self._closing = threading.Event()
        # Held by the operation that is carried out.
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Have it come up, which is Pending."""
        self._set_going(self._start)

    def stop(self) -> None:
        """Have it end, which is Stopping."""
        self._set_going(self._stop)

    def settle(self) -> None:
        """Make one Stopped that is being updated: all of that is in its document."""
        self._set_going(lambda: self._enter("Stopped"))

    def delete(self) -> None:
        """Remove its volume, and forget its document, which is Deleting."""
        self._set_going(self._delete)

    def announce_close(self) -> None:
        """Leave the document as it is from now on, to be resumed."""
        self._closing.set()

    def close(self) -> None:
        """End its instance at once."""
        self.announce_close()
        with self._lock:
            instance, threads = self.instance, self._threads
        if instance is not None:
            instance.stop(0)
        for thread in threads:
            thread.join()

    def _set_going(self, work: Callable[[], None]) -> None:
        def carry_out() -> None:
            try:
                with self._turn:
                    if not self._closing.is_set():
                        work()
            except Exception as error:
                log.exception("notebook instance %s: an operation failed", self.name)
                self._enter("Failed", f"InternalServerError: The local cloud failed: {error}")

        thread = threading.Thread(target=carry_out, name=f"notebook instance {self.name}")
        with self._lock:
            thread.start()
            self._threads = [other for other in self._threads if other.is_alive()] + [thread]

    def _start(self) -> None:
        document = self._resources.get(NOTEBOOK_INSTANCE, self.name)
        config_name = document.get("NotebookInstanceLifecycleConfigName")
        config = self._resources.get(LIFECYCLE_CONFIG, config_name) if config_name else None
        instance = Instance(self._cloud, document, config, self._folder, self._instance_ended)
        try:
            with self._lock:
                if self._closing.is_set():
                    return
                instance.launch()
                self.instance = instance
            instance.await_jupyter()
        except InstanceFailed as error:
            reason = str(error)
            instance.stop(0)
            self._enter("Failed", reason)
        else:
            self._change(lambda d: in_service(d, instance.port, self._cloud.clock.now()))
            if instance.has_ended:
                self._instance_ended(instance)

    def _stop(self) -> None:
        instance = self.instance
        if instance is not None:
            instance.stop()
        self._enter("Stopped")

    def _delete(self) -> None:
        self._folder.remove()
        self._resources.delete(NOTEBOOK_INSTANCE, self.name, lambda document: None)

    def _instance_ended(self, instance: Instance) -> None:
        """Say of an instance that ended by itself that it is Failed."""
        with self._lock:
            if self.instance is instance:
                self.instance = None
        if self._closing.is_set():
            return

        def fail(document: Document) -> None:
            if document["NotebookInstanceStatus"] == "InService":
                enter(document, "Failed", self._cloud.clock.now(), instance.failure())

        if self.name in self._resources.names_in_status(NOTEBOOK_INSTANCE, "InService"):
            self._resources.update(NOTEBOOK_INSTANCE, self.name, fail)

    def _enter(self, status: str, reason: str = "") -> None:
        self._change(lambda document: enter(document, status, self._cloud.clock.now(), reason))

    def _change(self, change: Callable[[Document], None]) -> None:
        """Change the document, unless all is being ended: then it is resumed as it is."""
        if not self._closing.is_set():
            self._resources.update(NOTEBOOK_INSTANCE, self.name, change)
