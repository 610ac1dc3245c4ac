"""A training job that succeeds: what its container is told, and what comes of it."""

import json
import os
import time
from pathlib import Path

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


def other_role(trainer: Trainer) -> str:
    """Make a role that may do everything, and return its ARN."""
    iam = trainer.cloud.client("iam")
    principal = {"Service": "sagemaker.amazonaws.com"}
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    role = iam.create_role(
        Path="/path/",
        RoleName="Other-Role",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    iam.put_role_policy(
        RoleName="Other-Role",
        PolicyName="everything",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [everything]}),
    )
    return role["Arn"]


def test_the_script_speaks_to_the_cloud_as_the_jobs_role(trainer):
    script = """
        import boto3, os
        print("I am", boto3.client("sts").get_caller_identity()["Arn"])
        boto3.client("s3").put_object(Bucket="training", Key="from-inside", Body=b"hello")
    """
    job = trainer.run(script, RoleArn=other_role(trainer))
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


def test_an_address_of_aws_that_a_script_spells_out_is_answered_here(trainer):
    # As the SDK does for STS, to find out whose account it works in.
    script = """
        import boto3
        sts = boto3.client("sts", endpoint_url="https://sts.us-east-1.amazonaws.com")
        print("caller=" + sts.get_caller_identity()["Arn"])
    """
    job = trainer.run(script)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    role = job["RoleArn"].rsplit("/", 1)[-1]
    told = [line for line in trainer.lines(job["TrainingJobName"]) if line.startswith("caller=")]
    assert told == [f"caller=arn:aws:sts::111122223333:assumed-role/{role}/SageMaker"]
