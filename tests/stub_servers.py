"""Servers for a pool that start, fail and end when a test says so."""

import asyncio
import threading

from running_container import PATIENCE_S, until

from maze_helpers.local_cloud.engine.hosting.server_pool import PoolSize, ServerPool

MAXIMUM = 4
AT_A_TIME = 2


class BrokenStart(Exception):
    pass


class StubServer:
    """Starts when `ready` or `break_off` is called, as a container does when it answers."""

    def __init__(self):
        self.alive = False
        self.stopped = False
        self._error = None
        self._decided = threading.Event()
        self._starter = None

    @property
    def starting(self) -> bool:
        return not self._decided.is_set()

    def start(self):
        self._starter = threading.current_thread()
        assert self._decided.wait(PATIENCE_S)
        if self._error:
            raise self._error
        self.alive = True

    def stop(self, grace_s):
        self.break_off()
        self.alive = False
        self.stopped = True

    def ready(self):
        self._decided.set()
        self._join()

    def break_off(self):
        if self.starting:
            self._error = BrokenStart()
            self._decided.set()

    def _join(self):
        until(lambda: self._starter)
        self._starter.join(PATIENCE_S)


class Pool:
    """A pool under test, with the servers that it made."""

    def __init__(self, maximum=MAXIMUM, idle_s=600, at_a_time=AT_A_TIME):
        self.made: list[StubServer] = []
        self.pool = ServerPool("test", self._make, PoolSize(maximum, idle_s, at_a_time))

    def _make(self) -> StubServer:
        self.made.append(StubServer())
        return self.made[-1]

    @property
    def starting(self) -> list[StubServer]:
        return [server for server in self.made if server.starting]

    @property
    def existing(self) -> list[StubServer]:
        return [server for server in self.made if server.starting or server.alive]

    def wait_for_stops(self):
        """Return once the servers that are to end, on threads of their own, have ended."""
        with self.pool._changed:
            assert self.pool._changed.wait_for(lambda: not self.pool._stopping, PATIENCE_S)

    def fail_start(self, server: StubServer):
        server.break_off()
        server._join()


async def soon(coroutine) -> asyncio.Task:
    """Return a task that has begun to wait."""
    task = asyncio.ensure_future(coroutine)
    await asyncio.sleep(0)
    return task
