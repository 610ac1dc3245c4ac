"""SIGTERM, by which SageMaker stops a job, as scripts see it under AWS's toolkits and here."""

import os
import signal
import subprocess
from pathlib import Path

import pytest
from training_folder import TRAIN, TRAIN_PYTORCH, Job
from training_toolkits import toolkit_command

pytestmark = pytest.mark.slow

OURS = {"scikit-learn": TRAIN, "pytorch": TRAIN_PYTORCH}
SAVES = """
import os, signal, sys, time
def save(number, frame):
    # Not print: a handler may run within one.
    os.write(1, b"saving\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
print("begun", flush=True)
time.sleep(600)
"""


def stopped(command: list[str], folder: Path, whole_group: bool) -> str:
    """Stop a job that has begun, and return all that it printed."""
    Job(files={"train.py": SAVES}).make(folder)
    own = {"SAGEMAKER_BASE_DIR": str(folder), "HOME": str(folder), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command,
        env={**own, "PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout
        begun = []
        for line in process.stdout:
            begun.append(line)
            if line == "begun\n":
                break
        (os.killpg if whole_group else os.kill)(process.pid, signal.SIGTERM)
        return "".join(begun) + process.stdout.read()


@pytest.mark.parametrize("framework", OURS)
def test_a_script_is_told_once_and_may_save(framework, tmp_path):
    ours = stopped(OURS[framework], tmp_path / "ours", whole_group=False)
    # Its toolkit does not pass the signal on: it has to reach the script by itself.
    theirs = stopped(toolkit_command(framework), tmp_path / "theirs", whole_group=True)
    if framework == "scikit-learn":
        assert theirs.count("saving\n") == 1
    assert ours.count("saving\n") == 1
    # Differs from AWS, where the toolkit ends at once: ours waits for the script, and reports.
    assert "Reporting training" not in theirs
    assert "Reporting training SUCCESS" in ours
