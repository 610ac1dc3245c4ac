"""The file of a learner's progress: nothing is lost, and damage is one sentence."""

import json
import os
import signal
import string
import subprocess
import sys
import time
from dataclasses import asdict, replace
from datetime import timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maze_helpers import progress
from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.progress import Progress, TaskProgress

ROOT = Path(__file__).parents[1]
COUNT = """
import sys
from pathlib import Path
from maze_helpers import progress
for _ in range(int(sys.argv[2])):
    with progress.changing(Path(sys.argv[1])) as known:
        known.of("chapter_1/task_1").checks += 1
"""
STARTED = "2026-03-01T09:00:00+00:00"


def counting(folder: Path, times: int) -> subprocess.Popen:
    """Start a process that counts checks up, so many times."""
    return subprocess.Popen([sys.executable, "-c", COUNT, str(folder), str(times)], cwd=ROOT)


def checks(folder: Path) -> int:
    return progress.read(folder).of("chapter_1/task_1").checks


def test_an_unknown_progress_began_when_the_oldest_notebook_was_written(tmp_path):
    for task, written in {"task_1": 2_000, "task_2": 1_000}.items():
        notebook = tmp_path / "chapter_1" / task / "training.ipynb"
        notebook.parent.mkdir(parents=True)
        notebook.touch()
        os.utime(notebook, (written, written))
    assert progress.read(tmp_path) == Progress("1970-01-01T00:16:40+00:00")
    assert not (tmp_path / progress.FILE).exists()


def test_a_progress_without_notebooks_begins_now(tmp_path):
    assert progress.read(tmp_path).started_at <= progress.now()


def test_the_start_is_kept_from_the_first_change_on(tmp_path):
    with progress.changing(tmp_path) as known:
        known.started_at = STARTED
    with progress.changing(tmp_path) as known:
        known.of("chapter_1/task_1").checks = 1
    assert progress.read(tmp_path).started_at == STARTED


def test_two_processes_lose_nothing_of_each_other(tmp_path):
    both = [counting(tmp_path, 40) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert checks(tmp_path) == 80


def test_a_kill_leaves_the_file_whole_and_unlocked(tmp_path):
    process = counting(tmp_path, 1_000_000)
    deadline = time.monotonic() + 60
    while checks(tmp_path) < 20 and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = checks(tmp_path)
    assert before >= 20
    with progress.changing(tmp_path) as known:
        known.of("chapter_1/task_1").checks += 1
    assert checks(tmp_path) == before + 1


def test_an_error_in_the_block_changes_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), progress.changing(tmp_path) as known:
        known.of("chapter_1/task_1").checks = 1 // 0
    assert not (tmp_path / progress.FILE).exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"tasks": {}}',
        '{"started_at": 5, "tasks": {}}',
        '{"started_at": "yesterday", "tasks": {}}',
        '{"started_at": "2026-03-01T09:00:00", "tasks": {}}',
        f'{{"started_at": "{STARTED}", "tasks": []}}',
        f'{{"started_at": "{STARTED}", "tasks": {{"a": null}}}}',
        f'{{"started_at": "{STARTED}", "tasks": {{"a": {{"hints": null}}}}}}',
        f'{{"started_at": "{STARTED}", "tasks": {{"a": {{"hints": {{"step 1": -1}}}}}}}}',
        f'{{"started_at": "{STARTED}", "tasks": {{"a": {{"answers": [1]}}}}}}',
        f'{{"started_at": "{STARTED}", "tasks": {{"a": {{"done_at": "soon"}}}}}}',
        f'{{"started_at": "{STARTED}", "tasks": {{"a": {{"of_another_version": 1}}}}}}',
        "[" * 10**5,
    ],
)
def test_a_damaged_file_is_one_sentence_with_the_fix(tmp_path, text):
    (tmp_path / progress.FILE).write_text(text)
    with pytest.raises(MazeError, match="cannot be read .*: move it away to begin anew") as error:
        progress.read(tmp_path)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_text_is_damaged(tmp_path):
    (tmp_path / progress.FILE).write_bytes(b"\xff\xfe")
    with pytest.raises(MazeError, match="cannot be read"):
        progress.read(tmp_path)


def test_a_folder_that_takes_no_file_is_one_sentence(tmp_path):
    # As any user, root included, sees it.
    (tmp_path / f".{progress.FILE}.lock").mkdir()
    with pytest.raises(MazeError, match="cannot be kept in"), progress.changing(tmp_path):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_one_sentence(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(MazeError, match="cannot be kept in"), progress.changing(tmp_path):
        pass


def test_the_end_of_a_task_is_the_first_of_done_and_caught_up():
    task = TaskProgress(done_at="2026-03-01T10:00:00+00:00")
    assert TaskProgress().ended_at is None
    assert task.ended_at == task.done_at
    assert replace(task, caught_up_at=STARTED).ended_at == STARTED


_times = st.datetimes(timezones=st.just(timezone.utc)).map(
    lambda time: time.isoformat(timespec="seconds")
)
_names = st.text(string.printable, max_size=12)
_tasks = st.builds(
    TaskProgress,
    verdict=st.text(),
    sentence=st.text(),
    step=st.none() | st.integers(1, 9),
    checks=st.integers(0, 99),
    first_check_at=st.none() | _times,
    done_at=st.none() | _times,
    caught_up_at=st.none() | _times,
    hints=st.dictionaries(_names, st.integers(0, 4)),
    answers=st.lists(_names),
    notes=st.dictionaries(_names, st.text()),
)
_progress = st.builds(Progress, started_at=_times, tasks=st.dictionaries(_names, _tasks))


@settings(max_examples=25)
@given(_progress)
def test_what_is_written_is_read_again(tmp_path_factory, known):
    folder = tmp_path_factory.mktemp("progress")
    with progress.changing(folder) as changed:
        changed.started_at, changed.tasks = known.started_at, known.tasks
    assert progress.read(folder) == known


@settings(max_examples=40)
@given(_progress.map(asdict), st.data())
def test_whatever_one_value_becomes_it_is_read_or_one_sentence(tmp_path_factory, known, data):
    whole = {"tasks": known["tasks"], "started_at": known["started_at"]}
    inner = data.draw(st.sampled_from([whole, *whole["tasks"].values()]))
    inner[data.draw(st.sampled_from(sorted(inner)))] = data.draw(
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.none(), max_size=1)
    )
    folder = tmp_path_factory.mktemp("damaged")
    (folder / progress.FILE).write_text(json.dumps(whole))
    try:
        progress.read(folder)
    except MazeError as error:
        assert "cannot be read" in str(error)
