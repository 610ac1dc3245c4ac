"""The control plane of training jobs: what Create refuses, what Describe and List answer."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, WaiterError
from trainer import BUCKET, IMAGE, ROLE, Trainer, tar_gz

ARN = "arn:aws:sagemaker:us-east-1:111122223333:training-job/"


@pytest.fixture(scope="module")
def trainer(local_cloud) -> Trainer:
    return Trainer(local_cloud)


def test_create_answers_the_arn_with_the_name_in_lower_case(trainer):
    request = trainer.request("", TrainingJobName="Mixed-Case-1")
    answer = trainer.sagemaker.create_training_job(**request)
    assert answer["TrainingJobArn"] == f"{ARN}mixed-case-1"
    assert trainer.wait("Mixed-Case-1")["TrainingJobName"] == "Mixed-Case-1"


@pytest.mark.parametrize("name", ["twice", "TWICE"])
def test_a_name_can_be_used_once_whatever_its_case(trainer, name):
    """Wording observed."""
    if name == "twice":
        trainer.run("", TrainingJobName="twice")
    assert trainer.refusal(TrainingJobName=name) == (
        "ResourceInUse",
        "Training job names must be unique within an AWS account and region, and a training job "
        f"with this name already exists ({ARN}twice)",
    )


@pytest.mark.parametrize("operation", ["describe", "stop", "delete"])
def test_a_job_that_is_not_there(trainer, operation):
    """Code and wording observed for Describe."""
    call = getattr(trainer.sagemaker, f"{operation}_training_job")
    with pytest.raises(ClientError) as caught:
        call(TrainingJobName="nothing")
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert caught.value.response["Error"]["Message"] == "Requested resource not found."


def test_settings_that_only_need_storing_are_described_back(trainer):
    stored = {
        "VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
        "DebugHookConfig": {"S3OutputPath": "s3://b/debug", "CollectionConfigurations": []},
        "ProfilerConfig": {"S3OutputPath": "s3://b/profile", "DisableProfiler": True},
        "RetryStrategy": {"MaximumRetryAttempts": 3},
        "ExperimentConfig": {"ExperimentName": "e", "TrialName": "t"},
        "CheckpointConfig": {"S3Uri": "s3://b/checkpoints"},
        "TensorBoardOutputConfig": {"S3OutputPath": "s3://b/board"},
        "Environment": {"A": "1"},
        "EnableNetworkIsolation": True,
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 90},
    }
    job = trainer.run("", **stored)
    assert {member: job[member] for member in stored} == stored
    assert job["EnableInterContainerTrafficEncryption"] is False
    assert job["ProfilingStatus"] == "Disabled"


def test_describe_fills_in_what_create_left_out(trainer):
    """The SDK's attach() reads these (observed)."""
    trainer.put("defaults/a", "1")
    job = trainer.run("", channels={"train": f"s3://{BUCKET}/defaults"}, metrics={"m": "m=(.)"})
    assert job["OutputDataConfig"] == {"KmsKeyId": "", "S3OutputPath": f"s3://{BUCKET}/jobs"}
    assert job["AlgorithmSpecification"]["EnableSageMakerMetricsTimeSeries"] is True
    (channel,) = job["InputDataConfig"]
    assert (channel["CompressionType"], channel["RecordWrapperType"]) == ("None", "None")
    source = channel["DataSource"]["S3DataSource"]
    assert source["S3DataDistributionType"] == "FullyReplicated"


def test_describe_tells_everything_from_the_first_moment(trainer):
    name = trainer.create("import time; time.sleep(60)", hyperparameters={"a": 1})
    job = trainer.describe(name)
    assert job["TrainingJobStatus"] == "InProgress"
    assert job["SecondaryStatus"] in ("Starting", "Downloading", "Training")
    assert job["SecondaryStatusTransitions"][0]["StatusMessage"] == "Starting the training job"
    assert job["ModelArtifacts"] == {
        "S3ModelArtifacts": f"s3://{BUCKET}/jobs/{name}/output/model.tar.gz"
    }
    assert job["HyperParameters"]["a"] == "1" and job["RoleArn"] == ROLE
    assert "TrainingEndTime" not in job and "FailureReason" not in job
    trainer.sagemaker.stop_training_job(TrainingJobName=name)
    trainer.wait(name)


