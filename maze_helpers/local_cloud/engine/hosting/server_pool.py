"""A pool of servers from zero: one is started when a request finds none free, up to a maximum.

Requests are served in the order in which they came. One that had to wait gets whichever server
is ready first: one that was started, or one that another request has left.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, NamedTuple, Protocol, TypeVar

from maze_helpers.local_cloud.engine.hosting.calls import Throttled, Unavailable

log = logging.getLogger(__name__)

# After a start that failed, the servers that are to be kept are not replaced for so long.
FAILURE_PAUSE_S = 5.0
# What an idle server gets to end by itself.
STOP_GRACE_S = 30.0


class PoolServer(Protocol):
    """What a pool needs of a server."""

    @property
    def alive(self) -> bool:
        """Whether it is ready and has not ended."""

    def start(self) -> None:
        """Return once it is ready. What it raises goes to a request that waits."""

    def stop(self, grace_s: float) -> None:
        """Return once nothing is left of it, also where it is still starting."""


Server = TypeVar("Server", bound=PoolServer)


class PoolSize(NamedTuple):
    """How many servers a pool has.

    maximum: at most, and as many requests. idle_s: one that had no request for so long is
    stopped, unless it is among those to be kept. starts_at_a_time: a further request waits until
    one of these has started, or a request has left its server.
    """

    maximum: int
    idle_s: float
    starts_at_a_time: int


class Ticket(Generic[Server]):
    """A request's turn for a server.

    in_flight: how many requests there were when it came, with this one. server: None while it
    waits. error: why it gets none.
    """

    def __init__(self, in_flight: int, server: Server | None) -> None:
        self.in_flight = in_flight
        self.server = server
        self.error: Exception | None = None
        self._loop = asyncio.get_running_loop()
        self._settled = None if server else self._loop.create_future()

    async def settled(self) -> None:
        """Return once it has a server or an error."""
        if self._settled is not None:
            await self._settled

    def wake(self) -> None:
        """Have `settled` return. It may be on another thread's loop."""
        self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if self._settled is not None and not self._settled.done():
            self._settled.set_result(None)


