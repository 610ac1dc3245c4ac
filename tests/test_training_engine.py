"""What becomes of a training job: its process, files, log, metrics and status."""

import json
import os
import time
from pathlib import Path

import psutil
import pytest
from trainer import BUCKET, GROUP, Trainer

SUCCESS_STEPS = ["Starting", "Downloading", "Training", "Uploading", "Completed"]


@pytest.fixture(scope="module")
def trainer(local_cloud) -> Trainer:
    return Trainer(local_cloud)


def steps(job: dict) -> list[str]:
    return [step["Status"] for step in job["SecondaryStatusTransitions"]]


def dump(trainer: Trainer, code: str, **settings) -> dict:
    """Run a job that saves an expression's value as its model, and return the value."""
    script = f"""
        import json, os, sys
        value = {code}
        json.dump(value, open(os.path.join(os.environ["SM_MODEL_DIR"], "value"), "w"))
    """
    job = trainer.run(script, **settings)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    return json.loads(trainer.artifact(job["TrainingJobName"])["value"])


# Success


@pytest.fixture(scope="module")
def trained(trainer) -> dict:
    """A job with two channels, hyperparameters, metrics, a model and other output."""
    trainer.put("digits/train/a.csv", "1,2\n3,4\n")
    trainer.put("digits/train/more/b.csv", "5,6\n")
    trainer.put("digits/test.csv", "7,8\n")
    script = """
        import argparse, os, sys
        parser = argparse.ArgumentParser()
        parser.add_argument("--rounds", type=int)
        parser.add_argument("--train", default=os.environ["SM_CHANNEL_TRAIN"])
        parser.add_argument("--test", default=os.environ["SM_CHANNEL_TEST"])
        parser.add_argument("--model-dir", default=os.environ["SM_MODEL_DIR"])
        args = parser.parse_args()
        rows = open(os.path.join(args.train, "a.csv")).read()
        rows += open(os.path.join(args.train, "more", "b.csv")).read()
        assert open(os.path.join(args.test, "test.csv")).read() == "7,8\\n"
        for number in range(args.rounds):
            print(f"round={number} loss={1 / (number + 1)}; error=0.5 error=0.25")
        print("f1=0.97", file=sys.stderr)
        os.makedirs(os.path.join(args.model_dir, "parts"))
        open(os.path.join(args.model_dir, "model.txt"), "w").write(rows)
        open(os.path.join(args.model_dir, "parts", "1"), "w").write("part")
        open(os.path.join(os.environ["SM_OUTPUT_DATA_DIR"], "plot.svg"), "w").write("<svg/>")
    """
    return trainer.run(
        script,
        hyperparameters={"rounds": 3},
        channels={"train": f"s3://{BUCKET}/digits/train", "test": f"s3://{BUCKET}/digits/test.csv"},
        metrics={"loss": r"loss=([0-9.]+)", "error": r"error=([0-9.]+)", "f1": r"f1=([0-9.]+)"},
    )


def test_a_job_goes_through_all_steps_each_ending_as_the_next_begins(trained):
    assert trained["TrainingJobStatus"] == trained["SecondaryStatus"] == "Completed"
    transitions = trained["SecondaryStatusTransitions"]
    assert steps(trained) == SUCCESS_STEPS
    for step, following in zip(transitions, transitions[1:], strict=False):
        assert step["StartTime"] <= step["EndTime"] == following["StartTime"]
    assert [step["StatusMessage"] for step in transitions] == [
        "Starting the training job",
        "Downloading input data",
        "Training image download completed. Training in progress.",
        "Uploading generated training model",
        "Training job completed",
    ]


def test_the_times_and_billed_seconds_belong_to_the_instance(trained):
    assert trained["CreationTime"] <= trained["TrainingStartTime"] < trained["TrainingEndTime"]
    seconds = (trained["TrainingEndTime"] - trained["TrainingStartTime"]).total_seconds()
    assert seconds <= trained["BillableTimeInSeconds"] < seconds + 1
    assert trained["TrainingTimeInSeconds"] == trained["BillableTimeInSeconds"]


def test_the_model_and_the_output_are_archives_without_a_folder_of_their_own(trainer, trained):
    name = trained["TrainingJobName"]
    assert trainer.keys(name) == ["model.tar.gz", "output.tar.gz"]
    model = trainer.artifact(name)
    assert model == {"model.txt": b"1,2\n3,4\n5,6\n", "parts/1": b"part"}
    assert trainer.artifact(name, "output") == {"plot.svg": b"<svg/>"}


