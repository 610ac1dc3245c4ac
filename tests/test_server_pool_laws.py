"""The pool's laws, whatever comes in whatever order."""

import asyncio

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from stub_servers import AT_A_TIME, MAXIMUM, BrokenStart, Pool, StubServer, soon

from maze_helpers.local_cloud.engine.hosting.calls import Throttled


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
        """Let servers end and the loop run; take note of the requests that got something."""
        self.it.wait_for_stops()
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
