"""What a container uses of the machine."""

import sys

import psutil
from running_container import PYTHON, Running, run, run_python, until

from maze_helpers.local_cloud.engine.container_folder import remove_folder

BUSY_CHILD = "import time; end = time.process_time() + 0.5\nwhile time.process_time() < end: pass"


def test_a_job_of_no_time_at_all_is_measured(tmp_path):
    container = run(tmp_path, "true")
    assert len(container.samples) >= 1
    assert container.samples[-1].memory_percent > 0


def test_a_busy_half_second_is_all_accounted_for(tmp_path):
    container = run_python(tmp_path, BUSY_CHILD)
    assert busy_seconds(container) > 0.3


def test_the_time_of_children_that_came_and_went_counts(tmp_path):
    child = f"subprocess.run([sys.executable, '-c', {BUSY_CHILD!r}])"
    source = f"import subprocess, sys\nfor _ in range(3): {child}"
    assert busy_seconds(run_python(tmp_path, source)) > 1.2


def test_a_quiet_job_uses_next_to_nothing(tmp_path):
    container = run(tmp_path, "sleep", "1.5")
    assert busy_seconds(container) < 0.5


def test_the_memory_of_the_whole_tree_counts(tmp_path):
    child = "block = bytearray(200_000_000); print('held', flush=True); input()"
    source = f"""
import subprocess, sys
children = [
    subprocess.Popen([sys.executable, "-c", {child!r}], stdin=subprocess.PIPE) for _ in range(2)
]
for one in children: one.wait()
"""
    container = Running(tmp_path, [PYTHON, "-c", source])
    until(lambda: container.lines.count("held") == 2, "the memory")
    least = 100 * 400_000_000 / psutil.virtual_memory().total
    until(lambda: any(s.memory_percent > least for s in container.samples), "the measurement")
    container.kill()
    container.end()
    assert all(0 <= sample.memory_percent <= 100 for sample in container.samples)


def test_what_the_job_writes_below_opt_ml_counts_as_disk(tmp_path):
    path = tmp_path / "opt" / "ml" / "model" / "weights"
    path.parent.mkdir(parents=True)
    source = f"open({str(path)!r}, 'wb').write(bytes(30_000_000)); import time; time.sleep(600)"
    container = Running(tmp_path, [PYTHON, "-c", source])
    used = 100 * 30_000_000 / psutil.disk_usage(str(tmp_path)).total
    until(lambda: any(s.disk_percent >= used for s in container.samples), "the measurement")
    container.kill()
    container.end()
    assert all(sample.disk_percent < used * 1.1 for sample in container.samples)


def test_a_job_is_measured_however_many_folders_it_makes_in_each_other(tmp_path):
    source = f"""
import os
os.chdir({str(tmp_path)!r} + "/opt/ml")
for _ in range({sys.getrecursionlimit()}):
    os.mkdir("d")
    os.chdir("d")
"""
    container = run_python(tmp_path, source)
    remove_folder(tmp_path / "opt")
    assert container.samples


def test_samples_are_within_their_ranges_and_in_order(tmp_path):
    container = run(tmp_path, "sh", "-c", "sleep 1.2")
    times = [sample.timestamp_s for sample in container.samples]
    assert times == sorted(times) and len(times) >= 2
    for sample in container.samples:
        assert 0 <= sample.cpu_percent <= 100 * psutil.cpu_count()
        assert 0 <= sample.disk_percent <= 100


def busy_seconds(container: Running) -> float:
    """Add up what the samples say, each over the time since the one before."""
    begins = [container.created_at, *(s.timestamp_s for s in container.samples)]
    pairs = zip(begins, container.samples, strict=False)
    return sum(s.cpu_percent / 100 * (s.timestamp_s - begin) for begin, s in pairs)
