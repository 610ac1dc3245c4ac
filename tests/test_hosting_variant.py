"""Real-time variants: instances that share requests, are replaced, added and taken away."""

import asyncio
import os
import signal
import threading
from collections import Counter

import psutil
import pytest
from model_servers import (
    ENDPOINT,
    PATIENCE_S,
    VARIANT,
    cloud_at,
    leftovers,
    lines,
    processes_of,
    spec_of,
    until,
)

from maze_helpers.local_cloud.engine.hosting.calls import (
    Call,
    CallFailed,
    ConnectionLost,
    NoCapacity,
    TimedOut,
    Unavailable,
)
from maze_helpers.local_cloud.engine.hosting.failures import DeploymentFailed
from maze_helpers.local_cloud.engine.hosting.real_time import RealTimeVariant

# Waits for as many seconds as it is asked to.
SLEEPER = """
    import time
    def model_fn(model_dir):
        return None
    def input_fn(body, content_type):
        return float(body)
    def predict_fn(seconds, model):
        print("sleeps", seconds, flush=True)
        time.sleep(seconds)
        return b"slept"
    def output_fn(answer, accept):
        return answer
    """


@pytest.fixture
def cloud(tmp_path):
    with cloud_at(tmp_path / "home") as cloud:
        yield cloud


@pytest.fixture
def variant_of(cloud):
    """Return a function that makes a variant, which is stopped after the test."""
    variants = []

    def variant_of(instance_count=1, script=SLEEPER, **members):
        spec = spec_of(cloud, script, **members)
        variants.append(RealTimeVariant(cloud, ENDPOINT, VARIANT, spec, instance_count, 1.0))
        return variants[-1]

    yield variant_of
    for variant in variants:
        variant.stop()
    assert leftovers(cloud) == [] and processes_of(cloud.home) == []


def fails_where(path) -> str:
    """Return a script that cannot load its model while a file is there."""
    return SLEEPER.replace("return None", f"assert not __import__('os').path.exists('{path}')")


def pids(cloud) -> list[int]:
    """The ids of the outermost processes of a cloud's model servers."""
    ours = {process.pid for process in processes_of(cloud.home)}
    return [child.pid for child in psutil.Process().children() if child.pid in ours]


def ask(variant, seconds: float = 0, timeout_s: float = PATIENCE_S):
    return variant.invoke(Call(str(seconds).encode(), {}, timeout_s))


async def outcome(variant, seconds: float = 0, timeout_s: float = PATIENCE_S) -> str:
    """Return who answered, or the class of what went wrong."""
    try:
        return (await ask(variant, seconds, timeout_s)).log_stream
    except (CallFailed, NoCapacity) as error:
        return type(error).__name__


def outcomes(variant, count: int, seconds: float = 0) -> Counter[str]:
    """Return how often each outcome is had of requests that come together."""

    async def run():
        return await asyncio.gather(*[outcome(variant, seconds) for _ in range(count)])

    return Counter(asyncio.run(run()))


def test_instances_share_the_requests(variant_of):
    variant = variant_of(instance_count=3)
    variant.start()
    shares = outcomes(variant, 60, seconds=0.01)
    assert len(shares) == 3
    assert all(stream.startswith(f"{VARIANT}/i-0") for stream in shares)
    assert min(shares.values()) >= 15


def test_more_requests_than_it_can_take_at_once_are_all_answered(variant_of):
    variant = variant_of(instance_count=2)
    variant.start()
    shares = outcomes(variant, 500)
    assert shares.total() == 500 and len(shares) == 2


def test_requests_wait_while_it_starts(variant_of):
    variant = variant_of()
    thread = threading.Thread(target=variant.start)
    thread.start()
    assert outcomes(variant, 1).total() == 1
    assert "Unavailable" not in outcomes(variant, 1)
    thread.join()


def test_an_answer_that_takes_too_long_names_who_should_have_given_it(variant_of):
    variant = variant_of()
    variant.start()
    with pytest.raises(TimedOut) as late:
        asyncio.run(ask(variant, seconds=30, timeout_s=0.2))
    assert late.value.log_stream.startswith(f"{VARIANT}/i-0")


def test_an_instance_that_is_killed_is_replaced_and_the_others_go_on(cloud, variant_of):
    variant = variant_of(instance_count=2)
    variant.start()

    async def run():
        requests = [asyncio.create_task(outcome(variant, 0.02)) for _ in range(40)]
        await asyncio.sleep(0.1)
        os.kill(pids(cloud)[0], signal.SIGKILL)
        requests += [asyncio.create_task(outcome(variant, 0.01)) for _ in range(40)]
        return Counter(await asyncio.gather(*requests))

    found = asyncio.run(run())
    assert found.total() == 80
    # What it had taken is lost; no other request is.
    assert set(found) - {"ConnectionLost"} and found["ConnectionLost"] <= 40
    until(lambda: len(outcomes(variant, 20, 0.01)) == 2, "the replacement")


def test_requests_wait_for_the_replacement_of_the_only_instance(cloud, variant_of):
    variant = variant_of()
    variant.start()
    (pid,) = pids(cloud)
    os.kill(pid, signal.SIGKILL)
    until(lambda: pid not in pids(cloud), "its end")
    assert "Unavailable" not in outcomes(variant, 5)


