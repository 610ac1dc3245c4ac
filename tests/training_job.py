"""Training jobs for tests: a session as `connect("local")` makes it, and a small real job."""

import io
import json
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import boto3
import pytest

# The real image's URI; the local cloud runs scikit-learn's images.
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
ROLE = "arn:aws:iam::111122223333:role/SageMakerExecutionRole"
WAIT = {"Delay": 1, "MaxAttempts": 180}


@contextmanager
def local_session(cloud) -> Iterator[boto3.Session]:
    """Yield a session that finds the cloud as AWS's tools do: by the profile it wrote."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.env.items():
            patch.setenv(name, value)
        yield boto3.Session()


def start_job(
    session: boto3.Session,
    name: str,
    script: str,
    bucket: str,
    channels: Sequence[str] = (),
    **request,
) -> None:
    """Start a job that runs the script; each channel is given the bucket's `data/`."""
    key = f"{name}/source/sourcedir.tar.gz"
    session.client("s3").put_object(Bucket=bucket, Key=key, Body=_source_archive(script))
    code = {"sagemaker_program": "train.py", "sagemaker_submit_directory": f"s3://{bucket}/{key}"}
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/data/"}
    defaults = {
        "TrainingJobName": name,
        "RoleArn": ROLE,
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "HyperParameters": {name: json.dumps(value) for name, value in code.items()},
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 300},
    }
    if channels:
        defaults["InputDataConfig"] = [
            {"ChannelName": channel, "DataSource": {"S3DataSource": source}} for channel in channels
        ]
    session.client("sagemaker").create_training_job(**defaults | request)


def wait_for_job(session: boto3.Session, name: str) -> None:
    """Wait until the job has completed or stopped; raise WaiterError, if it fails."""
    waiter = session.client("sagemaker").get_waiter("training_job_completed_or_stopped")
    waiter.wait(TrainingJobName=name, WaiterConfig=WAIT)


def _source_archive(script: str) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        info = tarfile.TarInfo("train.py")
        info.size = len(script.encode())
        tar.addfile(info, io.BytesIO(script.encode()))
    return archive.getvalue()