class ServerPool(Generic[Server]):
    """Servers that take one request at a time each."""

    def __init__(self, name: str, make_server: Callable[[], Server], size: PoolSize) -> None:
        """Begin with no server. name: for its threads."""
        self._name = name
        self._make_server = make_server
        self._size = size
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._kept = 0
        self._closing = threading.Event()
        # Each with the time from which it is: the one used last is last, and taken first.
        self._free: list[tuple[float, Server]] = []
        self._busy: set[Server] = set()
        self._starting: set[Server] = set()
        self._stopping: set[Server] = set()
        self._waiting: deque[Ticket[Server]] = deque()
        self._failed_to_keep: Exception | None = None
        self._keep_again_s = 0.0
        threading.Thread(target=self._keep_house, name=f"pool {name}", daemon=True).start()

    @property
    def in_flight(self) -> int:
        """How many requests have a server or wait for one."""
        return len(self._busy) + len(self._waiting)

    @property
    def servers(self) -> list[Server]:
        """The servers that are ready."""
        with self._lock:
            return [*self._busy, *(server for _, server in self._free)]

    def keep(self, count: int) -> None:
        """Keep so many servers, whether there are requests or not; return once they are ready.

        Raises: what a start raised, or Unavailable, if the pool is closed meanwhile.
        """
        with self._lock:
            self._kept = min(count, self._size.maximum)
            self._failed_to_keep = None
            self._start_missing()
            self._changed.wait_for(
                lambda: (
                    self._closing.is_set() or self._failed_to_keep or self._n_ready() >= self._kept
                )
            )
            if self._failed_to_keep is not None:
                raise self._failed_to_keep
            self._check_open()

    def drop_free(self) -> None:
        """Stop the servers that are free, but for those to be kept."""
        with self._lock:
            self._drop_idle(0)

    def request(self) -> Ticket[Server]:
        """Return a request's ticket, which `wait` waits for.

        Raises: Throttled, if as many requests are in flight as may; Unavailable, once closed.
        """
        with self._lock:
            self._check_open()
            if self.in_flight >= self._size.maximum:
                raise Throttled("As many requests run as the variant has servers at most.")
            server = self._take_free()
            ticket = Ticket(self.in_flight + 1, server)
            if server is None:
                self._waiting.append(ticket)
                self._start_missing()
            else:
                self._busy.add(server)
            return ticket

    async def wait(self, ticket: Ticket[Server]) -> Server:
        """Return the ticket's server, which is to be given back.

        Raises: what the start of a server raised; Unavailable, if the pool is closed meanwhile.
        """
        try:
            await ticket.settled()
        except asyncio.CancelledError:
            self._withdraw(ticket)
            raise
        if ticket.error is not None:
            raise ticket.error
        assert ticket.server is not None
        return ticket.server

    def give_back(self, server: Server, usable: bool) -> None:
        """Let the next request have a server; it is stopped instead if it is not usable."""
        with self._lock:
            self._busy.discard(server)
            if not self._closing.is_set():
                if usable and server.alive:
                    self._hand_out(server)
                else:
                    self._stop_soon(server, grace_s=0)
                self._start_missing()
            self._changed.notify_all()

    def forget(self, server: Server) -> None:
        """Take note that a server has ended by itself."""
        with self._lock:
            self._free = [entry for entry in self._free if entry[1] is not server]
            self._start_missing()

    def wait_until_served(self, timeout_s: float) -> None:
        """Return once no request is in flight, or the time is over."""
        with self._lock:
            self._changed.wait_for(lambda: not self.in_flight, timeout_s)

    def close(self, grace_s: float) -> None:
        """Take no more requests, fail those that wait, and return when no server is left.

        grace_s: what each server gets to end by itself.
        """
        with self._lock:
            self._closing.set()
            while self._waiting:
                self._fail(self._waiting.popleft(), Unavailable("The variant was stopped."))
            free = [server for _, server in self._free]
            self._free.clear()
            for server in (*free, *self._busy, *self._starting):
                self._stop_soon(server, grace_s)
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._stopping and not self._starting)

    # What follows is called with the lock held, except where it says so.

    def _check_open(self) -> None:
        if self._closing.is_set():
            raise Unavailable("The variant was stopped.")

    def _n_ready(self) -> int:
        return len(self._free) + len(self._busy)

    def _take_free(self) -> Server | None:
        while self._free:
            _, server = self._free.pop()
            if server.alive:
                return server
        return None

    def _hand_out(self, server: Server) -> None:
        """Give a server to who waits longest, or else let it be free."""
        if not self._waiting:
            self._free.append((time.monotonic(), server))
            return
        ticket = self._waiting.popleft()
        ticket.server = server
        self._busy.add(server)
        ticket.wake()

    def _fail(self, ticket: Ticket[Server], error: Exception) -> None:
        ticket.error = error
        ticket.wake()

    def _start_missing(self) -> None:
        """Start as many servers as requests wait for, or are to be kept.

        That is never more than the maximum: while requests wait, no server is free, and requests
        are no more than it.
        """
        while not self._closing.is_set() and len(self._starting) < self._size.starts_at_a_time:
            n_servers = self._n_ready() + len(self._starting)
            is_wanted = len(self._starting) < len(self._waiting)
            is_kept = n_servers < self._kept and time.monotonic() >= self._keep_again_s
            if not is_wanted and not is_kept:
                return
            server = self._make_server()
            self._starting.add(server)
            threading.Thread(target=self._start, args=(server,), name=f"start {self._name}").start()

    def _start(self, server: Server) -> None:
        """Start a server, on a thread of its own, without the lock."""
        error = None
        try:
            server.start()
        except Exception as failure:
            error = failure
        with self._lock:
            self._starting.discard(server)
            if error is not None:
                self._start_failed(error)
            elif not self._closing.is_set():
                self._hand_out(server)
            self._start_missing()
            self._changed.notify_all()

    def _start_failed(self, error: Exception) -> None:
        """Tell who waits longest, unless another server is about to come for it."""
        if len(self._waiting) > len(self._starting):
            self._fail(self._waiting.popleft(), error)
        else:
            log.warning("a server of %s did not start: %s", self._name, error)
        self._failed_to_keep = error
        self._keep_again_s = time.monotonic() + FAILURE_PAUSE_S

    def _withdraw(self, ticket: Ticket[Server]) -> None:
        """Give up a request, without the lock: it frees its place, and the server it may have."""
        with self._lock:
            if ticket in self._waiting:
                self._waiting.remove(ticket)
                self._changed.notify_all()
        if ticket.server is not None:
            self.give_back(ticket.server, usable=True)

    def _keep_house(self) -> None:
        """Stop the idle and replace the kept, on a thread of its own, without the lock."""
        period_s = min(self._size.idle_s / 4, FAILURE_PAUSE_S)
        while not self._closing.wait(period_s):
            with self._lock:
                # One that ends as it is about to be free is forgotten before it is there.
                self._free = [entry for entry in self._free if entry[1].alive]
                self._drop_idle(self._size.idle_s)
                self._start_missing()

    def _drop_idle(self, idle_s: float) -> None:
        latest_s = time.monotonic() - idle_s
        while self._free and self._free[0][0] <= latest_s and self._n_ready() > self._kept:
            _, server = self._free.pop(0)
            self._stop_soon(server, STOP_GRACE_S)

    def _stop_soon(self, server: Server, grace_s: float) -> None:
        self._stopping.add(server)
        threading.Thread(
            target=self._stop, args=(server, grace_s), name=f"stop {self._name}"
        ).start()

    def _stop(self, server: Server, grace_s: float) -> None:
        """Stop a server, on a thread of its own, without the lock."""
        try:
            server.stop(grace_s)
        finally:
            with self._lock:
                self._stopping.discard(server)
                self._changed.notify_all()
