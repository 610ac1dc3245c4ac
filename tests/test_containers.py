"""Containers: exit codes, output, environment, ends. Each in both ways of isolation."""

import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest
from running_container import PYTHON, Mark, Running, needs_namespaces, run, run_python, until

from maze_helpers.local_cloud.engine import containers
from maze_helpers.local_cloud.engine.containers import end_stray
from maze_helpers.local_cloud.engine.log_lines import MAX_LINE_BYTES

# Ignores SIGTERM, leaves the session, the process group and its parent, and stays.
DAEMON = """
import os, signal, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.execvp(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)", MARK])
    os._exit(0)
os.wait()
while True:
    with open("/proc/self/stat"): pass
    if os.path.exists(READY): break
    time.sleep(0.01)
"""
STAY = "import time; print('ready'); time.sleep(600)"


@pytest.fixture(params=[pytest.param(True, marks=needs_namespaces), False])
def isolated(request) -> bool:
    return request.param


def test_the_exit_code_is_the_commands(tmp_path, isolated):
    assert run(tmp_path, "sh", "-c", "exit 3", isolated=isolated).end() == 3


def test_a_command_that_a_signal_ends_exits_with_128_and_the_signal(tmp_path, isolated):
    assert run(tmp_path, "sh", "-c", "kill -SEGV $$", isolated=isolated).end() == 128 + 11


def test_a_command_that_is_not_there_says_so_and_exits_with_127(tmp_path, isolated):
    container = run(tmp_path, "no-such-command", isolated=isolated, PATH="/usr/bin:/bin")
    assert container.end() == 127
    assert container.lines == ["cannot run no-such-command: No such file or directory"]


def test_a_hundred_thousand_lines_arrive_whole_and_in_order(tmp_path, isolated):
    source = """
import os
for i in range(100_000): os.write(1 + i % 2, b"line %d of this container\\n" % i)
"""
    container = run_python(tmp_path, source, isolated=isolated)
    assert container.lines == [f"line {i} of this container" for i in range(100_000)]


def test_lines_arrive_while_the_command_still_runs(tmp_path, isolated):
    container = Running(tmp_path, [PYTHON, "-c", STAY], isolated=isolated)
    container.wait_for_line("ready")
    assert container.wait(0) is None
    container.kill()
    container.end()


def test_the_last_line_needs_no_newline(tmp_path):
    assert run(tmp_path, "printf", "one\ntwo").lines == ["one", "two"]


def test_empty_lines_are_kept(tmp_path):
    assert run(tmp_path, "printf", "\none\n\n\ntwo\n\n").lines == ["", "one", "", "", "two", ""]


def test_a_command_that_says_nothing_has_no_lines(tmp_path):
    assert run(tmp_path, "true").lines == []


def test_what_is_not_text_is_shown_as_cloudwatch_shows_it(tmp_path):
    source = r"import os; os.write(1, b'\xff\x00 10%|#|\r 20%|##|\n[0]\ttrain-rmse:8.1\n')"
    assert run_python(tmp_path, source).lines == [
        "\ufffd#000 10%|#|#015 20%|##|",
        "[0]#011train-rmse:8.1",
    ]


def test_a_line_without_end_arrives_in_pieces(tmp_path):
    container = run_python(tmp_path, f"print('x' * {3 * MAX_LINE_BYTES + 7}, end='')")
    assert [len(line) for line in container.lines] == [MAX_LINE_BYTES] * 3 + [7]


def test_each_line_has_the_time_at_which_it_was_written(tmp_path):
    before_s = time.time()
    container = run(tmp_path, "sh", "-c", "echo one; sleep 0.3; echo two")
    (one_s, _), (two_s, _) = container.events
    assert before_s <= one_s and one_s + 0.25 < two_s <= time.time()


def test_a_fault_of_the_reader_does_not_stop_the_output(tmp_path, caplog):
    class Faulty(Running):
        @property
        def events(self):
            return self

        @events.setter
        def events(self, _):
            self.count = 0

        def append(self, _):
            self.count += 1
            raise OSError("the disk is full")

    container = Faulty(tmp_path, ["printf", "one\ntwo\n"])
    assert container.end() == 0
    assert container.count == 2
    assert "the disk is full" in caplog.text


