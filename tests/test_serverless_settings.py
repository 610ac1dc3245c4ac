"""What a serverless variant gets of this machine, and how long its containers may idle."""

import os

import psutil
import pytest
from running_container import until

from maze_helpers.local_cloud import server
from maze_helpers.local_cloud.engine.hosting.machine_memory import (
    SPARED_BYTES,
    container_capacity,
    memory_bytes,
)
from maze_helpers.local_cloud.engine.hosting.server_spec import ServerSpec
from maze_helpers.local_cloud.engine.hosting.serverless_settings import (
    DEFAULT_IDLE_S,
    ServerlessSettings,
    idle_time_s,
)
from maze_helpers.local_cloud.engine.images import Image
from maze_helpers.local_cloud.errors import MazeError

# No machine has memory for two of these.
HUGE_MB = 2**30
SPEC = ServerSpec(Image("uri", "scikit-learn", "1.2-1", ("inference",)), "role", workers=8)


def settings(memory_mb: int = 1024, most: int = 1, **config: int) -> ServerlessSettings:
    return ServerlessSettings.of({"MemorySizeInMB": memory_mb, "MaxConcurrency": most, **config})


def test_as_many_containers_run_as_could_use_all_of_their_memory():
    limit_bytes = 2**28
    capacity = container_capacity(limit_bytes)
    assert capacity * limit_bytes <= memory_bytes() - SPARED_BYTES < (capacity + 1) * limit_bytes
    assert memory_bytes() <= psutil.virtual_memory().total


def test_one_container_runs_whatever_its_limit():
    assert container_capacity(HUGE_MB * 2**20) == 1


def test_the_log_says_when_the_machine_has_memory_for_fewer_than_max_concurrency():
    capped = settings(HUGE_MB, most=5)
    assert capped.capacity == 1
    assert capped.spec(SPEC).first_lines[1:] == (
        "At most 1 of such containers run at a time, as this machine has memory for no more: "
        "further requests are throttled, although MaxConcurrency is 5.",
    )
    assert len(settings(1024, most=1).spec(SPEC).first_lines) == 1


@pytest.mark.parametrize(
    ("memory_mb", "vcpus", "threads"),
    [(1024, "0.58", 1), (2048, "1.16", 1), (4096, "2.32", 2), (6144, "3.47", 3)],
)
def test_vcpus_and_threads_are_in_proportion_to_memory(memory_mb, vcpus, threads):
    spec = settings(memory_mb).spec(SPEC)
    assert spec.thread_count == min(threads, os.cpu_count())
    assert f"{vcpus} vCPU, a share that is not enforced" in spec.first_lines[0]


def test_each_container_has_one_worker_a_limit_and_three_minutes():
    spec = settings(2048).spec(SPEC)
    assert (spec.workers, spec.memory_limit_mb, spec.startup_timeout_s) == (1, 2048, 180)


def test_containers_idle_for_as_long_as_the_environment_says():
    assert idle_time_s({}) == DEFAULT_IDLE_S
    assert idle_time_s({"MAZE_SERVERLESS_IDLE_S": "2.5"}) == 2.5


@pytest.mark.parametrize("text", ["", "soon", "0", "-1", "nan", "inf"])
def test_an_idle_time_that_is_none_is_refused_with_the_fix(text):
    with pytest.raises(MazeError, match=f"^MAZE_SERVERLESS_IDLE_S is '{text}': set it to a number"):
        idle_time_s({"MAZE_SERVERLESS_IDLE_S": text})


def test_the_server_does_not_start_with_an_idle_time_that_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("MAZE_SERVERLESS_IDLE_S", "soon")
    with pytest.raises(MazeError, match="MAZE_SERVERLESS_IDLE_S is 'soon'"):
        server.start(tmp_path / ".maze", port=0)
    until(lambda: server.info(tmp_path / ".maze") is None)
