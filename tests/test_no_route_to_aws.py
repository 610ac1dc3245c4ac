"""Local mode has no route to AWS: no name is looked up, nobody is called, ~/.aws is not touched."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from maze_helpers.local_cloud import server

ROOT = Path(__file__).parents[1]
# Loaded by every Python of the flow, the AWS CLI's too: it writes down where they go.
WITNESS = """
import os, sys
_HOME = os.path.realpath(os.environ["HOME"])
_LOG = os.open(os.environ["WITNESS_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def _witness(event, arguments):
    if event == "socket.getaddrinfo":
        seen = f"look-up {arguments[0]}"
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        seen = f"connect {arguments[1][0]}"
    elif event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], str):
        seen = f"{event} {os.path.realpath(arguments[0])}"
        if not seen.startswith(f"{event} {_HOME}{os.sep}.aws"):
            return
    else:
        return
    os.write(_LOG, f"{seen}\\n".encode())

sys.addaudithook(_witness)
os.write(_LOG, f"start {' '.join(sys.orig_argv[1:3])}\\n".encode())
"""
TRAIN = """
import argparse, os
parser = argparse.ArgumentParser()
parser.add_argument("--depth", type=int)
parser.add_argument("--train", default=os.environ["SM_CHANNEL_TRAIN"])
arguments = parser.parse_args()
print("accuracy=0.5")
open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(arguments.depth))
"""
FLOW = """
import os, subprocess
from maze_helpers.session import connect
connection = connect("local")
import boto3, sagemaker
from sagemaker.sklearn.estimator import SKLearn
role = sagemaker.get_execution_role()
session = sagemaker.session.Session(
    boto_session=boto3.Session(), sagemaker_client=boto3.client("sagemaker")
)
data = session.upload_data("train.py", key_prefix="data")
estimator = SKLearn(
    "train.py", framework_version="1.2-1", instance_type="ml.m5.large", role=role,
    sagemaker_session=session, hyperparameters={"depth": 3},
    metric_definitions=[{"Name": "accuracy", "Regex": "accuracy=([0-9.]+)"}],
)
estimator.fit({"train": data})
job = estimator.latest_training_job.name
assert SKLearn.attach(job, sagemaker_session=session).model_data == estimator.model_data
frame = sagemaker.analytics.TrainingJobAnalytics(job, sagemaker_session=session).dataframe()
assert list(frame["value"]) == [0.5], frame
boto3.client("sagemaker").get_waiter("training_job_completed_or_stopped").wait(TrainingJobName=job)
for command in (
    ["s3", "cp", estimator.model_data, "model.tar.gz"],
    ["s3", "ls"],
    ["sagemaker", "describe-training-job", "--training-job-name", job],
    ["logs", "describe-log-groups"],
    ["iam", "get-role", "--role-name", "SageMakerExecutionRole"],
    ["sts", "get-caller-identity"],
):
    subprocess.run(["aws", *command], check=True, stdout=subprocess.DEVNULL)
assert subprocess.run(["aws", "sqs", "list-queues"], stderr=subprocess.DEVNULL).returncode
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory) -> set[str]:
    """What a whole flow looked up, called and opened; the server is watched as well."""
    folder = tmp_path_factory.mktemp("flow")
    (folder / "witness").mkdir()
    (folder / "witness" / "sitecustomize.py").write_text(WITNESS)
    (folder / "train.py").write_text(TRAIN)
    set_traps(folder / "user" / ".aws")
    home = folder / ".maze"
    env = os.environ | {
        "HOME": str(folder / "user"),
        "MAZE_HOME": str(home),
        "WITNESS_LOG": str(folder / "log"),
        "PYTHONPATH": os.pathsep.join([str(folder / "witness"), str(ROOT)]),
        "AWS_PROFILE": "trap",
    }
    serve = [sys.executable, "-m", server.__name__, "--home", str(home)]
    process = subprocess.Popen(serve, env=env, cwd=folder, stderr=subprocess.PIPE, text=True)
    try:
        assert "The maze is up" in process.stderr.readline()
        run_flow(folder, env)
    finally:
        process.terminate()
        process.communicate()
    return set((folder / "log").read_text().splitlines())


def set_traps(aws: Path) -> None:
    """Write AWS settings whose use would show: no such host, no such keys."""
    aws.mkdir(parents=True)
    for profile in ("default", "profile maze", "profile trap"):
        with (aws / "config").open("a") as config:
            config.write(f"[{profile}]\nregion = xx-trap-1\nendpoint_url = http://trap.invalid\n")
    for profile in ("default", "maze", "trap"):
        with (aws / "credentials").open("a") as credentials:
            credentials.write(f"[{profile}]\naws_access_key_id=T\naws_secret_access_key=T\n")


def run_flow(folder: Path, env: dict[str, str]) -> None:
    command = [sys.executable, "-c", textwrap.dedent(FLOW)]
    done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_witness_saw_the_server_the_script_and_the_aws_cli(seen):
    started = {line.partition(" ")[2] for line in seen if line.startswith("start ")}
    assert f"-m {server.__name__}" in started
    assert any(words.endswith(("/aws s3", "/aws logs")) for words in started)
    assert "connect 127.0.0.1" in seen


def test_no_name_outside_this_machine_is_looked_up(seen):
    looked_up = {line.split()[1] for line in seen if line.startswith("look-up ")}
    assert looked_up <= {"127.0.0.1", "localhost", "None"}


def test_nothing_outside_this_machine_is_called(seen):
    called = {line.split()[1] for line in seen if line.startswith("connect ")}
    assert called <= {"127.0.0.1", "::1"}


def test_the_users_aws_folder_is_not_opened(seen):
    assert not [line for line in seen if line.startswith(("open ", "os."))]
