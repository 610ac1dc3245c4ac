"""The script that bonus notebook 4 has its notebook instance run: on AWS's machine, and here."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from maze_helpers import notebooks
from maze_helpers.runner import ROOT

NOTEBOOK = ROOT / "chapter_1/bonus/4_notebook_instance.ipynb"
PROGRAMS = ("aws", "pip", "python")
HOME = "/home/ec2-user"


@pytest.fixture
def script() -> str:
    cells = notebooks.code_cells(notebooks.read_notebook(NOTEBOOK))
    (cell,) = [cell for cell in cells if cell.source.startswith("%%writefile on-start.sh")]
    return cell.source.partition("\n")[2] + "\n"


@pytest.fixture
def machine(tmp_path) -> Path:
    """A machine whose programs say what they are asked, and whose training never ends."""
    (tmp_path / "home/SageMaker").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    for name in PROGRAMS:
        program = tmp_path / "bin" / name
        ending = "sleep 60 > /dev/null" if name == "python" else ""
        program.write_text(f'#!/bin/bash\necho "$PWD: {name} $*" >> {tmp_path}/log\n{ending}\n')
        program.chmod(0o755)
    return tmp_path


def add_conda(machine: Path) -> None:
    """Add conda as AWS's machines have it: environments, and a program that activates one."""
    for name in ("JupyterSystemEnv", "python3", "pytorch_p310", "R"):
        (machine / "home/anaconda3/envs" / name).mkdir(parents=True)
    (machine / "home/anaconda3/bin").mkdir()
    activate = machine / "home/anaconda3/bin/activate"
    activate.write_text(f'echo "activate $1" >> {machine}/log\n')


def start(machine: Path, script: str) -> subprocess.Popen:
    path = machine / "on-start.sh"
    path.write_text(script.replace(HOME, f"{machine}/home"))
    env = {"PATH": f"{machine}/bin:{os.environ['PATH']}", "HOME": f"{machine}/home"}
    quiet = {"stdout": subprocess.DEVNULL, "start_new_session": True}
    return subprocess.Popen(["bash", path], env=env, **quiet)


def asked(machine: Path, script: str) -> list[str]:
    """Return what the script asked of the machine; it ends, though the training does not."""
    process = start(machine, script)
    try:
        assert process.wait(timeout=30) == 0
        while "train.py" not in (machine / "log").read_text():
            time.sleep(0.01)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
    lines = (machine / "log").read_text().splitlines()
    return [line.removeprefix(f"{machine}/home/") for line in lines]


ASKED = [
    "SageMaker: aws s3 cp PROJECT_URL/scripts/ scripts/ --recursive --no-progress",
    "SageMaker: pip install --quiet -r scripts/requirements.txt",
    "SageMaker: python scripts/train.py --train PROJECT_URL/dataset/train.csv "
    "--test PROJECT_URL/dataset/test.csv --epochs 1 --model-dir model --upload MODEL_URL",
]


def test_it_copies_installs_and_trains_in_the_background(machine, script):
    assert asked(machine, script) == ASKED


def test_on_aws_it_takes_the_environment_that_has_pytorch(machine, script):
    add_conda(machine)
    assert asked(machine, script) == ["activate pytorch_p310", *ASKED]


def test_where_there_is_no_such_home_the_volume_is_in_the_users_own(machine, script):
    assert asked(machine, script.replace(HOME, "/no/such/home")) == ASKED


def test_what_fails_ends_it(machine, script):
    (machine / "bin/pip").write_text("#!/bin/bash\nexit 7\n")
    assert start(machine, script).wait(timeout=30) == 7
    assert "train.py" not in (machine / "log").read_text()


def test_it_keeps_to_what_a_lifecycle_configuration_takes(script):
    # documented: 16,384 characters of base64; a first line that names the shell.
    assert script.startswith("#!/bin/bash\n") and len(script) * 4 / 3 < 16384
