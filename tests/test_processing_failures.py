"""Processing jobs that fail: what they say of it, and what they leave all the same."""

import pytest
from processor import BUCKET, IMAGE, Processing
from roles import Role, allow

SHELL = {"ImageUri": IMAGE, "ContainerEntrypoint": ["/bin/sh", "-c"]}
SAYS = "/opt/ml/output/message"


@pytest.fixture(scope="module")
def processing(local_cloud) -> Processing:
    return Processing(local_cloud)


def shell(processing: Processing, command: str, **settings) -> dict:
    """Run a job of a shell's command, and return its description."""
    application = {**SHELL, "ContainerArguments": [command]}
    return processing.run(AppSpecification=application, **settings)


def test_a_job_that_fails_tells_its_exit_code_and_leaves_its_outputs(processing):
    """Wording and upload observed in public reports."""
    script = """
        open("/opt/ml/processing/out/half.txt", "w").write("half")
        raise ValueError("not today")
        """
    job = processing.run(script, outputs=("out",))
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: , exit code: 1"
    assert "ValueError: not today" in processing.lines(job["ProcessingJobName"])
    assert processing.results(job["ProcessingJobName"]) == {"out/half.txt": b"half"}


@pytest.mark.parametrize(
    ("command", "exit_code"),
    [(["/absent/program"], 127), (["/etc"], 126), (["/bin/sh", "-c", "kill -9 $$"], 137)],
    ids=["a program that is not there", "a folder", "a signal"],
)
def test_a_command_that_cannot_run_or_is_killed(processing, command, exit_code):
    """As `docker run` has them; 127 observed in public reports."""
    job = processing.run(AppSpecification={"ImageUri": IMAGE, "ContainerEntrypoint": command})
    assert job["FailureReason"] == f"AlgorithmError: , exit code: {exit_code}"


def test_what_a_container_says_at_its_end_is_described(processing):
    """Documented."""
    completed = shell(processing, f"printf 'all héllo' > {SAYS}")
    assert completed["ProcessingJobStatus"] == "Completed"
    assert completed["ExitMessage"] == "all héllo"
    failing = shell(processing, f"echo bad data > {SAYS}; exit 3")
    assert failing["FailureReason"] == "AlgorithmError: , exit code: 3"
    assert failing["ExitMessage"] == "bad data\n"
    listed = processing.sagemaker.list_processing_jobs(NameContains=failing["ProcessingJobName"])
    [summary] = listed["ProcessingJobSummaries"]
    assert summary["ExitMessage"] == "bad data\n"
    assert summary["FailureReason"] == "AlgorithmError: , exit code: 3"


def test_the_messages_of_all_hosts_are_one_after_the_other_and_cut(processing):
    """Documented."""
    script = f"""
        import json
        host = json.load(open("/opt/ml/config/resourceconfig.json"))["current_host"]
        open("{SAYS}", "w").write("é" * 500 if host == "algo-1" else "è" * 600)
        """
    assert processing.run(script, count=2)["ExitMessage"] == "é" * 500 + "è" * 12


def test_a_message_that_is_not_text_fails_the_job(processing):
    """Documented; the wording is ours."""
    job = shell(processing, f"printf '\\377\\376' > {SAYS}")
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: The exit message ")


def test_a_message_that_is_no_file_of_the_containers_is_not_read(processing):
    assert "ExitMessage" not in shell(processing, f"ln -s /etc/passwd {SAYS}")
    assert "ExitMessage" not in shell(processing, f"mkfifo {SAYS}")


def test_an_output_that_became_a_link_is_left_out(processing):
    command = "rmdir /opt/ml/processing/out && ln -s /etc /opt/ml/processing/out"
    job = shell(processing, command, outputs=("out",))
    assert job["ProcessingJobStatus"] == "Completed"
    assert processing.results(job["ProcessingJobName"]) == {}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ({"S3Uri": f"s3://{BUCKET}/absent/"}, "No S3 objects found"),
        ({"S3Uri": "s3://no-such-bucket-1/x"}, "The specified bucket does not exist"),
        ({"S3Uri": f"s3://{BUCKET}/none", "S3DataType": "ManifestFile"}, "The specified key does"),
        ({"S3Uri": f"s3://{BUCKET}/bad", "S3DataType": "ManifestFile"}, "The manifest"),
    ],
    ids=["no objects", "no bucket", "no manifest", "no list"],
)
def test_inputs_that_are_not_there(processing, source, reason):
    """The first sentence observed."""
    processing.put("bad", "{}")
    job = processing.run("print('ran')", inputs={"input/data": source})
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith(f"ClientError: Failed to download data. {reason}")
    assert processing.lines(job["ProcessingJobName"]) == []


@pytest.mark.parametrize(
    ("exit_code", "reason"),
    [
        (0, "ClientError: Failed to upload data. The specified bucket does not exist"),
        (3, "AlgorithmError: , exit code: 3"),
    ],
)
def test_outputs_that_cannot_be_stored(processing, exit_code, reason):
    """A script's own failure is told first. Documented: what it says at its end is always told."""
    command = f"echo a > /opt/ml/processing/out/a; echo said > {SAYS}; exit {exit_code}"
    application = {**SHELL, "ContainerArguments": [command]}
    request = processing.request(outputs=("out",), AppSpecification=application)
    request["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"] = "s3://no-such-bucket-1/"
    processing.sagemaker.create_processing_job(**request)
    job = processing.wait(request["ProcessingJobName"])
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith(reason)
    assert job["ExitMessage"] == "said\n"


def test_a_host_that_fails_ends_the_others(processing):
    script = """
        import json, time
        host = json.load(open("/opt/ml/config/resourceconfig.json"))["current_host"]
        if host == "algo-2":
            raise SystemExit(7)
        time.sleep(600)
        """
    job = processing.run(script, count=3)
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: , exit code: 7"


@pytest.mark.parametrize(
    ("actions", "verb", "missing"),
    [
        (("logs:*", "s3:ListBucket"), "download", "s3:GetObject"),
        (("logs:*", "s3:ListBucket", "s3:GetObject"), "upload", "s3:PutObject"),
    ],
    ids=["reading", "writing"],
)
def test_a_role_that_may_not_do_its_part(processing, local_cloud, actions, verb, missing):
    role = Role(local_cloud, allow(*actions))
    script = "open('/opt/ml/processing/out/a.txt', 'w').write('a')"
    job = processing.run(script, outputs=("out",), RoleArn=role.arn)
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith(f"ClientError: Failed to {verb} data. ")
    assert f"is not authorized to perform: {missing}" in job["FailureReason"]
