"""Memory limits: what counts, once, and the end of a container that uses more."""

import sys
import time

import pytest
from running_container import PYTHON, Mark, Running, until

from maze_helpers.local_cloud.engine.memory_limit import (
    BUSY_PERIOD_S,
    IDLE_PERIOD_S,
    used_bytes,
)

MB = 2**20
SIGKILLED = 128 + 9
needs_proc = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere, shared memory cannot be told from private"
)
# Memory is in use once it is written to.
HOLD = "import os, time; held = bytearray({mb} << 20); held[::4096] = b'x' * len(held[::4096])"
SAY_AND_STAY = "; print('ready', flush=True); time.sleep(600)"


def hold(mb: int, then: str = SAY_AND_STAY) -> list[str]:
    return [PYTHON, "-c", HOLD.format(mb=mb) + then]


def limited(folder, command: list[str], limit_mb: int, **options) -> Running:
    return Running(folder, command, memory_limit_bytes=limit_mb * MB, **options)


def used_mb(container: Running) -> float:
    return used_bytes(container.pid, limit_bytes=0) / MB


@pytest.fixture
def ended():
    """Ends the containers that are put into it."""
    containers = []
    yield containers
    for container in containers:
        container.kill()
        container.end()


def test_a_container_that_uses_more_is_killed_and_its_last_line_says_so(tmp_path):
    container = limited(tmp_path, hold(150), 100)
    assert container.end() == SIGKILLED
    *_, last = container.lines
    assert last.startswith("The container was killed: it used ")
    assert last.endswith(" MB of memory, and its limit is 100 MB.")


def test_one_that_uses_less_is_left_alone(tmp_path, ended):
    container = limited(tmp_path, hold(50), 120)
    ended.append(container)
    container.wait_for_line("ready")
    until(lambda: container.memory.take_peak_bytes() > 50 * MB)
    assert container.wait(0.2) is None


def test_the_processes_of_a_container_share_its_limit(tmp_path):
    command = ["sh", "-c", '"$@" & "$@" & wait', "sh", *hold(70)]
    container = limited(tmp_path, command, 120)
    assert container.end() == SIGKILLED


def test_a_limit_holds_without_namespaces_as_well(tmp_path):
    container = limited(tmp_path, hold(150), 100, isolated=False)
    assert container.end() == SIGKILLED


def test_nothing_of_a_killed_container_is_left(tmp_path):
    mark = Mark()
    command = ["sh", "-c", '"$@" & "$@" & "$@"', "sh", *hold(70), mark.text]
    assert limited(tmp_path, command, 120).end() == SIGKILLED
    assert not mark.processes()


@pytest.mark.parametrize("busy", [True, False])
def test_it_is_killed_whether_it_is_watched_closely_or_seldom(tmp_path, busy):
    go = tmp_path / "go"
    then = (
        f"; print('ready', flush=True)\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)"
        "\nmore = b'x' * (150 << 20); time.sleep(600)"
    )
    container = limited(tmp_path, hold(20, then), 100)
    container.wait_for_line("ready")
    container.memory.set_busy(False)
    time.sleep(2 * BUSY_PERIOD_S)  # By now it dozes.
    container.memory.set_busy(busy)
    go.touch()
    assert container.end() == SIGKILLED


@needs_proc
def test_memory_that_children_share_with_their_parent_counts_once(tmp_path, ended):
    fork = "\nfor _ in range(3):\n    if os.fork() == 0: break\nelse: print('ready', flush=True)"
    container = limited(tmp_path, hold(60, fork + "\ntime.sleep(600)"), 150)
    ended.append(container)
    container.wait_for_line("ready")
    assert 60 < used_mb(container) < 150
    assert container.wait(0.3) is None


@needs_proc
def test_shared_memory_counts_once_and_files_do_not(tmp_path, ended):
    source = """
import mmap, os, time
shared = mmap.mmap(-1, 40 << 20)
shared.write(b"x" * (40 << 20))
with open("file", "w+b") as file:
    file.truncate(80 << 20)
    mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
sum(mapped[i] for i in range(0, len(mapped), 4096))
if os.fork() == 0: sum(shared[i] for i in range(0, len(shared), 4096))
else: print("ready", flush=True)
time.sleep(600)
"""
    (tmp_path / "work").mkdir()
    command = ["sh", "-c", 'cd "$1"; exec "$2" -c "$3"', "sh", str(tmp_path / "work"), PYTHON]
    container = Running(tmp_path, [*command, source])
    ended.append(container)
    container.wait_for_line("ready")
    assert 40 < used_mb(container) < 80


@needs_proc
def test_the_quick_count_is_no_less_than_the_exact_one(tmp_path, ended):
    container = Running(tmp_path, hold(60))
    ended.append(container)
    container.wait_for_line("ready")
    quick = used_bytes(container.pid, limit_bytes=sys.maxsize) / MB
    assert 60 < used_mb(container) <= quick < 120


def test_a_process_that_has_ended_uses_nothing(tmp_path):
    container = Running(tmp_path, ["true"])
    container.end()
    assert used_mb(container) == 0


def test_twenty_idle_containers_cost_little_to_watch(tmp_path, ended):
    """Less than 1 % of a core: each is looked at every two seconds, in less than a ms."""
    container = Running(tmp_path, hold(20))
    ended.append(container)
    container.wait_for_line("ready")
    n_looks = 200
    began_s = time.thread_time()
    for _ in range(n_looks):
        used_bytes(container.pid, limit_bytes=sys.maxsize)
    assert (time.thread_time() - began_s) / n_looks < 0.01 / 20 * IDLE_PERIOD_S
