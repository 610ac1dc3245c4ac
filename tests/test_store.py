"""The store: transactions, threads, versions."""

import os
import sqlite3
import threading
from pathlib import Path

import pytest

from maze_helpers.local_cloud.store import SCHEMA_VERSION, NewerStateError, Store

SCHEMA = "CREATE TABLE IF NOT EXISTS things (name TEXT PRIMARY KEY);"


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "cloud.db")
    store.create_tables(SCHEMA)
    yield store
    store.close()


def names(store: Store) -> list[str]:
    rows = store.connection.execute("SELECT name FROM things ORDER BY name")
    return [row["name"] for row in rows]


def add(store: Store, name: str) -> None:
    with store.transaction() as db:
        db.execute("INSERT INTO things VALUES (?)", (name,))


def test_a_transaction_is_seen_by_every_thread_once_it_is_committed(store):
    add(store, "lamp")
    seen = []
    thread = threading.Thread(target=lambda: seen.extend(names(store)))
    thread.start()
    thread.join()
    assert seen == ["lamp"]


def test_a_transaction_that_fails_leaves_nothing(store):
    with pytest.raises(RuntimeError), store.transaction() as db:
        db.execute("INSERT INTO things VALUES ('lamp')")
        raise RuntimeError
    assert names(store) == []


def test_writers_wait_for_each_other_and_none_is_lost(store):
    threads = [threading.Thread(target=add, args=(store, f"{i:02}")) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(store) == [f"{i:02}" for i in range(20)]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux's /proc")
def test_threads_that_have_ended_leave_no_file_open(store):
    def open_files() -> int:
        paths = (os.path.realpath(link) for link in Path("/proc/self/fd").iterdir())
        return sum(str(store.path) in path for path in paths)

    before = open_files()
    for i in range(30):
        thread = threading.Thread(target=add, args=(store, str(i)))
        thread.start()
        thread.join()
    # One thread's files may wait for the next thread to come.
    assert open_files() <= 2 * before


def test_what_was_written_is_there_when_the_store_is_opened_again(store):
    add(store, "lamp")
    store.close()
    again = Store(store.path)
    assert names(again) == ["lamp"]
    again.close()


def test_a_newer_version_of_the_state_is_refused_and_left_as_it_is(store):
    store.connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    store.close()
    with pytest.raises(NewerStateError, match="newer version of the maze"):
        Store(store.path)
    database = sqlite3.connect(store.path)
    assert database.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION + 1
    database.close()
