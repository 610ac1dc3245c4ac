"""The pool, case by case, with servers that start, fail and end when a test says so."""

import asyncio
import threading
import time

import pytest
from running_container import PATIENCE_S, until
from stub_servers import BrokenStart, Pool, soon

from maze_helpers.local_cloud.engine.hosting.calls import Unavailable


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
    it = made(idle_s=1)

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