def test_a_finished_job_cannot_be_stopped(trainer):
    """Wording observed."""
    name = trainer.run("")["TrainingJobName"]
    with pytest.raises(ClientError) as caught:
        trainer.sagemaker.stop_training_job(TrainingJobName=name)
    assert caught.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": "The request was rejected because the training job is in status Completed.",
    }


def test_a_job_is_deleted_only_once_it_has_ended_and_its_name_is_free_then(trainer):
    name = trainer.create("import time; time.sleep(60)", TrainingJobName="deleted")
    with pytest.raises(trainer.sagemaker.exceptions.ResourceInUse):
        trainer.sagemaker.delete_training_job(TrainingJobName=name)
    trainer.sagemaker.stop_training_job(TrainingJobName=name)
    arn = trainer.wait(name)["TrainingJobArn"]
    trainer.sagemaker.delete_training_job(TrainingJobName=name)
    with pytest.raises(ClientError, match="Requested resource not found"):
        trainer.describe(name)
    with pytest.raises(ClientError):
        trainer.sagemaker.list_tags(ResourceArn=arn)
    assert trainer.run("", TrainingJobName=name)["TrainingJobStatus"] == "Completed"


@pytest.fixture(scope="module")
def names(trainer) -> list[str]:
    names = [f"listed-{letter}" for letter in "cabd"]
    for name in names:
        trainer.run("raise SystemExit(1)" if name == "listed-b" else "", TrainingJobName=name)
    return names


class TestLists:
    """On four jobs of one prefix: three completed, one failed."""

    @pytest.fixture
    def listed(self, trainer, names):
        def listed(**filters) -> list[str]:
            request = {"NameContains": "listed-", **filters}
            summaries = trainer.sagemaker.list_training_jobs(**request)["TrainingJobSummaries"]
            return [summary["TrainingJobName"][-1] for summary in summaries]

        return listed

    def test_the_newest_come_first_unless_the_request_says_otherwise(self, listed):
        assert listed() == ["d", "b", "a", "c"]
        assert listed(SortOrder="Ascending") == ["c", "a", "b", "d"]

    def test_they_are_sorted_by_name_or_status(self, listed):
        assert listed(SortBy="Name", SortOrder="Ascending") == ["a", "b", "c", "d"]
        assert listed(SortBy="Name", SortOrder="Descending") == ["d", "c", "b", "a"]
        assert listed(SortBy="Status", SortOrder="Ascending") == ["a", "c", "d", "b"]

    def test_they_are_filtered_by_name_and_status(self, listed):
        assert listed(NameContains="ted-a") == ["a"]
        assert listed(NameContains="nothing") == []
        assert listed(StatusEquals="Failed") == ["b"]
        assert listed(StatusEquals="InProgress") == []

    def test_they_are_filtered_by_time(self, trainer, listed):
        created = trainer.describe("listed-a")["CreationTime"]
        changed = trainer.describe("listed-a")["LastModifiedTime"]
        assert listed(CreationTimeAfter=created) == ["d", "b"]
        assert listed(CreationTimeBefore=created) == ["c"]
        assert listed(LastModifiedTimeAfter=changed) == ["d", "b"]
        assert listed(LastModifiedTimeBefore=changed + timedelta(seconds=0.001)) == ["a", "c"]

    @pytest.mark.parametrize("sort_by", ["Name", "CreationTime", "Status"])
    @pytest.mark.parametrize("page_size", [1, 2, 3])
    def test_pages_together_are_the_whole(self, trainer, listed, sort_by, page_size):
        pages = trainer.sagemaker.get_paginator("list_training_jobs").paginate(
            NameContains="listed-", SortBy=sort_by, MaxResults=page_size
        )
        found = [
            job["TrainingJobName"][-1] for page in pages for job in page["TrainingJobSummaries"]
        ]
        assert found == listed(SortBy=sort_by)

    def test_a_page_is_cut_before_it_is_filtered_by_status(self, trainer, listed):
        """Documented for MaxResults together with StatusEquals."""
        page = trainer.sagemaker.list_training_jobs(
            NameContains="listed-", StatusEquals="Failed", MaxResults=1
        )
        assert page["TrainingJobSummaries"] == [] and page["NextToken"]

    def test_a_summary_has_the_times_and_statuses(self, trainer, names):
        (summary,) = trainer.sagemaker.list_training_jobs(NameContains="listed-b")[
            "TrainingJobSummaries"
        ]
        job = trainer.describe("listed-b")
        for member in ("TrainingJobArn", "CreationTime", "LastModifiedTime", "TrainingEndTime"):
            assert summary[member] == job[member]
        assert (summary["TrainingJobStatus"], summary["SecondaryStatus"]) == ("Failed", "Failed")

    @pytest.mark.parametrize("token", ["nonsense", "W10=", "WyJOYW1lIiwge30sICJhIl0="])
    def test_a_token_that_is_not_ours_is_refused(self, trainer, token):
        with pytest.raises(ClientError, match="ValidationException.*Invalid pagination token"):
            trainer.sagemaker.list_training_jobs(NextToken=token)

    def test_a_filter_on_what_does_not_exist_here_is_refused_by_name(self, trainer):
        with pytest.raises(ClientError, match="does not support WarmPoolStatusEquals"):
            trainer.sagemaker.list_training_jobs(WarmPoolStatusEquals="Available")


