"""The supervisor alone, at each level of isolation that this machine allows."""

import subprocess
import sys
from pathlib import Path

import pytest
from running_container import PYTHON, Mark, needs_namespaces, until

from maze_helpers.local_cloud.engine.containers import isolation
from maze_helpers.local_cloud.engine.images import PACKAGE_ROOT

LEVELS = {"pid": ["pid", "mount", "none"], "mount": ["mount", "none"], "none": ["none"]}
# Leaves the session, the process group and its parent.
DAEMON = """
import os, sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)", MARK])
    os._exit(0)
os.wait()
"""
needs_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere, nothing adopts orphans"
)


@pytest.fixture(params=LEVELS[isolation()])
def level(request) -> str:
    return request.param


def supervise(level: str, folder: Path, *command: str) -> subprocess.Popen:
    module = "maze_helpers.local_cloud.engine.supervisor"
    return subprocess.Popen(
        [PYTHON, "-S", "-E", "-m", module, level, str(folder), *command],
        cwd=PACKAGE_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen) -> tuple[int, str]:
    """Wait for the end, with the life line held, and return exit code and output."""
    with process:
        output = process.stdout.read()
        return process.wait(), output


def test_the_exit_code_is_the_commands(level, tmp_path):
    assert finish(supervise(level, tmp_path, "sh", "-c", "echo said; exit 9")) == (9, "said\n")


def test_a_signal_ends_it_as_in_a_shell(level, tmp_path):
    assert finish(supervise(level, tmp_path, "sh", "-c", "kill -9 $$"))[0] == 137


@needs_linux
def test_orphans_are_reaped_while_the_command_runs(level, tmp_path):
    # The child writes down its own child's id and ends; then that one is nobody's but ours.
    source = """
import os, time
read, write = os.pipe()
if os.fork() == 0:
    orphan = os.fork()
    if orphan:
        os.write(write, str(orphan).encode())
    os._exit(0)
os.wait()
orphan = int(os.read(read, 20))
while os.path.exists(f"/proc/{orphan}"):
    time.sleep(0.01)
"""
    assert finish(supervise(level, tmp_path, PYTHON, "-c", source))[0] == 0


@needs_linux
def test_a_daemon_is_gone_at_the_end(level, tmp_path):
    mark = Mark()
    source = DAEMON.replace("MARK", repr(mark.text)) + "print('left it')"
    assert finish(supervise(level, tmp_path, PYTHON, "-c", source)) == (0, "left it\n")
    assert mark.processes() == []


@needs_linux
def test_all_ends_when_the_life_line_does(level, tmp_path):
    mark = Mark()
    source = DAEMON.replace("MARK", repr(mark.text))
    source += "import time; print('ready', flush=True); time.sleep(600)"
    process = supervise(level, tmp_path, PYTHON, "-c", source)
    assert process.stdout.readline() == "ready\n"
    until(mark.processes, "the daemon")
    process.stdin.close()
    assert process.wait() == 137
    process.stdout.close()
    assert mark.processes() == []


def test_a_stop_is_passed_on(level, tmp_path):
    source = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
print("ready", flush=True); time.sleep(600)
"""
    process = supervise(level, tmp_path, PYTHON, "-c", source)
    assert process.stdout.readline() == "ready\n"
    process.terminate()
    assert finish(process)[0] == 5


def test_the_command_starts_with_the_usual_signals(level, tmp_path):
    source = "import signal; print(signal.pthread_sigmask(signal.SIG_BLOCK, []), "
    source += "[signal.getsignal(n).name for n in (signal.SIGTERM, signal.SIGCHLD)])"
    code, output = finish(supervise(level, tmp_path, PYTHON, "-c", source))
    assert (code, output) == (0, "set() ['SIG_DFL', 'SIG_DFL']\n")


def test_the_command_inherits_no_open_files(level, tmp_path):
    code, output = finish(supervise(level, tmp_path, "sh", "-c", "ls /proc/$$/fd"))
    assert output.split() == ["0", "1", "2"]


@needs_namespaces
def test_a_folder_that_cannot_be_shown_is_an_error_of_the_start():
    assert finish(supervise("mount", Path("/nowhere"), "true")) == (
        125,
        "cannot start the container: [Errno 2] No such file or directory: '/nowhere'\n",
    )


@needs_namespaces
def test_the_command_is_where_the_supervisor_was(tmp_path):
    assert finish(supervise(isolation(), tmp_path, "pwd")) == (0, f"{PACKAGE_ROOT}\n")
