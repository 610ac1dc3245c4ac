"""Which server takes the next request: the one with the fewest, or any one."""

import asyncio
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence

from maze_helpers.local_cloud.engine.hosting.calls import TimedOut, Unavailable
from maze_helpers.local_cloud.engine.hosting.model_server import ModelServer

# More connections than that, and a server's own queue could be full. The rest wait here.
MOST_IN_FLIGHT = 64


class Place:
    """A server among those that share the requests."""

    def __init__(self, server: ModelServer) -> None:
        self.server = server
        self.in_flight = 0
        # Grows with each request: among equals, who had one the longest ago is next.
        self.turn = 0


Choose = Callable[[Sequence[Place]], Place]


def choose_least_busy(places: Sequence[Place]) -> Place:
    """Return the place with the fewest requests, in turn among equals."""
    return min(places, key=_order)


def choose_at_random(places: Sequence[Place]) -> Place:
    """Return any of the places, each as likely as the others."""
    return random.choice(places)


def _order(place: Place) -> tuple[int, int]:
    return place.in_flight, place.turn


class _Waiter:
    """A request that no server has room for."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.woken = self.loop.create_future()
        self.place: Place | None = None

    def wake(self) -> None:
        """Have the request look again. It may be on another thread's loop."""
        self.loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if not self.woken.done():
            self.woken.set_result(None)


class Balancer:
    """Shares requests out among servers, which may come and go meanwhile.

    Requests that find no room wait, in order. They also wait while there is no server at all,
    unless it `is_down`: then none is about to come.
    """

    def __init__(
        self, most_in_flight: int = MOST_IN_FLIGHT, choose: Choose = choose_least_busy
    ) -> None:
        """choose: which of the places takes a request, of at least one that have room."""
        self._most_in_flight = most_in_flight
        self._choose = choose
        self._lock = threading.Lock()
        self._freed = threading.Condition(self._lock)
        self._places: list[Place] = []
        self._waiters: deque[_Waiter] = deque()
        self._turn = 0
        self._is_down = False
        self._watched = False

    @property
    def servers(self) -> list[ModelServer]:
        """The servers that take requests."""
        with self._lock:
            return [place.server for place in self._places]

    def add(self, servers: Iterable[ModelServer]) -> None:
        """Let further servers take requests; those that have ended meanwhile are left out."""
        with self._lock:
            self._places += [Place(server) for server in servers if server.alive]
            self._is_down = self._is_down and not self._places
            self._serve_waiters()

    def remove(self, servers: Collection[ModelServer]) -> list[Place]:
        """Let servers take no more requests; return their places, which may have some left."""
        with self._lock:
            removed = [place for place in self._places if place.server in servers]
            self._places = [place for place in self._places if place.server not in servers]
            return removed

    def set_down(self) -> None:
        """Answer, from now on until a server is added, that there is none."""
        with self._lock:
            self._is_down = not self._places
            if self._is_down:
                while self._waiters:
                    self._waiters.popleft().wake()
                self._freed.notify_all()

    def wait_until_idle(self, places: list[Place], timeout_s: float) -> None:
        """Return once places have no request in flight, or the time is over."""
        with self._lock:
            self._watched = True
            self._freed.wait_for(lambda: not any(p.in_flight for p in places), timeout_s)

    def wait_until_served(self, timeout_s: float) -> None:
        """Return once no request waits or is in flight, or the time is over."""
        with self._lock:
            self._watched = True
            self._freed.wait_for(
                lambda: not self._waiters and not any(p.in_flight for p in self._places),
                timeout_s,
            )

    async def take(self, deadline_s: float, tried: Collection[ModelServer]) -> Place:
        """Return a place for one request, to be given back.

        deadline_s: on the monotonic clock. tried: servers not to return.
        Raises: TimedOut; Unavailable, if there is no server.
        """
        with self._lock:
            place = None if self._waiters else self._free_place(tried)
            if place is not None:
                self._occupy(place)
                return place
            if self._is_down:
                raise Unavailable("None of the variant's servers is ready.")
            waiter = _Waiter()
            self._waiters.append(waiter)
        return await self._wait(waiter, deadline_s)

    def give_back(self, place: Place) -> None:
        """Take note that a place's request has come to its end."""
        with self._lock:
            place.in_flight -= 1
            if self._waiters:
                self._serve_waiters()
            if self._watched:
                self._freed.notify_all()

    async def _wait(self, waiter: _Waiter, deadline_s: float) -> Place:
        try:
            await asyncio.wait([waiter.woken], timeout=max(0.0, deadline_s - time.monotonic()))
        except asyncio.CancelledError:
            self._leave(waiter)
            if waiter.place is not None:
                self.give_back(waiter.place)
            raise
        self._leave(waiter)
        if waiter.place is not None:
            return waiter.place
        if self.servers:
            raise TimedOut("No server had room for the request in time.")
        raise Unavailable("None of the variant's servers was ready in time.")

    def _leave(self, waiter: _Waiter) -> None:
        with self._lock:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
                self._freed.notify_all()

    def _serve_waiters(self) -> None:
        while self._waiters and (place := self._free_place(())):
            waiter = self._waiters.popleft()
            waiter.place = place
            self._occupy(place)
            waiter.wake()

    def _free_place(self, tried: Collection[ModelServer]) -> Place | None:
        free = [
            place
            for place in self._places
            if place.in_flight < self._most_in_flight
            and place.server.alive
            and place.server not in tried
        ]
        return self._choose(free) if free else None

    def _occupy(self, place: Place) -> None:
        self._turn += 1
        place.turn = self._turn
        place.in_flight += 1
