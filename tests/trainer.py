"""What the tests of training share: jobs made from a script's text, on a running cloud."""

import io
import itertools
import json
import tarfile
import textwrap
import time
from typing import Any

from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::111122223333:role/SageMakerExecutionRole"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
GROUP = "/aws/sagemaker/TrainingJobs"
BUCKET = "training"
ENDED = ("Completed", "Failed", "Stopped")
_numbers = itertools.count()


def tar_gz(files: dict[str, str]) -> bytes:
    """Return an archive of text files."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            content = textwrap.dedent(text).encode()
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return archive.getvalue()


class Trainer:
    """Creates training jobs and waits for them. cloud: conftest's RunningCloud."""

    def __init__(self, cloud: Any) -> None:
        self.cloud = cloud
        self.s3 = cloud.client("s3")
        self.sagemaker = cloud.client("sagemaker")
        self.logs = cloud.client("logs")
        self.cloudwatch = cloud.client("cloudwatch")
        self.s3.create_bucket(Bucket=BUCKET)

    def put(self, key: str, body: bytes | str) -> str:
        """Store an object and return its URI."""
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        return f"s3://{BUCKET}/{key}"

    def request(
        self,
        script: str | None = None,
        files: dict[str, str] | None = None,
        hyperparameters: dict[str, Any] | None = None,
        channels: dict[str, str] | None = None,
        metrics: dict[str, str] | None = None,
        max_runtime_s: int = 300,
        **members: Any,
    ) -> dict[str, Any]:
        """Return a CreateTrainingJob request that runs a script, as the SDK would send it."""
        name = members.pop("TrainingJobName", f"job-{next(_numbers)}")
        sent = {k: json.dumps(v) for k, v in (hyperparameters or {}).items()}
        if script is not None:
            source = self.put(
                f"{name}/source.tar.gz", tar_gz({"train.py": script, **(files or {})})
            )
            sent["sagemaker_program"] = json.dumps("train.py")
            sent["sagemaker_submit_directory"] = json.dumps(source)
        algorithm = {"TrainingImage": IMAGE, "TrainingInputMode": "File"}
        if metrics:
            algorithm["MetricDefinitions"] = [
                {"Name": metric, "Regex": regex} for metric, regex in metrics.items()
            ]
        request = {
            "TrainingJobName": name,
            "AlgorithmSpecification": algorithm,
            "RoleArn": ROLE,
            "HyperParameters": sent,
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/jobs"},
            "ResourceConfig": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": 1,
                "VolumeSizeInGB": 30,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": max_runtime_s},
            **members,
        }
        if channels:
            request["InputDataConfig"] = [channel(*item) for item in channels.items()]
        return request

    def program(self, source: str, **members: Any) -> dict[str, Any]:
        """Return a request that runs a Python program without the image's train contract.

        It needs no source archive and no Python environment of its own, so that it starts soon.
        """
        name = members.pop("TrainingJobName", f"program-{next(_numbers)}")
        self.put(f"{name}/code/main.py", textwrap.dedent(source))
        inputs = [channel("code", f"s3://{BUCKET}/{name}/code/"), *members.pop("channels", [])]
        request = self.request(None, TrainingJobName=name, InputDataConfig=inputs, **members)
        entry_point = ["python", "/opt/ml/input/data/code/main.py"]
        request["AlgorithmSpecification"]["ContainerEntrypoint"] = entry_point
        return request

    def start(self, request: dict[str, Any]) -> str:
        """Create a job from a request and return its name."""
        self.sagemaker.create_training_job(**request)
        return request["TrainingJobName"]

    def run_program(self, source: str, **members: Any) -> dict[str, Any]:
        """Run a Python program as a job, wait for its end and return its description."""
        return self.wait(self.start(self.program(source, **members)))

    def create(self, script: str | None = None, **settings: Any) -> str:
        """Create a job and return its name."""
        request = self.request(script, **settings)
        self.sagemaker.create_training_job(**request)
        return request["TrainingJobName"]

    def refusal(self, script: str | None = "", **settings: Any) -> tuple[str, str]:
        """Return the code and message of the error that creating a job is answered with."""
        try:
            name = self.create(script, **settings)
        except ClientError as error:
            return error.response["Error"]["Code"], error.response["Error"]["Message"]
        raise AssertionError(f"{name} was created")

    def run(self, script: str, **settings: Any) -> dict[str, Any]:
        """Create a job, wait for its end and return its description."""
        return self.wait(self.create(script, **settings))

    def describe(self, name: str) -> dict[str, Any]:
        """Return a job's description."""
        return self.sagemaker.describe_training_job(TrainingJobName=name)

    def wait(self, name: str, *statuses: str, timeout_s: float = 120) -> dict[str, Any]:
        """Wait until a job has one of the statuses, or has ended, and return its description."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            job = self.describe(name)
            if job["TrainingJobStatus"] in (statuses or ENDED):
                return job
            assert time.monotonic() < deadline_s, f"{name} is still {job['SecondaryStatus']}"
            time.sleep(0.05)

    def wait_for_line(self, name: str, line: str, timeout_s: float = 60) -> None:
        """Wait until a job has printed a line."""
        deadline_s = time.monotonic() + timeout_s
        while line not in self.lines(name):
            assert time.monotonic() < deadline_s, f"{name} printed {self.lines(name)}"
            time.sleep(0.05)

    def lines(self, name: str) -> list[str]:
        """Return all that a job printed so far."""
        paginator = self.logs.get_paginator("filter_log_events")
        try:
            pages = list(paginator.paginate(logGroupName=GROUP, logStreamNamePrefix=f"{name}/"))
        except self.logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"] for page in pages for event in page["events"]]

    def keys(self, name: str) -> list[str]:
        """Return the keys that a job left in S3, below its own output folder."""
        prefix = f"jobs/{name}/output/"
        listed = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        return [found["Key"].removeprefix(prefix) for found in listed]

    def artifact(self, name: str, archive: str = "model") -> dict[str, bytes]:
        """Return the files in a job's model.tar.gz or output.tar.gz."""
        body = self.s3.get_object(Bucket=BUCKET, Key=f"jobs/{name}/output/{archive}.tar.gz")["Body"]
        with tarfile.open(fileobj=io.BytesIO(body.read())) as tar:
            files = [member for member in tar if member.isfile()]
            return {member.name: tar.extractfile(member).read() for member in files}


def channel(name: str, s3_uri: str, **members: Any) -> dict[str, Any]:
    """Return an InputDataConfig entry; members: its own, or its S3DataSource's."""
    of_source = ("S3DataType", "S3DataDistributionType", "InstanceGroupNames")
    source = {"S3DataType": "S3Prefix", "S3Uri": s3_uri}
    source |= {name: members.pop(name) for name in of_source if name in members}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, **members}


def hosts(count: int) -> dict[str, Any]:
    """Return a ResourceConfig of several instances."""
    return {"InstanceType": "ml.m5.large", "InstanceCount": count, "VolumeSizeInGB": 30}
