"""What an image runs for a processing job: the command as given, in a Python of the job's own."""

import os
import subprocess
import sys

import pytest

from maze_helpers.local_cloud.engine.images import PACKAGE_ROOT

MODULE = "maze_helpers.local_cloud.container.process"


def process(home, *command: str, **variables: str) -> subprocess.CompletedProcess:
    """Run a command as a container without namespaces does; home: its home folder."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "MAZE_CONTAINER_HOME": str(home),
        "PYTHONPATH": str(home),
        **variables,
    }
    return subprocess.run(
        [sys.executable, "-m", MODULE, *command],
        cwd=PACKAGE_ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_command_runs_as_given_and_its_exit_code_is_the_containers(tmp_path):
    done = process(tmp_path, "/bin/sh", "-c", 'echo "$0 $1"; pwd; exit 3', "a b", "/opt/ml/x")
    assert (done.returncode, done.stdout) == (3, f"a b /opt/ml/x\n{tmp_path}\n")


def test_python_and_pip_are_the_jobs_own(tmp_path):
    code = "import sys, shutil, psutil; print(sys.prefix, shutil.which('pip'), sep='\\n')"
    prefix, pip = process(tmp_path, "python3", "-c", code).stdout.split()
    assert prefix.startswith(f"{tmp_path}/python-") and pip == f"{prefix}/bin/pip"


def test_without_an_opt_ml_paths_below_it_lead_to_the_folder_that_stands_for_it(tmp_path):
    (tmp_path / "processing").mkdir()
    (tmp_path / "processing" / "run.py").write_text("import sys; print(sys.argv[1:])")
    command = ("python3", "/opt/ml/processing/run.py", "/opt/ml/processing/in", "/opt/mlx", "--a")
    done = process(tmp_path, *command, SAGEMAKER_BASE_DIR=str(tmp_path))
    assert done.stdout == f"{[f'{tmp_path}/processing/in', '/opt/mlx', '--a']}\n"


@pytest.mark.parametrize(("command", "exit_code"), [("/absent", 127), ("/etc", 126)])
def test_a_command_that_cannot_run_says_so(tmp_path, command, exit_code):
    done = process(tmp_path, command)
    assert done.returncode == exit_code
    assert done.stderr.startswith(f"cannot run {command}: ")
