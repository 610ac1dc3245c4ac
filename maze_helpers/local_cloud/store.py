"""The one place state lives: a SQLite database in WAL mode, shared by every service."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCHEMA_VERSION = 1
BUSY_TIMEOUT_S = 30


class NewerStateError(Exception):
    """The state was written by a newer version of the maze."""


class Store:
    """A database file, opened once a thread.

    What a committed transaction wrote survives a `kill -9` of the process (WAL with
    synchronous=NORMAL loses at most the last commits when the machine itself loses power).
    """

    def __init__(self, path: Path) -> None:
        """Open the database, creating it where it is missing.

        Raises: NewerStateError, if a newer version of the maze wrote it.
        """
        self.path = path
        self._local = threading.local()
        self._connections: dict[threading.Thread, sqlite3.Connection] = {}
        self._connections_lock = threading.Lock()
        self._check_version()

    def _check_version(self) -> None:
        with self.transaction() as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > SCHEMA_VERSION:
                raise NewerStateError(
                    f"{self.path} was written by a newer version of the maze (schema {version}; "
                    f"this one reads up to {SCHEMA_VERSION}). Update sagemaker-maze, or set "
                    f"MAZE_HOME to another folder."
                )
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection, in autocommit mode, rows readable by column name."""
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect()
            self._local.connection = connection
        return connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        with self._connections_lock:
            # Each job has a thread of its own: without this, each would leave its files open.
            for thread in [thread for thread in self._connections if not thread.is_alive()]:
                self._connections.pop(thread).close()
            self._connections[threading.current_thread()] = connection
        return connection

    def create_tables(self, schema: str) -> None:
        """Run a service's `CREATE TABLE IF NOT EXISTS` script."""
        self.connection.executescript(schema)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield this thread's connection inside a write transaction; commit, or undo it all."""
        connection = self.connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def close(self) -> None:
        """Close every thread's connection."""
        with self._connections_lock:
            for connection in self._connections.values():
                connection.close()
            self._connections.clear()
