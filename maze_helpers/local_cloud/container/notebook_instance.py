"""What a notebook instance runs: `python -m …container.notebook_instance SETTINGS`.

First the scripts of its lifecycle configuration, one after the other, then Jupyter, for as long
as the instance is in service. Each line of output begins with the log stream that it is for; a
line for `Status` is a message to the engine: a script's name, and how it ended.
Differs from AWS: scripts run as whoever runs the local cloud, in the home folder, and find this
machine's programs: no conda, no crontab, and sudo only if it asks for no password.

Source: SageMaker guide, "Customization of a SageMaker notebook instance using an LCC script".
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from typing import IO

from maze_helpers.local_cloud.container.notebook_token import SECRET_VARIABLE
from maze_helpers.local_cloud.container.paths import home_folder
from maze_helpers.local_cloud.container.python_environment import PythonEnvironment

JUPYTER_LOG = "jupyter.log"
STATUS = "Status"
# How a script ended, after its name in a message; else the exit code.
TIMED_OUT = "timed-out"
SCRIPT_FAILED = 1
# The engine cuts longer lines itself, and would not know what stream the rest is for.
_MAX_LINE_BYTES = 32_000
_AWS_HOME = "/home/ec2-user"
_CRONTAB = """#!/bin/sh
echo "Hint: crontab is not run here: it would change your own, and outlive the instance." >&2
exit 1
"""
_HINTS = {
    r"\b(conda|activate|anaconda3)\b": (
        "Hint: the local cloud has no conda environments: `python` is the one that runs the local "
        "cloud, with all that is installed there."
    ),
    r"\b(sudo|yum|dnf|systemctl|initctl)\b": (
        "Hint: the local cloud has this machine's programs and users: no ec2-user, and root only "
        "if you are."
    ),
}
# As of macOS; that of Linux is 107. The name: "/kernel-", a UUID and "-ipc-5".
_LONGEST_SOCKET_PATH, _SOCKET_NAME = 103, 50
# A Jupyter that lived so long is started again when it ends, as systemd does on AWS.
_LIVED_S = 10.0
_JUPYTER = "maze_helpers.local_cloud.container.notebook_jupyter"
_IDENTITY = "maze_helpers.local_cloud.container.notebook_identity.PresignedIdentity"


def main(settings_file: str) -> int:
    """Run the instance until Jupyter ends; return its exit code, or 1 where a script failed."""
    with open(settings_file, encoding="utf-8") as file:
        settings = json.load(file)
    secret = os.environ.pop(SECRET_VARIABLE)
    python = _make_python_environment()
    if home_folder() != _AWS_HOME:
        say(JUPYTER_LOG, _no_home())
    for name, content in settings["scripts"]:
        ending = run_script(name, content, settings["script_limit_s"])
        say(STATUS, f"{name} {ending}")
        if ending != "0":
            for hint in hints(content):
                say(f"LifecycleConfig{name}", hint)
            return SCRIPT_FAILED
    # What is asked of this process, Jupyter is asked as well: they share a process group.
    signal.signal(signal.SIGTERM, lambda *_: _ending.set())
    while True:
        began_s = time.monotonic()
        exit_code = _run_jupyter(python, settings, secret)
        if _ending.is_set() or time.monotonic() - began_s < _LIVED_S:
            return exit_code


def run_script(name: str, content: str, limit_s: float) -> str:
    """Run a shell script; return its exit code, or that it timed out.

    Its output goes to the log stream of its name, also that of what it leaves running.
    """
    descriptor, path = tempfile.mkstemp(prefix=f"{name}_")
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        file.write(content)
    os.chmod(path, 0o700)
    # So that AWS's bash runs it: its first line may name another interpreter.
    script = subprocess.Popen(
        ["/bin/bash", "-c", path],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert script.stdout
    copying = _copy(script.stdout, f"LifecycleConfig{name}")
    try:
        exit_code = script.wait(limit_s)
    except subprocess.TimeoutExpired:
        os.killpg(script.pid, signal.SIGKILL)
        script.wait()
        return TIMED_OUT
    finally:
        # What it left running holds the other end open: only what it said itself is waited for.
        copying.join(timeout=0.2)
    return str(exit_code)


def hints(content: str) -> list[str]:
    """Return what may be why a script fails here that does not on AWS."""
    found = [hint for pattern, hint in _HINTS.items() if re.search(pattern, content)]
    return found + ([_no_home()] if _AWS_HOME in content and home_folder() != _AWS_HOME else [])


def _no_home() -> str:
    return (
        f"Hint: this machine does not allow user namespaces, so there is no {_AWS_HOME} here: it "
        f"is {home_folder()}, as $HOME says."
    )


def say(stream: str, text: str) -> None:
    """Print a line for a log stream."""
    _write(stream, text.encode())


_writing = threading.Lock()
_ending = threading.Event()


def _write(stream: str, line: bytes) -> None:
    with _writing:
        sys.stdout.buffer.write(stream.encode() + b" " + line + b"\n")
        sys.stdout.buffer.flush()


def _copy(output: IO[bytes], stream: str) -> threading.Thread:
    """Pass on each line of a pipe, until all have closed it."""

    def copy() -> None:
        while line := output.readline(_MAX_LINE_BYTES):
            _write(stream, line.rstrip(b"\n"))

    thread = threading.Thread(target=copy, name=stream, daemon=True)
    thread.start()
    return thread


def _make_python_environment() -> str:
    """Give the instance an environment of its own, and return its Python.

    What is installed there is gone at the instance's next start.
    """
    python = PythonEnvironment(os.path.join(home_folder(), ".python"))
    python.make()
    _hide_crontab(os.path.dirname(python.executable))
    os.environ.update(python.variables())
    # sys.path[0] is where `python -m` found this program.
    os.environ["PYTHONPATH"] = python.search_path(sys.path[1], sys.path[2:])
    if not python.has_module("pip"):
        subprocess.run([python.executable, "-m", "ensurepip"], stdout=subprocess.DEVNULL)
    return python.executable


def _hide_crontab(folder: str) -> None:
    """Put a crontab into a folder that comes first on PATH: the user's own is not to change."""
    path = os.path.join(folder, "crontab")
    with open(path, "w", encoding="utf-8") as file:
        file.write(_CRONTAB)
    os.chmod(path, 0o700)


