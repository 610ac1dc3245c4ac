"""What becomes of a function in many processes is seen, whatever becomes of it."""

import os
import signal
import sys
import time

import psutil
import pytest
from load_target import load_target

from maze_helpers.load_test import run_processes
from maze_helpers.local_cloud.errors import MazeError


@pytest.fixture
def own_children():
    """The processes that this one has beside those of the test."""
    before = set(psutil.Process().children())
    return lambda: set(psutil.Process().children()) - before


def test_each_process_has_its_number_and_its_value(own_children):
    table = run_processes(lambda number: {"square": number**2}, 5)
    assert list(table["value"]) == [{"square": number**2} for number in range(5)]
    assert (table["outcome"] == "returned").all() and (table["exit_code"] == 0).all()
    assert own_children() == set()


def test_a_process_that_raises_is_seen_with_its_error_and_what_it_printed():
    def fail(number):
        print("before", number, end="\r")
        print("on stderr", file=sys.stderr)
        raise ValueError("throttled")

    (row,) = run_processes(fail, 1).itertuples()
    assert (row.outcome, row.exit_code, row.value) == ("raised", 1, None)
    assert row.error == "ValueError: throttled"
    assert row.printed == "before 0\ron stderr\n"


@pytest.mark.parametrize(
    ("end", "exit_code"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGKILL), -signal.SIGKILL),
        (lambda: os._exit(3), 3),
        (lambda: sys.exit(4), 4),
    ],
)
def test_a_process_that_ends_without_a_word_died(end, exit_code):
    table = run_processes(lambda number: end() if number == 1 else number, 3)
    assert list(table["outcome"]) == ["returned", "died", "returned"]
    assert table.loc[1, "exit_code"] == exit_code


def test_a_process_that_hangs_is_ended_and_counted(own_children):
    began_s = time.monotonic()
    table = run_processes(lambda number: time.sleep(600 if number else 0), 4, timeout_s=4.0)
    assert time.monotonic() - began_s < 60
    assert list(table["outcome"]) == ["returned", "hung", "hung", "hung"]
    assert (table["exit_code"][1:] == -signal.SIGKILL).all()
    assert own_children() == set()


def test_a_value_that_cannot_be_brought_back_is_an_error():
    (row,) = run_processes(lambda number: lambda: number, 1).itertuples()
    assert row.outcome == "raised"
    assert "pickle" in row.error


def test_none_is_left_when_it_is_interrupted(own_children):
    def interrupt_the_parent(number):
        if number == 2:
            # Python drops an interrupt that comes while it forks.
            time.sleep(1)
            os.kill(os.getppid(), signal.SIGINT)
        time.sleep(600)

    with pytest.raises(KeyboardInterrupt):
        run_processes(interrupt_the_parent, 3)
    assert own_children() == set()


@pytest.mark.parametrize("number", [0, 1001])
def test_there_is_a_limit(number):
    with pytest.raises(MazeError, match="between 1 and 1000"):
        run_processes(print, number)


@pytest.mark.parametrize("used_before", [False, True])
def test_children_of_a_client_are_all_accounted_for(used_before):
    # Of one that was used before, they share the connection: any of them may get what is not its
    # own, or nothing at all.
    with load_target() as server:
        client = server.client(read_timeout=3 if used_before else 30)

        def invoke(number):
            answer = client.invoke_endpoint(EndpointName="digits", Body=str(number).encode())
            return int(answer["Body"].read())

        server.prepare(lambda number: "echo")
        if used_before:
            invoke(1000)
        table = run_processes(invoke, 30, timeout_s=60)
    assert len(table) == 30
    assert table["outcome"].isin(["returned", "raised", "hung"]).all()
    if not used_before:
        assert list(table["value"]) == list(range(30))