def test_final_metrics_are_the_last_values_of_both_streams(trained):
    final = {metric["MetricName"]: metric for metric in trained["FinalMetricDataList"]}
    assert {name: metric["Value"] for name, metric in final.items()} == pytest.approx(
        {"loss": 1 / 3, "error": 0.25, "f1": 0.97}
    )
    for metric in final.values():
        assert trained["TrainingStartTime"] <= metric["Timestamp"] <= trained["TrainingEndTime"]


def statistics(trainer: Trainer, job: dict, metric: str, **dimensions) -> dict:
    """Return all data points of a job's metric as one."""
    (point,) = trainer.cloudwatch.get_metric_statistics(
        Namespace=GROUP,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=job["CreationTime"].replace(hour=0, minute=0, second=0, microsecond=0),
        EndTime=job["TrainingEndTime"].replace(hour=23, minute=59, second=59),
        Period=86400,
        Statistics=["SampleCount", "Minimum", "Maximum"],
    )["Datapoints"]
    return point


def test_every_value_of_a_metric_is_in_cloudwatch(trainer, trained):
    def values(metric: str) -> tuple[float, float, float]:
        point = statistics(trainer, trained, metric, TrainingJobName=trained["TrainingJobName"])
        return point["SampleCount"], point["Minimum"], point["Maximum"]

    assert values("loss") == pytest.approx((3, 1 / 3, 1))
    # Each match on a line counts.
    assert values("error") == (6, 0.25, 0.5)


@pytest.mark.parametrize("metric", ["CPUUtilization", "MemoryUtilization", "DiskUtilization"])
def test_even_a_short_job_has_instance_metrics(trainer, trained, metric):
    host = f"{trained['TrainingJobName']}/algo-1"
    point = statistics(trainer, trained, metric, Host=host)
    assert point["SampleCount"] >= 1 and 0 <= point["Minimum"] <= 100 * (os.cpu_count() or 1)


def test_the_log_stream_carries_host_and_time_and_every_line(trainer, trained):
    (stream,) = trainer.logs.describe_log_streams(
        logGroupName=GROUP, logStreamNamePrefix=trained["TrainingJobName"] + "/"
    )["logStreams"]
    epoch = int(stream["logStreamName"].removeprefix(f"{trained['TrainingJobName']}/algo-1-"))
    assert abs(epoch - trained["TrainingStartTime"].timestamp()) < 30
    lines = trainer.lines(trained["TrainingJobName"])
    assert [line for line in lines if line.startswith("round=")][2].startswith("round=2 loss=0.3")
    assert "f1=0.97" in lines


def test_nothing_of_a_job_is_left_on_the_disk(trainer, trained):
    deadline_s = time.monotonic() + 20
    while (Path(trainer.cloud.home) / "jobs" / trained["TrainingJobName"]).exists():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


# What the container is told


def test_the_config_files_are_those_of_aws(trainer):
    trainer.put("config/a.csv", "1")
    channel = {
        "ChannelName": "train",
        "ContentType": "text/csv",
        "DataSource": {
            "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/config/"}
        },
    }
    folder = "os.environ['SM_INPUT_CONFIG_DIR']"
    code = f"{{name: json.load(open({folder} + '/' + name)) for name in os.listdir({folder})}}"
    config = dump(trainer, code, InputDataConfig=[channel], hyperparameters={"depth": 3})
    assert config["inputdataconfig.json"] == {
        "train": {
            "TrainingInputMode": "File",
            "S3DistributionType": "FullyReplicated",
            "RecordWrapperType": "None",
            "ContentType": "text/csv",
        }
    }
    group = {
        "instance_group_name": "homogeneousCluster",
        "instance_type": "ml.m5.large",
        "hosts": ["algo-1"],
    }
    assert config["resourceconfig.json"] == {
        "current_host": "algo-1",
        "current_instance_type": "ml.m5.large",
        "current_group_name": "homogeneousCluster",
        "hosts": ["algo-1"],
        "instance_groups": [group],
        "network_interface_name": "eth0",
    }
    assert config["hyperparameters.json"]["depth"] == "3"


