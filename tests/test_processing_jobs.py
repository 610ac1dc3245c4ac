"""The control plane of processing jobs: what Create refuses, what Describe and List answer."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, WaiterError
from processor import ARN, BUCKET, IMAGE, ROLE, Processing

CLUSTER = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30}
INVALID = "ValidationException"


@pytest.fixture(scope="module")
def processing(local_cloud) -> Processing:
    return Processing(local_cloud)


def test_create_answers_the_arn_with_the_name_in_lower_case(processing):
    request = processing.request(ProcessingJobName="Mixed-Case-1")
    answer = processing.sagemaker.create_processing_job(**request)
    assert answer["ProcessingJobArn"] == f"{ARN}mixed-case-1"
    assert processing.wait("Mixed-Case-1")["ProcessingJobName"] == "Mixed-Case-1"
    code, message = processing.refusal(ProcessingJobName="mixed-case-1")
    assert code == "ResourceInUse"
    # observed, for training jobs.
    assert message == (
        "Job name must be unique within an AWS account and region, and a job with this name "
        f"already exists ({ARN}mixed-case-1)"
    )


@pytest.mark.parametrize("operation", ["describe", "stop", "delete"])
def test_a_job_that_is_not_there(processing, operation):
    """Its code observed: boto3's waiter knows it."""
    call = getattr(processing.sagemaker, f"{operation}_processing_job")
    with pytest.raises(ClientError) as caught:
        call(ProcessingJobName="nothing")
    error = caught.value.response["Error"]
    assert (error["Code"], error["Message"]) == (
        INVALID,
        "Could not find requested job with name: nothing",
    )


def test_what_was_left_out_has_aws_defaults(processing):
    """Observed: the SDK's integration tests."""
    request = processing.request("")
    del request["ProcessingInputs"][0]["S3Input"]["S3InputMode"]
    del request["ProcessingResources"]["ClusterConfig"]["InstanceCount"]
    processing.sagemaker.create_processing_job(**request)
    job = processing.wait(request["ProcessingJobName"])
    assert job["StoppingCondition"] == {"MaxRuntimeInSeconds": 86400}
    assert job["ProcessingResources"] == {"ClusterConfig": CLUSTER}
    assert job["ProcessingInputs"] == [
        {
            "InputName": "input-code",
            "AppManaged": False,
            "S3Input": {
                "S3Uri": f"s3://{BUCKET}/{request['ProcessingJobName']}/input/code/run.py",
                "LocalPath": "/opt/ml/processing/input/code",
                "S3DataType": "S3Prefix",
                "S3InputMode": "File",
                "S3DataDistributionType": "FullyReplicated",
                "S3CompressionType": "None",
            },
        }
    ]


