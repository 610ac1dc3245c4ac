"""The pool's laws, with servers that start, fail and end when a test says so."""

import asyncio
import threading
import time

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from running_container import PATIENCE_S, until

from maze_helpers.local_cloud.engine.hosting.calls import Throttled, Unavailable
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

    def fail_start(self, server: StubServer):
        server.break_off()
        server._join()


@pytest.fixture
def made():
    """Makes pools and closes them."""
    pools = []

    def make(**options) -> Pool:
        pools.append(Pool(**options))
        return pools[-1]

    yield make
    for pool in pools:
        pool.pool.close(0)
        assert not pool.existing


async def soon(coroutine) -> asyncio.Task:
    """Return a task that has begun to wait."""
    task = asyncio.ensure_future(coroutine)
    await asyncio.sleep(0)
    return task


class PoolLaws(RuleBasedStateMachine):
    """Requests come, are served, fail or give up in any order; the laws hold at each moment."""

    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.it = Pool()
        self.waiting: list[tuple[int, asyncio.Task]] = []
        self.held: list[StubServer] = []
        self.arrivals = 0
        self.last_served = -1

    def settle(self):
        """Let the loop run, and take note of the requests that got something."""
        self.loop.run_until_complete(asyncio.sleep(0.0001))
        left = []
        for number, task in self.waiting:
            if not task.done():
                left.append((number, task))
            elif task.exception() is None:
                assert number > self.last_served, "one that came later was served before"
                self.last_served = number
                assert task.result().alive
                self.held.append(task.result())
            else:
                assert isinstance(task.exception(), BrokenStart)
        self.waiting = left

    @rule()
    def arrive(self):
        in_flight = len(self.held) + len(self.waiting)
        self.loop.run_until_complete(self._arrive(in_flight))
        self.settle()

    async def _arrive(self, in_flight):
        try:
            ticket = self.it.pool.request()
        except Throttled:
            assert in_flight == MAXIMUM
            return
        assert in_flight < MAXIMUM and ticket.in_flight == in_flight + 1
        task = await soon(self.it.pool.wait(ticket))
        self.waiting.append((self.arrivals, task))
        self.arrivals += 1

    @precondition(lambda self: self.it.starting)
    @rule(data=st.data())
    def a_server_is_ready(self, data):
        data.draw(st.sampled_from(self.it.starting)).ready()
        self.settle()

    @precondition(lambda self: self.it.starting)
    @rule(data=st.data())
    def a_start_fails(self, data):
        self.it.fail_start(data.draw(st.sampled_from(self.it.starting)))
        self.settle()

    @precondition(lambda self: self.held)
    @rule(data=st.data(), usable=st.booleans())
    def a_request_ends(self, data, usable):
        server = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        self.it.pool.give_back(server, usable)
        self.settle()

    @precondition(lambda self: self.waiting)
    @rule(data=st.data(), at_the_last_moment=st.booleans())
    def a_request_gives_up(self, data, at_the_last_moment):
        index = data.draw(st.integers(0, len(self.waiting) - 1))
        if at_the_last_moment and self.it.starting:
            # Its turn may have come, without its having heard of it.
            self.it.starting[0].ready()
        _, task = self.waiting.pop(index)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            self.loop.run_until_complete(task)
        self.settle()

    @precondition(lambda self: self.it.existing)
    @rule(data=st.data(), told=st.booleans())
    def a_server_dies(self, data, told):
        alive = [server for server in self.it.made if server.alive]
        if alive:
            server = data.draw(st.sampled_from(alive))
            server.alive = False
            if told:
                self.it.pool.forget(server)
            self.settle()

    @rule()
    def idle_ones_go(self):
        self.it.pool.drop_free()
        self.settle()

    @invariant()
    def never_more_servers_or_requests_than_may_be(self):
        in_use = {server for server in self.held if not server.alive}
        assert len({*self.it.existing} - in_use) + len(in_use) <= MAXIMUM
        assert len(self.it.starting) <= AT_A_TIME
        assert len(self.held) + len(self.waiting) == self.it.pool.in_flight <= MAXIMUM

    @invariant()
    def one_request_a_server(self):
        assert len(set(self.held)) == len(self.held)

    @invariant()
    def who_waits_will_be_served(self):
        if self.waiting:
            assert self.it.starting, "a request waits for nothing"
            free = {server for server in self.it.made if server.alive} - set(self.held)
            assert not free, "a request waits beside a free server"

    def teardown(self):
        while self.waiting:
            self.it.starting[0].ready()
            self.settle()
            for server in self.held:
                self.it.pool.give_back(server, usable=True)
            self.held.clear()
            self.settle()
        self.it.pool.close(0)
        assert not self.it.existing
        self.loop.close()


PoolLaws.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestPoolLaws = PoolLaws.TestCase


def test_a_request_that_finds_no_server_starts_one_and_gets_it(made):
    it = made()

    async def request():
        waits = await soon(it.pool.wait(it.pool.request()))
        assert not waits.done()
        (server,) = it.starting
        server.ready()
        assert await waits is server

    asyncio.run(request())