def _run_jupyter(python: str, settings: dict, secret: str) -> int:
    descriptor, config = tempfile.mkstemp(suffix=".json")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(jupyter_settings(settings), file)
    jupyter = subprocess.Popen(
        [python, "-m", _JUPYTER, f"--config={config}"],
        env={**os.environ, SECRET_VARIABLE: secret},
        cwd=settings["volume"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert jupyter.stdout
    copying = _copy(jupyter.stdout, JUPYTER_LOG)
    exit_code = jupyter.wait()
    copying.join(timeout=0.5)
    return exit_code


def jupyter_settings(settings: dict) -> dict[str, dict]:
    """Return the settings of a Jupyter that this machine alone reaches, by presigned URLs."""
    return {
        "ServerApp": {
            "ip": "127.0.0.1",
            "port": settings["port"],
            "port_retries": 100,
            "root_dir": settings["volume"],
            "open_browser": False,
            "identity_provider_class": _IDENTITY,
            "jpserver_extensions": {"jupyterlab": True, "jupyter_server_terminals": True},
            "default_url": "/lab",
            "quit_button": False,
            "allow_root": True,
        },
        "IdentityProvider": {"token": ""},
        "KernelManager": {"transport": _kernel_transport()},
        "LabApp": {
            # Nothing leaves the machine.
            "check_for_updates_class": "jupyterlab.handlers.announcements.NeverCheckForUpdate",
            "news_url": None,
            "extension_manager": "readonly",
        },
    }


def _kernel_transport() -> str:
    """Return "ipc", files that only the user can open, or else ports that all of the machine can.

    A socket's path has a length that it may not exceed.
    """
    runtime = os.environ.get("JUPYTER_RUNTIME_DIR", "")
    return "ipc" if 0 < len(runtime) + _SOCKET_NAME < _LONGEST_SOCKET_PATH else "tcp"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
