"""A load test in a notebook's kernel, which has an event loop of its own and an interrupt."""

import threading
import time
from contextlib import ExitStack, contextmanager

import pytest
from load_target import load_target

from maze_helpers.kernel import CurrentInterpreter

DEADLINE_S = 60


@contextmanager
def kernel():
    """Yield a running kernel, and a client of it."""
    from jupyter_client.blocking import BlockingKernelClient
    from jupyter_core.utils import run_sync

    manager = CurrentInterpreter()
    run_sync(manager.start_kernel)()
    client = BlockingKernelClient(connection_file=manager.connection_file)
    client.load_connection_file()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=DEADLINE_S)
        yield client, run_sync(manager.interrupt_kernel)
    finally:
        client.stop_channels()
        run_sync(manager.shutdown_kernel)(now=True)


@pytest.fixture(scope="module")
def running():
    with kernel() as running:
        yield running


def outputs(client, message_id):
    """Yield the messages of a cell until it is done."""
    deadline_s = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline_s:
        message = client.get_iopub_msg(timeout=DEADLINE_S)
        if message["parent_header"].get("msg_id") != message_id:
            continue
        if message["content"].get("execution_state") == "idle":
            return
        yield message["msg_type"], message["content"]
    raise TimeoutError("the cell is not done")


def shown(messages, kind):
    return [content["data"] for found, content in messages if found == kind]


def printed(messages):
    return "".join(content["text"] for kind, content in messages if kind == "stream")


def test_a_cell_shows_one_bar_and_then_the_result(running):
    client, _ = running
    with load_target() as server:
        server.prepare(lambda number: "ok", delay_s=0.02)
        code = "from maze_helpers.load_test import closed_loop\n"
        code += f"closed_loop({server.url!r}, b'1', calls=60, at_a_time=3)"
        messages = list(outputs(client, client.execute(code)))
    assert len(shown(messages, "display_data")) == 1
    last = shown(messages, "update_display_data")[-1]
    assert last["text/plain"].endswith("3 at a time: 60 of 60")
    assert '<progress value="60" max="60"' in last["text/html"]
    (result,) = shown(messages, "execute_result")
    assert "60 ok in" in result["text/plain"]
    assert "<table" in result["text/html"]
    assert not [content for kind, content in messages if kind in ("stream", "error")]


def test_an_interrupt_ends_the_test_at_once_and_keeps_what_was_measured(running):
    client, interrupt = running
    ended = threading.Event()
    with load_target() as server, ExitStack() as stack:
        stack.callback(ended.set)
        server.prepare(lambda number: "ok" if number < 10 or ended.wait(60) else "late")
        code = "from maze_helpers.load_test import closed_loop\n"
        code += f"result = closed_loop({server.url!r}, b'1', calls=100, at_a_time=2)\n"
        code += "print(result.outcomes.to_dict())\nresult"
        message_id = client.execute(code)
        deadline_s = time.monotonic() + DEADLINE_S
        while server.requests < 12:
            assert time.monotonic() < deadline_s
            time.sleep(0.01)
        interrupt()
        messages = list(outputs(client, message_id))
    assert printed(messages) == "{'ok': 10, 'unfinished': 2}\n"
    (result,) = shown(messages, "execute_result")
    assert "ended before 88 calls began" in result["text/plain"]


def test_the_exercises_processes_run_in_a_kernel(running):
    client, _ = running
    code = "from maze_helpers.load_test import run_processes\n"
    code += "def square(i):\n    print(i, end='\\r')\n    return i * i\n"
    code += "print(run_processes(square, 20)['value'].tolist())"
    messages = list(outputs(client, client.execute(code)))
    assert printed(messages) == f"{[number**2 for number in range(20)]}\n"
