"""Short writes on the event loop's own thread: done at once, or not begun.

To hand a small write to a worker costs more than the write. But the loop must not wait: not
for another thread's transaction, and not for the disk when the write-ahead log is full.
"""

import sqlite3
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from maze_helpers.local_cloud.store import BUSY_TIMEOUT_S, Store

# SQLite's own default, in pages, is about as many small objects.
WRITES_A_CHECKPOINT = 200

Result = TypeVar("Result")


class StoreBusyError(Exception):
    """Another thread is writing."""


class PromptWrites:
    """Runs writes that do not wait."""

    def __init__(self, store: Store, executor: Executor) -> None:
        self._store = store
        self._executor = executor
        self._count = 0

    def run(self, write: Callable[[], Result]) -> Result:
        """Return what a write returns. Raises: StoreBusyError, with nothing written."""
        db = self._store.connection
        db.execute("PRAGMA busy_timeout = 0")
        db.execute("PRAGMA wal_autocheckpoint = 0")
        try:
            return write()
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise StoreBusyError from error
            raise
        finally:
            db.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000}")
            self._count += 1
            if self._count % WRITES_A_CHECKPOINT == 0:
                self._executor.submit(self._checkpoint)

    def _checkpoint(self) -> None:
        self._store.connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
