"""The balancer: who takes the next request, who waits for how long, and who is told what."""

import asyncio
import threading
import time
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze_helpers.local_cloud.engine.hosting.balancer import Balancer, choose_at_random
from maze_helpers.local_cloud.engine.hosting.calls import TimedOut, Unavailable

PATIENCE_S = 60


@dataclass(eq=False)
class Server:
    """All that a balancer asks of a server."""

    alive: bool = True


def in_s(seconds: float) -> float:
    return time.monotonic() + seconds


def balancer_of(*servers: Server, most_in_flight: int = 64) -> Balancer:
    balancer = Balancer(most_in_flight)
    balancer.add(servers)
    return balancer


def take(balancer: Balancer, tried=(), timeout_s: float = PATIENCE_S):
    return balancer.take(in_s(timeout_s), tried)


@given(st.integers(1, 5), st.lists(st.integers(0, 30), max_size=60))
def test_no_server_has_two_more_requests_than_another_that_could_take_them(count, ends):
    async def run():
        balancer = balancer_of(*[Server() for _ in range(count)])
        places = []
        for end in ends:
            place = await take(balancer)
            assert place.in_flight <= 1 + min(
                [other.in_flight for other in places if other is not place], default=place.in_flight
            )
            places.append(place)
            if end < len(places):
                balancer.give_back(places.pop(end))

    asyncio.run(run())


def test_at_random_a_busy_server_has_requests_though_another_is_idle():
    """That none goes to it is as likely as 200 throws of a coin that all show the same."""

    async def run():
        busy, idle = Server(), Server()
        balancer = Balancer(most_in_flight=1000, choose=choose_at_random)
        balancer.add([busy])
        before = [await take(balancer) for _ in range(300)]
        balancer.add([idle])
        after = [await take(balancer) for _ in range(200)]
        assert {place.server for place in before} == {busy}
        assert {place.server for place in after} == {busy, idle}

    asyncio.run(run())


def test_idle_servers_take_turns():
    async def run():
        servers = [Server() for _ in range(3)]
        balancer = balancer_of(*servers)
        found = []
        for _ in range(6):
            place = await take(balancer)
            found.append(servers.index(place.server))
            balancer.give_back(place)
        return found

    assert asyncio.run(run()) == [0, 1, 2, 0, 1, 2]


def test_dead_and_tried_servers_are_left_out():
    async def run():
        good, tried, dead = Server(), Server(), Server(alive=False)
        balancer = balancer_of(dead, tried, good)
        return {(await take(balancer, {tried})).server is good for _ in range(5)}

    assert asyncio.run(run()) == {True}


def test_requests_without_room_wait_in_order():
    async def run():
        balancer = balancer_of(Server(), most_in_flight=1)
        order = []

        async def request(number):
            place = await take(balancer)
            order.append(number)
            await asyncio.sleep(0)
            balancer.give_back(place)

        await asyncio.gather(*[request(number) for number in range(20)])
        return order

    assert asyncio.run(run()) == list(range(20))


def test_requests_wait_for_the_first_server():
    async def run():
        balancer, server = Balancer(), Server()
        threading.Timer(0.1, balancer.add, [[server]]).start()
        return (await take(balancer)).server is server

    assert asyncio.run(run())


def test_a_request_waits_no_longer_than_it_may():
    async def run():
        full = balancer_of(Server(), most_in_flight=1)
        await take(full)
        with pytest.raises(TimedOut):
            await take(full, timeout_s=0.05)
        with pytest.raises(Unavailable):
            await take(Balancer(), timeout_s=0.05)

    asyncio.run(run())


def test_requests_are_told_at_once_when_no_server_will_come():
    async def run():
        balancer = Balancer()
        waiting = asyncio.create_task(take(balancer))
        await asyncio.sleep(0)
        balancer.set_down()
        with pytest.raises(Unavailable):
            await waiting
        with pytest.raises(Unavailable):
            await take(balancer)
        balancer.add([Server()])
        await take(balancer)

    asyncio.run(run())


def test_a_request_that_is_cancelled_while_it_waits_takes_no_room():
    async def run():
        balancer = balancer_of(Server(), most_in_flight=1)
        first = await take(balancer)
        cancelled, second = (asyncio.create_task(take(balancer)) for _ in range(2))
        await asyncio.sleep(0)
        balancer.give_back(first)
        # It has its room by now, but does not know.
        cancelled.cancel()
        return await asyncio.wait_for(second, PATIENCE_S)

    assert asyncio.run(run())


def test_requests_of_several_event_loops_share_the_servers():
    balancer = balancer_of(Server(), most_in_flight=1)
    served = []

    async def request():
        for _ in range(200):
            place = await take(balancer)
            assert place.in_flight == 1
            await asyncio.sleep(0)
            balancer.give_back(place)
            served.append(1)

    threads = [threading.Thread(target=lambda: asyncio.run(request())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(served) == 800


@pytest.mark.parametrize("end", ["cancelled", "told that no server will come"])
def test_who_waits_for_requests_is_told_when_they_give_up(end):
    """As a deletion does whose only server has ended."""

    async def run():
        balancer = Balancer()
        request = asyncio.create_task(take(balancer))
        await asyncio.sleep(0)
        served = asyncio.create_task(asyncio.to_thread(balancer.wait_until_served, 2 * PATIENCE_S))
        while not balancer._freed._waiters:
            await asyncio.sleep(0.01)
        request.cancel() if end == "cancelled" else balancer.set_down()
        await asyncio.wait([request])
        await asyncio.wait_for(served, PATIENCE_S)

    asyncio.run(run())


def test_a_server_that_is_removed_can_be_waited_for():
    async def run():
        server = Server()
        balancer = balancer_of(server)
        place = await take(balancer)
        (removed,) = balancer.remove([server])
        assert balancer.servers == []
        balancer.wait_until_idle([removed], timeout_s=0.05)
        assert removed.in_flight == 1
        threading.Timer(0.1, balancer.give_back, [place]).start()
        await asyncio.to_thread(balancer.wait_until_idle, [removed], PATIENCE_S)
        assert removed.in_flight == 0

    asyncio.run(run())
