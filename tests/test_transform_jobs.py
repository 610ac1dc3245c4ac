"""The control plane of transform jobs: what Describe, List and Stop answer, and their tags."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, WaiterError
from deployer import BUCKET
from transforms import ARN, ECHO, ENDED, SLOW, Transforms, csv_lines

NO_SUCH_BUCKET = {"S3OutputPath": "s3://no-such-bucket-anywhere/out"}


@pytest.fixture(scope="module")
def transforms(local_cloud) -> Transforms:
    return Transforms(local_cloud)


@pytest.fixture(scope="module")
def echo(transforms) -> str:
    return transforms.scripted(ECHO)


@pytest.fixture(scope="module")
def slow(transforms) -> str:
    return transforms.scripted(SLOW)


@pytest.fixture(scope="module")
def plain(transforms, echo) -> dict:
    """A job of the least request, described at its end."""
    return transforms.run_job(echo, TransformJobName="Plain-Job")


def error_of(call, **request) -> dict[str, str]:
    """Return the error that a call is answered with."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return {"Code": error["Code"], "Message": error["Message"]}


def test_describe_fills_in_what_create_left_out(plain):
    """Observed: what the tests of AWS's Kubernetes controller keep of an answer."""
    times = ("CreationTime", "TransformStartTime", "TransformEndTime")
    moments = [plain[time] for time in times]
    assert moments == sorted(moments)
    described = {k: v for k, v in plain.items() if k not in ("ResponseMetadata", *times)}
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/input/rows.csv"}
    assert described == {
        "TransformJobName": "Plain-Job",
        "TransformJobArn": f"{ARN}plain-job",
        "TransformJobStatus": "Completed",
        "ModelName": plain["ModelName"],
        "TransformInput": {
            "DataSource": {"S3DataSource": source},
            "CompressionType": "None",
            "SplitType": "None",
        },
        "TransformOutput": {
            "S3OutputPath": f"s3://{BUCKET}/Plain-Job",
            "AssembleWith": "None",
            "KmsKeyId": "",
        },
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        "DataProcessing": {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"},
    }


def test_what_create_was_given_is_described_back(transforms, echo):
    given = {
        **csv_lines(transforms),
        "BatchStrategy": "SingleRecord",
        "DataProcessing": {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0]"},
        "Environment": {"A": "1"},
        "ExperimentConfig": {"TrialComponentDisplayName": "shown"},
        "MaxConcurrentTransforms": 2,
        "MaxPayloadInMB": 3,
        "ModelClientConfig": {"InvocationsTimeoutInSeconds": 60, "InvocationsMaxRetries": 2},
        "TransformResources": {
            "InstanceType": "ml.m5.xlarge",
            "InstanceCount": 2,
            "VolumeKmsKeyId": "alias/key",
        },
    }
    given["TransformOutput"]["KmsKeyId"] = "alias/other"
    job = transforms.run_job(echo, **given)
    given["TransformInput"]["CompressionType"] = "None"
    assert {member: job[member] for member in given} == given
    assert job["TransformJobStatus"] == "Completed"


@pytest.mark.parametrize("name", ["Plain-Job", "PLAIN-JOB"])
def test_a_name_can_be_used_once_whatever_its_case(transforms, echo, plain, name):
    assert transforms.refused(echo, TransformJobName=name) == (
        "ResourceInUse",
        "Job name must be unique within an AWS account and region, and a job with this name "
        f"already exists ({ARN}plain-job)",
    )


@pytest.mark.parametrize("operation", ["describe", "stop"])
def test_a_job_that_is_not_there(transforms, operation):
    """Code and the wording's beginning observed, for Describe."""
    call = getattr(transforms.sagemaker, f"{operation}_transform_job")
    assert error_of(call, TransformJobName="Nothing") == {
        "Code": "ValidationException",
        "Message": "Could not find requested job with name: Nothing",
    }


def test_an_ended_job_cannot_be_stopped(transforms, plain):
    """Wording observed."""
    stop = transforms.sagemaker.stop_transform_job
    assert error_of(stop, TransformJobName="Plain-Job") == {
        "Code": "ValidationException",
        "Message": "The request was rejected because the transform job is in status Completed.",
    }


def test_a_job_is_stopped_whatever_its_names_case_and_while_it_stops_again(transforms, slow):
    name = transforms.job(slow, TransformJobName="To-Be-Stopped")
    assert transforms.describe_job(name)["TransformJobStatus"] == "InProgress"
    transforms.sagemaker.stop_transform_job(TransformJobName=name.upper())
    assert transforms.describe_job(name)["TransformJobStatus"] in ("Stopping", "Stopped")
    job = transforms.wait(name)
    assert job["TransformJobStatus"] == "Stopped"
    assert "FailureReason" not in job and job["TransformEndTime"] >= job["CreationTime"]


def test_a_job_outlives_its_model(transforms):
    model = transforms.scripted(ECHO)
    name = transforms.job(model)
    transforms.sagemaker.delete_model(ModelName=model)
    job = transforms.wait(name)
    assert (job["TransformJobStatus"], job["ModelName"]) == ("Completed", model)


def test_a_failed_job_tells_why(transforms, echo):
    job = transforms.run_job(echo, TransformOutput=NO_SUCH_BUCKET)
    assert job["TransformJobStatus"] == "Failed"
    assert "bucket does not exist" in job["FailureReason"]


def test_tags_are_given_added_and_removed(transforms, echo):
    sagemaker = transforms.sagemaker
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    name = transforms.job(echo, Tags=tags)
    arn = transforms.describe_job(name)["TransformJobArn"]
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == tags
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "c", "Value": "3"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["a", "b"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "c", "Value": "3"}]
    transforms.wait(name)


