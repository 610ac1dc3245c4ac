"""Jobs at the limits: of patience, of the machine, of the engine itself."""

import errno
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import uvicorn
from moto.iam.models import iam_backends
from running_container import needs_namespaces
from trainer import BUCKET, Trainer, hosts

from maze_helpers.local_cloud.app import LocalCloudApp
from maze_helpers.local_cloud.cloud import LocalCloud
from maze_helpers.local_cloud.engine import containers, training, training_hosts
from maze_helpers.local_cloud.engine.folder_upload import FolderUpload
from maze_helpers.local_cloud.engine.training import TrainingEngine


class CloudHere:
    """A local cloud in this process, so that a test can change its engine."""

    def __init__(self, home: Path) -> None:
        home.mkdir()
        self.home = home
        self.listener = socket.create_server(("127.0.0.1", 0))
        endpoint_url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.cloud = LocalCloud(home, endpoint_url)
        config = uvicorn.Config(LocalCloudApp(self.cloud), lifespan="off", log_config=None)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, args=([self.listener],))
        self.thread.start()

    def client(self, name: str):
        """A client of the cloud that signs as its user."""
        user = self.cloud.credentials.user
        return boto3.client(
            name,
            endpoint_url=self.cloud.endpoint_url,
            aws_access_key_id=user.access_key_id,
            aws_secret_access_key=user.secret_access_key,
            region_name="us-east-1",
        )

    def close(self) -> None:
        """End the cloud and its server."""
        self.server.should_exit = True
        self.thread.join()
        self.cloud.close()
        self.listener.close()
        # A process has one IAM, which the next cloud of this process fills anew.
        iam_backends[self.cloud.account_id]["aws"].reset()


@pytest.fixture
def here(tmp_path) -> Iterator[CloudHere]:
    cloud = CloudHere(tmp_path / ".maze")
    yield cloud
    cloud.close()


IGNORES_SIGTERM = """
    import signal, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("ready")
    time.sleep(300)
"""


def test_a_script_that_ignores_sigterm_is_killed_when_its_grace_is_over(here):
    here.cloud.training = TrainingEngine(here.cloud, stop_grace_s=1)
    trainer = Trainer(here)
    name = trainer.create(IGNORES_SIGTERM)
    trainer.wait_for_line(name, "ready")
    trainer.sagemaker.stop_training_job(TrainingJobName=name)
    began_s = time.monotonic()
    assert trainer.wait(name)["SecondaryStatus"] == "Stopped"
    assert time.monotonic() - began_s > 0.9


def test_the_grace_is_that_of_aws():
    """Documented: StopTrainingJob."""
    assert training.STOP_GRACE_S == 120


def test_a_script_that_ignores_sigterm_is_killed_past_its_time_too(here):
    here.cloud.training = TrainingEngine(here.cloud, stop_grace_s=0.5)
    job = Trainer(here).run(IGNORES_SIGTERM, max_runtime_s=2)
    assert job["SecondaryStatus"] == "MaxRuntimeExceeded"


def test_jobs_past_the_number_that_run_at_once_wait_and_can_be_stopped(here, monkeypatch):
    monkeypatch.setattr(training, "MAX_RUNNING_JOBS", 1)
    here.cloud.training = TrainingEngine(here.cloud, stop_grace_s=1)
    trainer = Trainer(here)
    first = trainer.create(IGNORES_SIGTERM)
    trainer.wait_for_line(first, "ready")
    second, third = trainer.create(""), trainer.create("")
    trainer.sagemaker.stop_training_job(TrainingJobName=second)
    assert trainer.wait(second)["SecondaryStatus"] == "Stopped"
    assert trainer.describe(third)["SecondaryStatus"] == "Starting"
    trainer.sagemaker.stop_training_job(TrainingJobName=first)
    assert trainer.wait(third)["TrainingJobStatus"] == "Completed"