def test_a_request_that_has_been_sent_is_never_sent_again(cloud, variant_of):
    variant = variant_of()
    variant.start()

    async def run():
        request = asyncio.create_task(ask(variant, seconds=30))
        await asyncio.to_thread(until, lambda: "sleeps 30.0" in lines(cloud), "the request")
        os.kill(pids(cloud)[0], signal.SIGKILL)
        with pytest.raises(ConnectionLost):
            await request

    asyncio.run(run())


def test_when_the_replacement_does_not_start_requests_are_told_at_once(cloud, variant_of):
    variant = variant_of(script=fails_where(cloud.home / "gone"))
    variant.start()
    (cloud.home / "gone").touch()
    os.kill(pids(cloud)[0], signal.SIGKILL)
    until(lambda: outcomes(variant, 1)["Unavailable"], "the refusal")
    (cloud.home / "gone").unlink()
    until(lambda: not outcomes(variant, 1)["Unavailable"], "the replacement")


def test_it_does_not_start_unless_every_instance_does(cloud, variant_of):
    variant = variant_of(instance_count=3, script="def model_fn(d): raise ValueError('no weights')")
    with pytest.raises(DeploymentFailed) as failed:
        variant.start()
    assert str(failed.value).startswith(
        f"The primary container for production variant {VARIANT} did not pass the ping health "
        "check. Please check CloudWatch logs for this endpoint. "
    )
    assert "no weights" in str(failed.value)
    assert leftovers(cloud) == []
    with pytest.raises(Unavailable):
        asyncio.run(ask(variant))


def test_it_scales_out_and_in_without_losing_a_request(variant_of):
    variant = variant_of()
    variant.start()
    found: Counter[str] = Counter()
    done = threading.Event()

    async def invoke():
        while not done.is_set():
            found[await outcome(variant)] += 1

    async def run():
        await asyncio.gather(*[invoke() for _ in range(4)])

    load = threading.Thread(target=lambda: asyncio.run(run()))
    load.start()
    variant.scale_to(3)
    until(lambda: len(found) == 3, "three instances")
    variant.scale_to(1)
    before = found.copy()
    until(lambda: found.total() > before.total() + 20, "answers")
    done.set()
    load.join()
    assert all(stream.startswith(VARIANT) for stream in found)
    assert len(found - before) == 1
    assert variant.instance_count == 1


def test_a_scaling_that_fails_leaves_it_as_it_is(cloud, variant_of):
    variant = variant_of(script=fails_where(cloud.home / "full"))
    variant.start()
    (cloud.home / "full").touch()
    with pytest.raises(DeploymentFailed):
        variant.scale_to(3)
    assert variant.instance_count == 1
    assert len(outcomes(variant, 10)) == 1
    assert len(leftovers(cloud)) == 1


def test_one_that_ends_while_others_come_up_is_replaced(cloud, variant_of):
    hold, first = cloud.home / "hold", cloud.home / "first"
    # Of those that are added, the first is ready at once, and the others once they may be.
    script = SLEEPER.replace(
        "return None",
        f"""
        import os
        if os.path.exists({str(hold)!r}):
            try:
                os.mkdir({str(first)!r})
            except FileExistsError:
                while os.path.exists({str(hold)!r}):
                    time.sleep(0.02)
        """,
    )
    variant = variant_of(script=script, workers=1)
    variant.start()
    hold.touch()
    scaling = threading.Thread(target=variant.scale_to, args=[3])
    scaling.start()

    def added():
        ready = set(variant._servers) - set(variant._balancer.servers)
        return [server for server in ready if server.alive]

    until(added, "the first that is ready")
    (server,) = added()
    os.kill(server.pid, signal.SIGKILL)
    until(lambda: server not in variant._servers, "its end")
    hold.unlink()
    scaling.join()
    until(lambda: len(outcomes(variant, 30, 0.01)) == 3, "its replacement")


def test_retired_it_answers_what_it_has_come_to(cloud, variant_of):
    variant = variant_of(workers=1)
    variant.start()
    found: list[str] = []

    async def run():
        found.extend(await asyncio.gather(*[outcome(variant, 0.2) for _ in range(5)]))

    load = threading.Thread(target=lambda: asyncio.run(run()))
    load.start()
    until(lambda: "in flight" if variant._balancer._places[0].in_flight == 5 else "")
    variant.retire()
    load.join()
    assert [stream.startswith(VARIANT) for stream in found] == [True] * 5
    assert leftovers(cloud) == []
    with pytest.raises(Unavailable):
        asyncio.run(ask(variant))


def test_stopped_it_lets_go_of_who_waits(cloud, variant_of):
    variant = variant_of(workers=1)
    variant.start()

    async def run():
        requests = [asyncio.create_task(outcome(variant, 30)) for _ in range(70)]
        await asyncio.to_thread(until, lambda: "sleeps 30.0" in lines(cloud), "a request")
        await asyncio.to_thread(variant.stop)
        return Counter(await asyncio.gather(*requests))

    found = asyncio.run(run())
    # Of those that it had taken, some may not have been sent yet.
    assert found.total() == 70 and set(found) == {"ConnectionLost", "Unavailable"}
    assert found["Unavailable"] >= 6


def test_it_can_be_stopped_while_it_starts(cloud, variant_of):
    variant = variant_of(instance_count=2, script="import time\nprint('slow')\ntime.sleep(600)")
    failures = []

    def start():
        try:
            variant.start()
        except DeploymentFailed as error:
            failures.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    until(lambda: "slow" in lines(cloud), "its start")
    variant.stop()
    thread.join()
    assert len(failures) == 1 and leftovers(cloud) == []