def test_the_environment_is_what_was_given_and_nothing_else(tmp_path):
    container = run(tmp_path, "env", isolated=False, GREETING="hé llo", LANG="C.UTF-8")
    assert sorted(container.lines) == sorted(
        [
            "GREETING=hé llo",
            "LANG=C.UTF-8",
            f"PATH={os.environ['PATH']}",
            "PYTHONUNBUFFERED=1",
            f"SAGEMAKER_BASE_DIR={tmp_path}/opt/ml",
        ]
    )


def test_pythons_variables_are_for_the_command_alone(tmp_path, isolated):
    variables = {"PYTHONHOME": "/nowhere", "PYTHONPATH": "/nowhere"}
    container = run(tmp_path, "printenv", "PYTHONHOME", isolated=isolated, **variables)
    assert (container.end(), container.lines) == (0, ["/nowhere"])


def test_standard_input_is_empty(tmp_path, isolated):
    assert run(tmp_path, "cat", isolated=isolated).end() == 0


def test_stop_lets_the_command_finish_its_work(tmp_path, isolated):
    source = """
import os, signal, sys, time
def save(*_):
    print("saved"); sys.exit(7)
signal.signal(signal.SIGTERM, save)
print("ready"); time.sleep(600)
"""
    container = Running(tmp_path, [PYTHON, "-c", source], isolated=isolated)
    container.wait_for_line("ready")
    assert container.stop(grace_s=60) == 7
    assert container.lines == ["ready", "saved"]


def test_stop_reaches_the_whole_process_group(tmp_path, isolated):
    inner = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(os.write(1, b"inner\\n")))