def test_settings_that_only_need_storing_are_described_back(processing):
    stored = {
        "Environment": {"A": "1"},
        "ExperimentConfig": {"ExperimentName": "e", "TrialName": "t"},
        "NetworkConfig": {
            "EnableInterContainerTrafficEncryption": True,
            "EnableNetworkIsolation": False,
            "VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
        },
        "ProcessingOutputConfig": {"Outputs": [], "KmsKeyId": "key-1"},
        "ProcessingResources": {"ClusterConfig": {**CLUSTER, "VolumeKmsKeyId": "key-2"}},
        "RoleArn": ROLE,
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }
    name = processing.create(**stored, Tags=[{"Key": "team", "Value": "blue"}])
    job = processing.wait(name)
    assert {member: job[member] for member in stored} == stored
    tags = processing.sagemaker.list_tags(ResourceArn=job["ProcessingJobArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "blue"}]


def with_input(**members):
    """Return ProcessingInputs of one input; None leaves a member out."""
    source = {
        "S3Uri": f"s3://{BUCKET}/x",
        "LocalPath": "/opt/ml/processing/x",
        "S3DataType": "S3Prefix",
        **members,
    }
    source = {name: value for name, value in source.items() if value is not None}
    return {"ProcessingInputs": [{"InputName": "x", "S3Input": source}]}


def with_output(**members):
    """Return a ProcessingOutputConfig of one output."""
    target = {
        "S3Uri": f"s3://{BUCKET}/y",
        "LocalPath": "/opt/ml/processing/y",
        "S3UploadMode": "EndOfJob",
    }
    output = {"OutputName": "y", "S3Output": {**target, **members}}
    return {"ProcessingOutputConfig": {"Outputs": [output]}}


TWICE = with_input()["ProcessingInputs"] * 2
FEATURES = {"OutputName": "f", "FeatureStoreOutput": {"FeatureGroupName": "g"}}
ATHENA = {
    "Catalog": "c",
    "Database": "d",
    "QueryString": "SELECT 1",
    "OutputS3Uri": f"s3://{BUCKET}/a",
    "OutputFormat": "JSON",
}
CANNOT = "The local cloud does not support"
REFUSALS = {
    "an image that is none": (
        {"AppSpecification": {"ImageUri": "busybox"}},
        "The local cloud has no runtime for the processing image 'busybox'",
    ),
    "an image to serve with": (
        {
            "AppSpecification": {
                "ImageUri": IMAGE.replace("sagemaker-scikit-learn:1.2-1", "pytorch-inference:2.1.0")
            }
        },
        "The local cloud has no runtime for the processing image",
    ),
    "an empty argument": (
        {"AppSpecification": {"ImageUri": IMAGE, "ContainerArguments": ["a", ""]}},
        # observed
        "Found null or empty string in ContainerArguments at index 1. ContainerArguments and "
        "ContainerEntrypoint may not contain null or empty strings.",
    ),
    "no instance type": (
        {"ProcessingResources": {"ClusterConfig": {"VolumeSizeInGB": 1}}},
        "1 validation error detected: Value null at "
        "'processingResources.clusterConfig.instanceType' failed to satisfy constraint: Member "
        "must not be null",
    ),
    "instances by preference": (
        {
            "ProcessingResources": {
                "ClusterConfig": {
                    "VolumeSizeInGB": 1,
                    "InstancePreferences": [{"InstanceType": "ml.m5.large"}],
                }
            }
        },
        f"{CANNOT} ProcessingResources.ClusterConfig.InstancePreferences in CreateProcessingJob.",
    ),
    "a pipe": (
        with_input(S3InputMode="Pipe"),
        f"{CANNOT} ProcessingInputs.S3Input.S3InputMode 'Pipe' in CreateProcessingJob.",
    ),
    "gzip without a pipe": (
        with_input(S3CompressionType="Gzip"),
        "Data can only be gzipped when the S3InputMode is Pipe.",
    ),
    "an input elsewhere": (
        with_input(LocalPath="/opt/ml/input/x"),
        "The LocalPath '/opt/ml/input/x' is invalid: it must begin with /opt/ml/processing/.",
    ),
    "an input above": (
        with_input(LocalPath="/opt/ml/processing/../x"),
        "The LocalPath '/opt/ml/processing/../x' is invalid",
    ),
    "an input without a path": (
        with_input(LocalPath=None),
        "1 validation error detected: Value nu",
    ),
    "an input by https": (
        with_input(S3Uri="https://b/x"),
        "The local cloud reads S3 URIs as s3://",
    ),
    "a data set": (
        {
            "ProcessingInputs": [
                {"InputName": "d", "DatasetDefinition": {"AthenaDatasetDefinition": ATHENA}}
            ]
        },
        f"{CANNOT} ProcessingInputs.DatasetDefinition in CreateProcessingJob.",
    ),
    "an input of nothing": (
        {"ProcessingInputs": [{"InputName": "x"}]},
        "1 validation error detected: Value null at 'processingInputs.s3Input'",
    ),
    "two inputs of a name": (
        {"ProcessingInputs": TWICE},
        "Each InputName must be unique; 'x' is there twice.",
    ),
    "an input where an output is": (
        with_input() | with_output(LocalPath="/opt/ml/processing/x/"),
        "Each LocalPath must be unique; '/opt/ml/processing/x' is there twice.",
    ),
    "an output elsewhere": (with_output(LocalPath="/tmp/y"), "The LocalPath '/tmp/y' is invalid"),
    "a feature group": (
        {"ProcessingOutputConfig": {"Outputs": [FEATURES]}},
        f"{CANNOT} ProcessingOutputConfig.Outputs.FeatureStoreOutput in CreateProcessingJob.",
    ),
    "too long a time": (
        {"StoppingCondition": {"MaxRuntimeInSeconds": 777_601}},
        "1 validation error detected: Value '777601' at 'stoppingCondition.maxRuntimeInSeconds'",
    ),
    "a name with a dot": (
        {"ProcessingJobName": "a.b"},
        "1 validation error detected: Value 'a.b' at 'processingJobName' failed to satisfy",
    ),
    "a tag of aws": (
        {"Tags": [{"Key": "aws:x", "Value": "y"}]},
        "The tag key 'aws:x' starts with 'aws:'",
    ),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_what_is_refused(processing, what):
    members, start = REFUSALS[what]
    code, message = processing.refusal(**members)
    assert code == INVALID
    assert message.startswith(start)


def test_a_quota_of_instances_is_held_to(processing):
    cluster = {**CLUSTER, "InstanceType": "ml.g5.xlarge"}
    code, message = processing.refusal(ProcessingResources={"ClusterConfig": cluster})
    assert code == "ResourceLimitExceeded"
    # observed
    assert message.startswith(
        "The account-level service limit 'ml.g5.xlarge for processing job usage' is 0 Instances, "
        "with current utilization of 0 Instances and a request delta of 1 Instances."
    )


def test_lists_are_filtered_sorted_and_paged(processing):
    names = [processing.create(ProcessingJobName=f"listed-{letter}") for letter in "bca"]
    jobs = [processing.wait(name) for name in names]
    client = processing.sagemaker

    def listed(**request):
        answer = client.list_processing_jobs(NameContains="listed-", **request)
        return [job["ProcessingJobName"] for job in answer["ProcessingJobSummaries"]]

    assert listed() == names[::-1]
    assert listed(SortBy="Name", SortOrder="Ascending") == sorted(names)
    assert listed(StatusEquals="Completed", MaxResults=2) == names[:0:-1]
    assert listed(StatusEquals="Failed") == []
    assert listed(CreationTimeAfter=jobs[0]["CreationTime"]) == names[:0:-1]
    assert listed(CreationTimeBefore=jobs[0]["CreationTime"] + timedelta(milliseconds=1)) == [
        "listed-b"
    ]
    pages = client.get_paginator("list_processing_jobs").paginate(
        NameContains="listed-", PaginationConfig={"PageSize": 2}
    )
    sizes = [len(page["ProcessingJobSummaries"]) for page in pages]
    assert sizes == [2, 1]
    [summary] = client.list_processing_jobs(NameContains="listed-a")["ProcessingJobSummaries"]
    assert set(summary) == {
        "ProcessingJobName",
        "ProcessingJobArn",
        "CreationTime",
        "ProcessingEndTime",
        "LastModifiedTime",
        "ProcessingJobStatus",
    }


def test_a_job_that_has_ended_is_neither_stopped_nor_in_the_way_of_its_name(processing):
    name = processing.run()["ProcessingJobName"]
    with pytest.raises(ClientError, match="processing job is in status Completed"):
        processing.sagemaker.stop_processing_job(ProcessingJobName=name)
    processing.sagemaker.delete_processing_job(ProcessingJobName=name)
    with pytest.raises(ClientError, match="Could not find requested job"):
        processing.describe(name)
    assert processing.run(ProcessingJobName=name)["ProcessingJobStatus"] == "Completed"


def test_a_job_that_runs_is_not_deleted(processing):
    name = processing.create("import time; time.sleep(600)")
    with pytest.raises(ClientError) as caught:
        processing.sagemaker.delete_processing_job(ProcessingJobName=name)
    assert caught.value.response["Error"]["Code"] == "ResourceInUse"
    processing.stop(name)


def test_boto3_waits_for_a_jobs_end(processing):
    waiter = processing.sagemaker.get_waiter("processing_job_completed_or_stopped")
    settings = {"Delay": 1, "MaxAttempts": 120}
    waiter.wait(ProcessingJobName=processing.create("print('ran')"), WaiterConfig=settings)
    with pytest.raises(WaiterError, match="terminal failure"):
        waiter.wait(ProcessingJobName=processing.create("1/0"), WaiterConfig=settings)


@pytest.mark.slow
def test_the_aws_cli_creates_waits_describes_lists_and_stops(processing, tmp_path):
    def aws(*words: str) -> dict:
        command = [Path(sys.executable).with_name("aws"), "sagemaker", *words, "--output", "json"]
        done = subprocess.run(
            command, env=processing.cloud.env, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else {}

    request = processing.request("print('ran')", ProcessingJobName="by-cli")
    (tmp_path / "request.json").write_text(json.dumps(request))
    created = aws("create-processing-job", "--cli-input-json", f"file://{tmp_path}/request.json")
    assert created == {"ProcessingJobArn": f"{ARN}by-cli"}
    aws("wait", "processing-job-completed-or-stopped", "--processing-job-name", "by-cli")
    job = aws("describe-processing-job", "--processing-job-name", "by-cli")
    assert job["ProcessingJobStatus"] == "Completed"
    [listed] = aws("list-processing-jobs", "--name-contains", "by-cli")["ProcessingJobSummaries"]
    assert listed["ProcessingJobName"] == "by-cli"
    waiting = processing.create("import time; time.sleep(600)")
    aws("stop-processing-job", "--processing-job-name", waiting)
    aws("wait", "processing-job-completed-or-stopped", "--processing-job-name", waiting)
    assert processing.describe(waiting)["ProcessingJobStatus"] == "Stopped"
