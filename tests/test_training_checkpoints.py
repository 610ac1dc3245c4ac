"""What of a job goes to S3 while it runs, and comes back to the next one: checkpoints."""

import time

import pytest
from running_container import needs_namespaces
from trainer import BUCKET, Trainer, hosts

pytestmark = needs_namespaces
# Goes on where the last one was, one number at a time, until it is stopped or done.
COUNTS = """
    import os, signal, sys, time
    folder = "/opt/ml/checkpoints"
    path = os.path.join(folder, "epochs", "last")
    start = int(open(path).read()) if os.path.exists(path) else 0
    print("starts at", start)
    for number in range(start + 1, start + 4):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".tmp", "w") as file:
            file.write(str(number))
        os.replace(path + ".tmp", path)
    print("ready")
    if os.environ.get("WAITS"):
        time.sleep(300)
    sys.exit(int(os.environ.get("EXIT", "0")))
"""


@pytest.fixture(scope="module")
def trainer(shared_trainer) -> Trainer:
    return shared_trainer


def checkpoints(name: str, **members) -> dict:
    return {"CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/checkpoints/{name}", **members}}


def stored(trainer: Trainer, key: str) -> bytes | None:
    try:
        return trainer.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    except trainer.s3.exceptions.NoSuchKey:
        return None


def wait_until_stored(trainer: Trainer, key: str, content: bytes) -> None:
    deadline_s = time.monotonic() + 60
    while stored(trainer, key) != content:
        assert time.monotonic() < deadline_s, f"{key} holds {stored(trainer, key)!r}"
        time.sleep(0.05)


def test_a_job_goes_on_where_the_one_before_it_stopped(trainer):
    members = checkpoints("resumed")
    first = trainer.run_program(COUNTS, **members)
    assert first["CheckpointConfig"] == members["CheckpointConfig"]
    assert stored(trainer, "checkpoints/resumed/epochs/last") == b"3"
    second = trainer.run_program(COUNTS, **members)
    assert "starts at 3" in trainer.lines(second["TrainingJobName"])
    assert stored(trainer, "checkpoints/resumed/epochs/last") == b"6"


def test_checkpoints_are_in_s3_while_the_job_runs_and_stay_when_it_is_stopped(trainer):
    request = trainer.program(COUNTS, Environment={"WAITS": "1"}, **checkpoints("running"))
    name = trainer.start(request)
    wait_until_stored(trainer, "checkpoints/running/epochs/last", b"3")
    assert trainer.describe(name)["TrainingJobStatus"] == "InProgress"
    trainer.sagemaker.stop_training_job(TrainingJobName=name)
    assert trainer.wait(name)["TrainingJobStatus"] == "Stopped"
    assert stored(trainer, "checkpoints/running/epochs/last") == b"3"


def test_a_job_that_fails_leaves_its_checkpoints(trainer):
    job = trainer.run_program(COUNTS, Environment={"EXIT": "3"}, **checkpoints("failed"))
    assert job["TrainingJobStatus"] == "Failed"
    assert stored(trainer, "checkpoints/failed/epochs/last") == b"3"


def test_checkpoints_can_be_at_another_place_below_opt_ml(trainer):
    source = COUNTS.replace("/opt/ml/checkpoints", "/opt/ml/my/place")
    members = checkpoints("elsewhere", LocalPath="/opt/ml/my/place/")
    job = trainer.run_program(source, **members)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert stored(trainer, "checkpoints/elsewhere/epochs/last") == b"3"


def test_all_hosts_share_one_place_for_checkpoints(trainer):
    source = """
        import os, socket
        print(socket.gethostname(), sorted(os.listdir("/opt/ml/checkpoints")))
        open("/opt/ml/checkpoints/" + socket.gethostname(), "w").write("x")
    """
    members = {"ResourceConfig": hosts(2), **checkpoints("shared")}
    trainer.run_program(source, **members)
    second = trainer.run_program(source, **members)
    lines = sorted(trainer.lines(second["TrainingJobName"]))
    assert lines == [f"algo-{number} ['algo-1', 'algo-2']" for number in (1, 2)]


def test_a_bucket_for_checkpoints_that_is_not_there_fails_the_job(trainer):
    config = {"CheckpointConfig": {"S3Uri": "s3://no-such-bucket-here/c"}}
    job = trainer.run_program(COUNTS, **config)
    assert job["TrainingJobStatus"] == "Failed"
    assert "ClientError: Data download failed:" in job["FailureReason"]


def test_intermediate_output_is_in_s3_while_the_job_runs(trainer):
    source = """
        import time
        open("/opt/ml/output/intermediate/plot.svg", "w").write("<svg/>")
        time.sleep(300)
    """
    name = trainer.start(trainer.program(source))
    wait_until_stored(trainer, f"jobs/{name}/output/intermediate/plot.svg", b"<svg/>")
    trainer.sagemaker.stop_training_job(TrainingJobName=name)
    assert trainer.wait(name)["TrainingJobStatus"] == "Stopped"
    assert trainer.keys(name) == ["intermediate/plot.svg"]