def test_a_spot_job_that_waits_too_long_for_its_turn_is_stopped(here, monkeypatch):
    monkeypatch.setattr(training, "MAX_RUNNING_JOBS", 1)
    here.cloud.training = TrainingEngine(here.cloud, stop_grace_s=1)
    trainer = Trainer(here)
    first = trainer.create(IGNORES_SIGTERM)
    trainer.wait_for_line(first, "ready")
    limits = {"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 1}
    job = trainer.run("", EnableManagedSpotTraining=True, StoppingCondition=limits)
    assert job["TrainingJobStatus"] == "Stopped"
    assert job["SecondaryStatus"] == "MaxWaitTimeExceeded"
    trainer.sagemaker.stop_training_job(TrainingJobName=first)
    trainer.wait(first)


def test_a_machine_without_namespaces_says_in_the_log_what_is_different(here, monkeypatch):
    for module in (containers, training_hosts):
        monkeypatch.setattr(module, "isolation", lambda: "none")
    trainer = Trainer(here)
    request = trainer.request(None, ResourceConfig=hosts(2), EnableNetworkIsolation=True)
    request["AlgorithmSpecification"]["ContainerEntrypoint"] = ["true"]
    job = trainer.wait(trainer.start(request))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    lines = trainer.lines(job["TrainingJobName"])
    assert len(lines) == 4
    assert sum("is not isolated" in line for line in lines) == 2
    assert sum("do not resolve here" in line for line in lines) == 2


@pytest.mark.slow
@needs_namespaces
def test_what_a_job_writes_at_its_start_goes_to_s3_however_late_its_upload_starts(
    here, monkeypatch
):
    """Only what is there before the job starts is in S3 already."""
    start = FolderUpload.start

    def start_late(upload: FolderUpload) -> None:
        time.sleep(0.5)
        start(upload)

    monkeypatch.setattr(FolderUpload, "start", start_late)
    trainer = Trainer(here)
    request = trainer.request(None)
    command = ["sh", "-c", "echo first > /opt/ml/output/intermediate/epoch"]
    request["AlgorithmSpecification"]["ContainerEntrypoint"] = command
    job = trainer.wait(trainer.start(request))
    assert trainer.keys(job["TrainingJobName"]) == ["intermediate/epoch"]


def full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_that_fills_up_on_download_fails_the_job_with_that_reason(here, monkeypatch):
    trainer = Trainer(here)
    trainer.put("data/a", "1")
    monkeypatch.setattr(here.cloud.objects, "download", full_disk)
    job = trainer.run("", channels={"train": f"s3://{BUCKET}/data"})
    assert job["FailureReason"] == "ClientError: Data download failed:No space left on device"


def test_a_disk_that_fills_up_on_upload_fails_the_job_with_that_reason(here, monkeypatch):
    trainer = Trainer(here)
    monkeypatch.setattr(here.cloud.objects, "upload", full_disk)
    job = trainer.run("import os; open(os.environ['SM_MODEL_DIR'] + '/m', 'w').write('x')")
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"] == "ClientError: Artifact upload failed:No space left on device"


def test_a_log_that_cannot_be_stored_fails_the_job_rather_than_losing_lines(here, monkeypatch):
    trainer = Trainer(here)
    monkeypatch.setattr(here.cloud.logs, "put", full_disk)
    job = trainer.run("print('lost')")
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"] == (
        "InternalServerError: The local cloud failed: No space left on device"
    )


def test_a_fault_of_the_engine_is_told_in_the_servers_log_alone(here, monkeypatch, caplog):
    trainer = Trainer(here)
    monkeypatch.setattr(here.cloud.logs, "create_stream", lambda *_: 1 / 0)
    job = trainer.run("")
    assert job["FailureReason"] == "InternalServerError: The local cloud failed: division by zero"
    assert "Traceback" in caplog.text


def test_what_a_job_made_unwritable_is_removed_all_the_same(here):
    script = """
        import os
        os.makedirs("deep/er")
        os.chmod("deep/er", 0)
        os.chmod("deep", 0o500)
    """
    name = Trainer(here).run(script)["TrainingJobName"]
    here.cloud.close()
    assert not (here.home / "jobs" / name).exists()