@pytest.fixture(scope="module")
def names(transforms, echo) -> list[str]:
    names = [f"listed-{letter}" for letter in "cabd"]
    for name in names:
        failing = {"TransformOutput": NO_SUCH_BUCKET} if name == "listed-b" else {}
        transforms.run_job(echo, TransformJobName=name, **failing)
    return names


class TestLists:
    """On four jobs of one prefix: three completed, one failed."""

    @pytest.fixture
    def listed(self, transforms, names):
        def listed(**filters) -> list[str]:
            request = {"NameContains": "listed-", **filters}
            jobs = transforms.sagemaker.list_transform_jobs(**request)["TransformJobSummaries"]
            return [job["TransformJobName"][-1] for job in jobs]

        return listed

    def test_the_newest_come_first_unless_the_request_says_otherwise(self, listed):
        assert listed() == ["d", "b", "a", "c"]
        assert listed(SortOrder="Ascending") == ["c", "a", "b", "d"]

    def test_they_are_sorted_by_name_or_status(self, listed):
        assert listed(SortBy="Name", SortOrder="Ascending") == ["a", "b", "c", "d"]
        assert listed(SortBy="Name") == ["d", "c", "b", "a"]
        assert listed(SortBy="Status", SortOrder="Ascending") == ["a", "c", "d", "b"]

    def test_they_are_filtered_by_name_and_status(self, listed):
        assert listed(NameContains="ted-a") == ["a"]
        assert listed(StatusEquals="Failed") == ["b"]
        assert listed(StatusEquals="InProgress") == []

    def test_they_are_filtered_by_time(self, transforms, listed):
        created = transforms.describe_job("listed-a")["CreationTime"]
        ended = transforms.describe_job("listed-a")["TransformEndTime"]
        assert listed(CreationTimeAfter=created) == ["d", "b"]
        assert listed(CreationTimeBefore=created) == ["c"]
        assert listed(LastModifiedTimeAfter=ended) == ["d", "b"]
        assert listed(LastModifiedTimeBefore=ended + timedelta(seconds=0.001)) == ["a", "c"]

    @pytest.mark.parametrize("sort_by", ["Name", "CreationTime", "Status"])
    @pytest.mark.parametrize("page_size", [1, 3])
    def test_pages_together_are_the_whole(self, transforms, listed, sort_by, page_size):
        pages = transforms.sagemaker.get_paginator("list_transform_jobs").paginate(
            NameContains="listed-", SortBy=sort_by, MaxResults=page_size
        )
        found = [job["TransformJobName"][-1] for p in pages for job in p["TransformJobSummaries"]]
        assert found == listed(SortBy=sort_by)

    def test_a_summary_has_the_times_the_status_and_the_reason(self, transforms, names):
        (summary,) = transforms.sagemaker.list_transform_jobs(NameContains="listed-b")[
            "TransformJobSummaries"
        ]
        job = transforms.describe_job("listed-b")
        for member in ("TransformJobArn", "CreationTime", "TransformEndTime", "FailureReason"):
            assert summary[member] == job[member]
        assert summary["LastModifiedTime"] == job["TransformEndTime"]
        assert summary["TransformJobStatus"] == "Failed"

    def test_a_token_that_is_not_ours_is_refused(self, transforms):
        with pytest.raises(ClientError, match="ValidationException.*Invalid pagination token"):
            transforms.sagemaker.list_transform_jobs(NextToken="nonsense")


def test_boto3s_waiter_ends_with_the_job(transforms, echo):
    waiter = transforms.sagemaker.get_waiter("transform_job_completed_or_stopped")
    settings = {"Delay": 1, "MaxAttempts": 120}
    waiter.wait(TransformJobName=transforms.job(echo), WaiterConfig=settings)
    failing = transforms.job(echo, TransformOutput=NO_SUCH_BUCKET)
    with pytest.raises(WaiterError, match="terminal failure"):
        waiter.wait(TransformJobName=failing, WaiterConfig=settings)


def test_the_aws_cli_creates_waits_for_describes_lists_and_stops(transforms, echo):
    def aws(*arguments: str) -> str:
        command = [Path(sys.executable).parent / "aws", "sagemaker", *arguments]
        done = subprocess.run(command, env=transforms.cloud.env, capture_output=True, text=True)
        return (done.stdout or done.stderr).strip()

    name = "by-cli"
    request = transforms.request(echo, TransformJobName=name, **csv_lines(transforms))
    arn = aws(
        "create-transform-job",
        "--cli-input-json", json.dumps(request),
        "--tags", "Key=made,Value=by-cli",
        "--query", "TransformJobArn", "--output", "text",
    )  # fmt: skip
    assert arn == f"{ARN}{name}"
    assert aws("wait", "transform-job-completed-or-stopped", "--transform-job-name", name) == ""
    query = ["--query", "TransformJobStatus", "--output", "text"]
    assert aws("describe-transform-job", "--transform-job-name", name, *query) in ENDED
    query = ["--query", "TransformJobSummaries[].TransformJobName", "--output", "text"]
    assert aws("list-transform-jobs", "--name-contains", name, *query) == name
    assert "by-cli" in aws("list-tags", "--resource-arn", arn)
    stopped = aws("stop-transform-job", "--transform-job-name", name)
    assert "the transform job is in status Completed." in stopped
