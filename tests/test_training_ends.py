"""How a training job ends before its time: stopped, out of time, or with its server."""

import os

import psutil
import pytest
from trainer import Trainer


@pytest.fixture(scope="module")
def trainer(local_cloud) -> Trainer:
    return Trainer(local_cloud)


def steps(job: dict) -> list[str]:
    return [step["Status"] for step in job["SecondaryStatusTransitions"]]


IGNORES_SIGTERM = """
    import signal, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("ready")
    time.sleep(300)
"""
SAVES_ON_SIGTERM = """
    import os, signal, sys, time
    def save(*_):
        open(os.path.join(os.environ["SM_MODEL_DIR"], "half"), "w").write("half a model")
        sys.exit(0)
    signal.signal(signal.SIGTERM, save)
    print("ready")
    time.sleep(300)
"""


def test_a_stopped_job_can_save_its_model_and_is_stopped(trainer):
    name = trainer.create(SAVES_ON_SIGTERM)
    trainer.wait_for_line(name, "ready")
    trainer.sagemaker.stop_training_job(TrainingJobName=name)
    assert trainer.describe(name)["TrainingJobStatus"] in ("Stopping", "Stopped")
    job = trainer.wait(name)
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Stopped"
    assert steps(job)[-3:] == ["Stopping", "Uploading", "Stopped"]
    assert "FailureReason" not in job and job["BillableTimeInSeconds"] >= 1
    assert trainer.artifact(name) == {"half": b"half a model"}


def test_a_job_is_stopped_whatever_the_case_its_name_is_spelled_in(trainer):
    name = trainer.create("import time; print('ready'); time.sleep(300)")
    trainer.wait_for_line(name, "ready")
    trainer.sagemaker.stop_training_job(TrainingJobName=name.upper())
    assert trainer.wait(name)["TrainingJobStatus"] == "Stopped"


def test_a_job_past_its_time_is_stopped(trainer):
    job = trainer.run(SAVES_ON_SIGTERM, max_runtime_s=3)
    assert job["TrainingJobStatus"] == "Stopped"
    assert job["SecondaryStatus"] == "MaxRuntimeExceeded"
    assert job["SecondaryStatusTransitions"][-1]["StatusMessage"] == (
        "Training job runtime exceeded MaxRuntimeInSeconds provided"
    )
    assert trainer.artifact(job["TrainingJobName"]) == {"half": b"half a model"}


def test_a_job_can_be_stopped_right_after_its_creation(trainer):
    name = trainer.create("import time; time.sleep(300)")
    trainer.sagemaker.stop_training_job(TrainingJobName=name)
    assert trainer.wait(name)["SecondaryStatus"] == "Stopped"


def test_jobs_run_beside_each_other(trainer):
    """Each waits for an object that the other stores: one after the other never ends."""
    script = """
        import boto3, os, time
        s3 = boto3.client("s3")
        s3.put_object(Bucket="training", Key=os.environ["MINE"], Body=b"")
        while "Contents" not in s3.list_objects_v2(Bucket="training", Prefix=os.environ["OTHERS"]):
            time.sleep(0.1)
    """
    names = [
        trainer.create(script, Environment={"MINE": "meet/1", "OTHERS": "meet/2"}),
        trainer.create(script, Environment={"MINE": "meet/2", "OTHERS": "meet/1"}),
    ]
    assert [trainer.wait(name)["TrainingJobStatus"] for name in names] == ["Completed"] * 2


# The server's end


def processes_with(argument: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        environment = process.info["environ"] or {}
        if environment.get("TRAINING_JOB_NAME") == argument:
            found.append(process)
    return found


SLEEPS = """
    import subprocess, sys, time
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
    print("ready")
    time.sleep(300)
"""


def test_a_job_whose_server_was_killed_is_failed_afterwards_and_its_processes_are_gone(new_cloud):
    trainer = Trainer(new_cloud)
    done = trainer.run("", TrainingJobName="done")
    name = trainer.create(SLEEPS, TrainingJobName=f"killed-{os.getpid()}")
    trainer.wait_for_line(name, "ready")
    assert processes_with(name)
    new_cloud.kill()
    new_cloud.start()
    trainer = Trainer(new_cloud)
    job = trainer.describe(name)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("InternalServerError: The local cloud ended")
    assert trainer.describe("done")["TrainingJobStatus"] == done["TrainingJobStatus"]
    assert not psutil.wait_procs(processes_with(name), timeout=10)[1]
    assert not list((new_cloud.home / "jobs").iterdir())
    assert "ready" in trainer.lines(name)


def test_a_job_that_was_stopping_when_its_server_was_killed_is_stopped(new_cloud):
    trainer = Trainer(new_cloud)
    name = trainer.create(IGNORES_SIGTERM)
    trainer.wait_for_line(name, "ready")
    trainer.sagemaker.stop_training_job(TrainingJobName=name)
    new_cloud.kill()
    new_cloud.start()
    assert Trainer(new_cloud).describe(name)["TrainingJobStatus"] == "Stopped"


def test_a_server_that_ends_in_good_order_ends_its_jobs_and_says_so(new_cloud):
    trainer = Trainer(new_cloud)
    name = trainer.create(SLEEPS, TrainingJobName=f"shut-down-{os.getpid()}")
    trainer.wait_for_line(name, "ready")
    new_cloud.stop()
    assert not psutil.wait_procs(processes_with(name), timeout=10)[1]
    new_cloud.start()
    job = Trainer(new_cloud).describe(name)
    assert job["TrainingJobStatus"] == "Failed"
    assert "was shut down while the job was running" in job["FailureReason"]