def test_hyperparameters_of_any_content_arrive_as_they_were(trainer):
    given = {
        "quotes": 'it\'s "quoted" $HOME `ls` \\ *',
        "unicode": "größe 数据 🙂",
        "nested": {"a": [1, 2.5, None, True], "b": {"c": "d"}},
        "number": 1e-05,
        "flag": False,
        "empty": "",
        "spaces": "  two  words ",
    }
    arrived = dump(trainer, "json.loads(os.environ['SM_HPS'])", hyperparameters=given)
    assert {key: arrived[key] for key in given} == given


def test_the_environment_is_clean_and_the_requests_own_comes_on_top(trainer, monkeypatch):
    environment = dump(
        trainer, "dict(os.environ)", Environment={"MY_SETTING": "a b", "LANG": "de_DE.UTF-8"}
    )
    assert environment["MY_SETTING"] == "a b" and environment["LANG"] == "de_DE.UTF-8"
    assert environment["TRAINING_JOB_ARN"].endswith(f"/{environment['TRAINING_JOB_NAME']}")
    assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == "us-east-1"
    own = set(environment) - {key for key in environment if key.startswith(("SM_", "AWS_"))}
    assert not own & {"USER", "PYTEST_CURRENT_TEST", "SSH_AUTH_SOCK", "AWS_PROFILE"}
    assert "AWS_SHARED_CREDENTIALS_FILE" not in environment and "MAZE_HOME" not in environment
    assert environment["HOME"] != os.path.expanduser("~")


def test_the_script_speaks_to_the_cloud_as_the_jobs_role(trainer):
    script = """
        import boto3, os
        print("I am", boto3.client("sts").get_caller_identity()["Arn"])
        boto3.client("s3").put_object(Bucket="training", Key="from-inside", Body=b"hello")
    """
    role = "arn:aws:iam::111122223333:role/path/Other-Role"
    job = trainer.run(script, RoleArn=role)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    arn = "arn:aws:sts::111122223333:assumed-role/Other-Role/SageMaker"
    assert f"I am {arn}" in trainer.lines(job["TrainingJobName"])
    assert trainer.s3.get_object(Bucket=BUCKET, Key="from-inside")["Body"].read() == b"hello"


# The log


def test_a_hundred_thousand_lines_printed_quickly_are_all_there_in_order(trainer):
    script = "import sys\nfor n in range(100_000): sys.stdout.write(f'line {n}\\n')"
    job = trainer.run(script, metrics={"n": r"^line (\d+)000$"})
    numbers = [
        int(line.removeprefix("line "))
        for line in trainer.lines(job["TrainingJobName"])
        if line.startswith("line ")
    ]
    assert numbers == list(range(100_000))
    assert job["FinalMetricDataList"][0]["Value"] == 99


def test_junk_bytes_and_long_lines_do_not_break_the_log(trainer):
    script = r"""
        import sys
        sys.stdout.buffer.write(b"\xff\xfe junk \x00\n" + "ä".encode() * 600_000 + b"\nlast")
    """
    job = trainer.run(script)
    assert job["TrainingJobStatus"] == "Completed"
    lines = trainer.lines(job["TrainingJobName"])
    assert any("junk" in line for line in lines)
    # Without an end of its own, the line goes on with what the container itself says.
    assert any(line.startswith("last") for line in lines)
    assert sum(line.count("ä") for line in lines if line.startswith("ä")) == 600_000
    assert max(len(line.encode()) for line in lines) <= 256 * 1024


def test_a_catastrophic_regex_is_given_up_and_said_so_in_the_log(trainer):
    script = "print('a' * 50 + '!')\nprint('f1=0.5')"
    job = trainer.run(script, metrics={"bad": "((a|aa)+)$", "f1": r"f1=([0-9.]+)"})
    assert [metric["MetricName"] for metric in job["FinalMetricDataList"]] == ["f1"]
    warnings = [line for line in trainer.lines(job["TrainingJobName"]) if "WARNING" in line]
    assert any("'bad'" in warning for warning in warnings)


# Failure


def test_a_script_that_exits_with_a_code_fails_the_job(trainer):
    job = trainer.run("print('so far so good')\nraise SystemExit(3)")
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: ExecuteUserScriptError:\nExitCode 3")
    assert job["FailureReason"].endswith(", exit code: 1")
    assert steps(job) == ["Starting", "Downloading", "Training", "Uploading", "Failed"]
    assert job["BillableTimeInSeconds"] >= 1
    assert "so far so good" in trainer.lines(job["TrainingJobName"])


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


def test_a_uncompressed_model_is_stored_file_by_file(trainer):
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


# Stop and time limits


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
