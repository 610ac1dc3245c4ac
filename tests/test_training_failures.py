"""A training job that fails, or leaves less than it should: the reason, and what is kept."""

import io
import tarfile

import pytest
from trainer import BUCKET, Trainer


@pytest.fixture(scope="module")
def trainer(local_cloud) -> Trainer:
    return Trainer(local_cloud)


def steps(job: dict) -> list[str]:
    return [step["Status"] for step in job["SecondaryStatusTransitions"]]


def test_a_script_that_exits_with_a_code_fails_the_job(trainer):
    job = trainer.run("print('so far so good')\nraise SystemExit(3)")
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: ExecuteUserScriptError:\nExitCode 3")
    assert job["FailureReason"].endswith(", exit code: 1")
    assert steps(job) == ["Starting", "Downloading", "Training", "Uploading", "Failed"]
    assert job["BillableTimeInSeconds"] >= 1
    assert "so far so good" in trainer.lines(job["TrainingJobName"])


def test_pytorchs_image_gives_the_scripts_last_words_as_the_reason(trainer):
    request = trainer.request("import missing_library")
    image = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.6.0-cpu-py312"
    request["AlgorithmSpecification"]["TrainingImage"] = image
    job = trainer.wait(trainer.start(request))
    assert job["FailureReason"].startswith(
        "AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "
        "\"ModuleNotFoundError: No module named 'missing_library'\""
    )


def test_an_exception_is_in_the_log_with_its_traceback(trainer):
    job = trainer.run("raise ValueError('no such label')")
    assert job["TrainingJobStatus"] == "Failed"
    assert "ValueError: no such label" in trainer.lines(job["TrainingJobName"])


def test_a_failed_job_keeps_what_it_wrote(trainer):
    script = """
        import os
        open(os.path.join(os.environ["SM_OUTPUT_DATA_DIR"], "why.txt"), "w").write("because")
        raise SystemExit(1)
    """
    name = trainer.run(script)["TrainingJobName"]
    assert trainer.artifact(name, "output") == {"why.txt": b"because"}


def test_the_failure_reason_is_the_start_of_the_failure_file(trainer):
    script = """
        import os
        open(os.path.join(os.environ["SM_OUTPUT_DIR"], "failure"), "w").write("ä" * 5000)
        os._exit(7)
    """
    reason = trainer.run(script)["FailureReason"]
    assert reason.startswith("AlgorithmError: ") and len(reason) <= 1024


def test_a_link_in_place_of_the_model_leads_nowhere(trainer):
    script = """
        import os, shutil
        output = os.environ["SM_OUTPUT_DATA_DIR"]
        shutil.rmtree(output)
        os.symlink("/etc", output)
    """
    name = trainer.run(script)["TrainingJobName"]
    assert trainer.keys(name) == []


def test_a_job_without_a_model_stores_none(trainer):
    """Observed: AWS says so in the log of its TensorFlow image, and reports of it have a 404."""
    job = trainer.run("pass")
    assert job["TrainingJobStatus"] == "Completed" and trainer.keys(job["TrainingJobName"]) == []


def test_an_output_bucket_that_is_not_there_fails_the_job_at_once(trainer):
    job = trainer.run("", OutputDataConfig={"S3OutputPath": "s3://no-such-bucket/jobs"})
    assert job["FailureReason"] == (
        "ClientError: Artifact upload failed:The specified bucket does not exist: no-such-bucket"
    )
    assert "TrainingStartTime" not in job and "BillableTimeInSeconds" not in job


def test_input_that_cannot_be_files_fails_the_job(trainer):
    trainer.put("clash/a", "1")
    trainer.put("clash/a/b", "2")
    job = trainer.run("", channels={"train": f"s3://{BUCKET}/clash"})
    assert job["FailureReason"].startswith("ClientError: Data download failed:")
    assert "both a folder and a file" in job["FailureReason"]
    assert steps(job) == ["Starting", "Downloading", "Failed"]


def test_code_that_is_not_in_s3_fails_the_job(trainer):
    parameters = {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": f"s3://{BUCKET}/none.tar.gz",
    }
    job = trainer.run(None, hyperparameters=parameters)
    assert job["TrainingJobStatus"] == "Failed" and job["FailureReason"]


def test_an_archive_of_code_that_would_leave_its_folder_does_not(trainer, tmp_path):
    """The whole way there: what the job's own user may write is what it could reach."""
    escaped = tmp_path / "escaped"
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        up = tarfile.TarInfo("up")
        up.type, up.linkname = tarfile.SYMTYPE, str(tmp_path)
        tar.addfile(up)
        for name in ("../" * 20 + str(escaped)[1:], str(escaped), "up/escaped"):
            tar.addfile(tarfile.TarInfo(name))
        script = tarfile.TarInfo("train.py")
        script.size = len(b"print('ran')")
        tar.addfile(script, io.BytesIO(b"print('ran')"))
    parameters = {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": trainer.put("evil.tar.gz", archive.getvalue()),
    }
    trainer.run(None, hyperparameters=parameters)
    assert list(tmp_path.iterdir()) == []


def test_an_uncompressed_model_is_stored_file_by_file(trainer):
    output = {"S3OutputPath": f"s3://{BUCKET}/jobs/", "CompressionType": "NONE"}
    script = """
        import os
        os.makedirs(os.environ["SM_MODEL_DIR"] + "/a")
        open(os.environ["SM_MODEL_DIR"] + "/a/b", "w").write("x")
    """
    job = trainer.run(script, OutputDataConfig=output)
    name = job["TrainingJobName"]
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://{BUCKET}/jobs/{name}/output/model/"
    assert trainer.keys(name) == ["model/a/b"]