print("ready"); time.sleep(600)
"""
    script = "trap 'echo outer' TERM; \"$@\" & wait; wait"
    command = ["sh", "-c", script, "sh", PYTHON, "-c", inner]
    container = Running(tmp_path, command, isolated=isolated)
    container.wait_for_line("ready")
    container.stop(grace_s=60)
    assert sorted(container.lines[1:]) == ["inner", "outer"]


def test_a_command_that_ignores_the_stop_is_killed_after_the_grace(tmp_path, isolated):
    source = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + STAY
    container = Running(tmp_path, [PYTHON, "-c", source], isolated=isolated)
    container.wait_for_line("ready")
    assert container.stop(grace_s=0.2) == 137


def test_a_stop_right_after_the_start_is_not_lost(tmp_path, isolated):
    for _ in range(10):
        container = Running(tmp_path, ["sleep", "600"], isolated=isolated)
        assert container.stop(grace_s=60) == 128 + signal.SIGTERM


def test_a_job_that_halts_its_supervisor_ends_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(containers, "KILL_TIMEOUT_S", 0.5)
    source = "import os, signal; os.kill(os.getppid(), signal.SIGSTOP);" + STAY
    container = Running(tmp_path, [PYTHON, "-c", source], isolated=False)
    container.wait_for_line("ready")
    assert container.stop(grace_s=0.1) == 137


def test_kill_ends_it_at_once(tmp_path, isolated):
    container = Running(tmp_path, [PYTHON, "-c", STAY], isolated=isolated)
    container.wait_for_line("ready")
    container.kill()
    assert container.end() == 137


def test_stopping_or_killing_what_has_ended_changes_nothing(tmp_path, isolated):
    container = run(tmp_path, "sh", "-c", "exit 3", isolated=isolated)
    container.kill()
    assert container.stop(grace_s=1) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, nothing adopts orphans")
def test_a_daemon_ends_with_the_command(tmp_path, isolated):
    mark, ready = Mark(), tmp_path / "ready"
    source = DAEMON.replace("MARK", repr(mark.text)).replace("READY", repr(str(ready)))
    container = Running(tmp_path, [PYTHON, "-c", source], isolated=isolated)
    until(mark.processes, "the daemon")
    ready.touch()
    assert container.end() == 0
    assert mark.processes() == []


def test_a_background_process_ends_with_the_command(tmp_path, isolated):
    mark = Mark()
    script = f"{PYTHON} -c 'import time; time.sleep(600)' {mark.text} & echo started"
    assert run(tmp_path, "sh", "-c", script, isolated=isolated).end() == 0
    assert mark.processes() == []


def test_the_container_outlives_the_thread_that_started_it(tmp_path, isolated):
    started = []
    command = ["sh", "-c", "sleep 0.3; echo done"]
    thread = threading.Thread(
        target=lambda: started.append(Running(tmp_path, command, isolated=isolated))
    )
    thread.start()
    thread.join()
    assert (started[0].end(), started[0].lines) == (0, ["done"])


SERVER = """
import pathlib, sys, time
from maze_helpers.local_cloud.engine.containers import Container
folder, mark, isolated = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "True"
(folder / "opt" / "ml").mkdir(parents=True, exist_ok=True)
command = [sys.executable, "-c", "import time; time.sleep(600)", mark]
container = Container(folder, command, {}, print, lambda sample: None, isolated=isolated)
container.start()
print("started", flush=True)
time.sleep(600)
"""


def test_everything_ends_when_the_server_is_killed(tmp_path, isolated):
    mark = Mark()
    arguments = [str(tmp_path), mark.text, str(isolated)]
    with subprocess.Popen(
        [PYTHON, "-c", SERVER, *arguments], stdout=subprocess.PIPE, cwd=containers.PACKAGE_ROOT
    ) as server:
        assert server.stdout.readline() == b"started\n"
        until(lambda: len(mark.processes()) > 1, "the command")
        server.kill()
    until(lambda: not mark.processes(), "the end of all processes")


def test_everything_ends_when_the_supervisor_is_killed(tmp_path, isolated):
    mark = Mark()
    command = [PYTHON, "-c", "import time; time.sleep(600)", mark.text]
    container = Running(tmp_path, command, isolated=isolated)
    until(lambda: len(mark.processes()) > 1, "the command")
    os.kill(container.pid, signal.SIGKILL)
    assert container.end() == 137
    until(lambda: not mark.processes(), "the end of all processes")


def test_everything_ends_however_early_the_supervisor_is_killed(tmp_path, isolated):
    mark = Mark()
    for number in range(8):
        command = [PYTHON, "-c", "import time; time.sleep(600)", mark.text]
        container = Running(tmp_path / str(number), command, isolated=isolated)
        supervisor = psutil.Process(container.pid)
        while not supervisor.children():
            pass  # What it forks has not asked yet to die with it.
        supervisor.kill()
        assert container.end() == 137
    until(lambda: not mark.processes(), "the end of all processes")


def test_a_stray_container_is_recognised_and_ended(tmp_path, isolated):
    mark = Mark()
    command = [PYTHON, "-c", "import time; time.sleep(600)", mark.text]
    container = Running(tmp_path, command, isolated=isolated)
    until(lambda: len(mark.processes()) > 1, "the command")
    assert end_stray(container.pid, container.created_at)
    container.end()
    assert mark.processes() == []
    assert not end_stray(container.pid, container.created_at)


def test_a_later_process_of_the_same_id_is_left_alone(tmp_path):
    with subprocess.Popen(["sleep", "600"]) as process:
        created_at = psutil.Process(process.pid).create_time()
        assert not end_stray(process.pid, created_at - 60)
        assert process.poll() is None
        process.kill()


@pytest.mark.parametrize("error", ["FileNotFoundError: [Errno 2] No such file or directory", ""])
def test_without_namespaces_a_script_that_needs_opt_ml_gets_one_hint(tmp_path, error):
    source = f"print({error!r} + ': \\'/opt/ml/model\\''); " * 2
    hints = [x for x in run_python(tmp_path, source, isolated=False).lines if "Hint: " in x]
    assert len(hints) == (1 if error else 0)
    assert all("SM_MODEL_DIR" in hint for hint in hints)


def test_a_missing_file_below_the_folder_itself_gives_no_hint(tmp_path):
    source = f"open({str(tmp_path)!r} + '/opt/ml/model/missing')"
    lines = run_python(tmp_path, source, isolated=False).lines
    assert any("FileNotFoundError" in line for line in lines)
    assert not any("Hint: " in line for line in lines)