def test_boto3s_waiter_ends_with_the_job(trainer):
    waiter = trainer.sagemaker.get_waiter("training_job_completed_or_stopped")
    settings = {"Delay": 1, "MaxAttempts": 60}
    waiter.wait(TrainingJobName=trainer.create(""), WaiterConfig=settings)
    with pytest.raises(WaiterError, match="terminal failure"):
        waiter.wait(TrainingJobName=trainer.create("raise SystemExit(1)"), WaiterConfig=settings)


def test_the_aws_cli_creates_waits_for_describes_lists_and_stops(trainer, tmp_path):
    def aws(*arguments: str) -> str:
        command = [Path(sys.executable).parent / "aws", "sagemaker", *arguments]
        return subprocess.run(
            command, env=trainer.cloud.env, check=True, capture_output=True, text=True
        ).stdout

    name = "by-cli"
    source = trainer.put("by-cli/source.tar.gz", tar_gz({"train.py": "print('by CLI')"}))
    parameters = {"sagemaker_program": "train.py", "sagemaker_submit_directory": source}
    arn = aws(
        "create-training-job",
        "--training-job-name", name,
        "--algorithm-specification", f"TrainingImage={IMAGE},TrainingInputMode=File",
        "--role-arn", ROLE,
        "--output-data-config", f"S3OutputPath=s3://{BUCKET}/jobs",
        "--resource-config", "InstanceType=ml.m5.large,InstanceCount=1,VolumeSizeInGB=10",
        "--stopping-condition", "MaxRuntimeInSeconds=60",
        "--hyper-parameters", json.dumps(parameters),
        "--tags", "Key=made,Value=by-cli",
        "--query", "TrainingJobArn", "--output", "text",
    )  # fmt: skip
    assert arn.strip() == f"{ARN}{name}"
    trainer.wait(name)
    aws("wait", "training-job-completed-or-stopped", "--training-job-name", name)
    query = ["--query", "TrainingJobStatus", "--output", "text"]
    assert aws("describe-training-job", "--training-job-name", name, *query).strip() == "Completed"
    query = ["--query", "TrainingJobSummaries[].TrainingJobName", "--output", "text"]
    assert aws("list-training-jobs", "--name-contains", name, *query).strip() == name
    assert "by-cli" in aws("list-tags", "--resource-arn", arn.strip())
    with pytest.raises(subprocess.CalledProcessError) as caught:
        aws("stop-training-job", "--training-job-name", name)
    assert "is in status Completed" in caught.value.stderr