def test_a_start_that_fails_is_told_to_who_waits_longest_and_another_follows(made):
    it = made(at_a_time=1)

    async def request():
        first = await soon(it.pool.wait(it.pool.request()))
        second = await soon(it.pool.wait(it.pool.request()))
        it.fail_start(it.starting[0])
        with pytest.raises(BrokenStart):
            await first
        it.starting[0].ready()
        assert (await second).alive

    asyncio.run(request())


def test_a_start_that_fails_beside_another_that_will_do_is_nobodys_error(made):
    it = made()

    async def request():
        first = await soon(it.pool.wait(it.pool.request()))
        second = await soon(it.pool.wait(it.pool.request()))
        broken, good = it.starting
        second.cancel()
        await asyncio.wait([second])
        it.fail_start(broken)
        good.ready()
        assert await first is good

    asyncio.run(request())


def test_no_further_server_starts_for_requests_that_one_serves_in_time(made):
    it = made(at_a_time=1)

    async def requests():
        waits = [await soon(it.pool.wait(it.pool.request())) for _ in range(4)]
        it.starting[0].ready()
        for wait in waits:
            it.pool.give_back(await wait, usable=True)
        assert len(it.made) == 2  # The second began to start when the first was taken.

    asyncio.run(requests())


def test_requests_may_come_from_several_event_loops(made):
    it = made(maximum=2, at_a_time=2)
    got = []

    async def request():
        got.append(await it.pool.wait(it.pool.request()))

    threads = [threading.Thread(target=asyncio.run, args=(request(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    until(lambda: len(it.starting) == 2)
    for server in list(it.starting):
        server.ready()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert sorted(map(id, got)) == sorted(map(id, it.made))


def keep(it: Pool, count: int) -> None:
    """Keep servers, each of which is ready as soon as it is made."""
    thread = threading.Thread(target=it.pool.keep, args=(count,))
    thread.start()
    while thread.is_alive():
        for server in list(it.starting):
            server.ready()
        thread.join(0.01)


def test_kept_servers_are_ready_when_keep_returns_and_outlast_idleness(made):
    it = made(idle_s=0.05)
    keep(it, 3)
    assert len(it.pool.servers) == 3
    time.sleep(0.3)
    it.pool.drop_free()
    assert len(it.existing) == 3


def test_no_more_servers_are_kept_than_there_may_be(made):
    it = made(maximum=2)
    keep(it, 3)
    assert len(it.pool.servers) == 2


def test_a_kept_server_that_dies_is_replaced(made):
    it = made()
    keep(it, 1)
    it.made[0].alive = False
    it.pool.forget(it.made[0])
    assert len(it.starting) == 1


def test_a_kept_server_whose_end_nobody_told_of_is_replaced_as_well(made):
    it = made(idle_s=0.1)
    keep(it, 1)
    it.made[0].alive = False
    until(lambda: it.starting)


def test_keep_raises_what_a_start_raised(made):
    it = made()
    outcome = []

    def try_to_keep():
        with pytest.raises(BrokenStart):
            it.pool.keep(1)
        outcome.append("raised")

    thread = threading.Thread(target=try_to_keep)
    thread.start()
    until(lambda: it.starting)
    it.fail_start(it.starting[0])
    thread.join(PATIENCE_S)
    assert outcome == ["raised"]
    assert not it.starting, "a start that failed is not tried again at once"


def test_an_idle_server_goes_and_the_one_used_last_goes_last(made):
    it = made(idle_s=0.2)

    async def use():
        waits = [await soon(it.pool.wait(it.pool.request())) for _ in range(2)]
        for server in list(it.starting):
            server.ready()
        first, second = [await wait for wait in waits]
        it.pool.give_back(first, usable=True)
        it.pool.give_back(second, usable=True)
        again = await it.pool.wait(it.pool.request())
        assert again is second
        return first, second

    unused, used = asyncio.run(use())
    until(lambda: unused.stopped)
    assert used.alive
    it.pool.give_back(used, usable=True)
    until(lambda: used.stopped)


def test_closing_fails_who_waits_stops_all_servers_and_takes_no_more(made):
    it = made()

    async def request():
        waits = await soon(it.pool.wait(it.pool.request()))
        await asyncio.to_thread(it.pool.close, 0)
        with pytest.raises(Unavailable):
            await waits
        with pytest.raises(Unavailable):
            it.pool.request()

    asyncio.run(request())
    assert [server.stopped for server in it.made] == [True]


def test_a_pool_is_served_once_its_last_request_is(made):
    it = made()

    async def use():
        waits = await soon(it.pool.wait(it.pool.request()))
        it.starting[0].ready()
        server = await waits
        served = asyncio.ensure_future(asyncio.to_thread(it.pool.wait_until_served, PATIENCE_S))
        await asyncio.wait([served], timeout=0.05)
        assert not served.done()
        it.pool.give_back(server, usable=True)
        await served

    asyncio.run(use())
