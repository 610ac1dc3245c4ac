"""What the tests of processing share: jobs made from a script's text, on a running cloud."""

import itertools
import textwrap
import time
from typing import Any

from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::111122223333:role/SageMakerExecutionRole"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
GROUP = "/aws/sagemaker/ProcessingJobs"
ARN = "arn:aws:sagemaker:us-east-1:111122223333:processing-job/"
BUCKET = "processing"
CODE = "/opt/ml/processing/input/code"
ENDED = ("Completed", "Failed", "Stopped")
_numbers = itertools.count()


class Processing:
    """Creates processing jobs and waits for them. cloud: conftest's RunningCloud."""

    def __init__(self, cloud: Any) -> None:
        self.cloud = cloud
        self.s3 = cloud.client("s3")
        self.sagemaker = cloud.client("sagemaker")
        self.logs = cloud.client("logs")
        self.s3.create_bucket(Bucket=BUCKET)

    def put(self, key: str, body: bytes | str) -> str:
        """Store an object and return its URI."""
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        return f"s3://{BUCKET}/{key}"

    def request(
        self,
        script: str | None = None,
        inputs: dict[str, Any] | None = None,
        outputs: tuple[str, ...] = (),
        arguments: tuple[str, ...] = (),
        count: int = 1,
        mode: str = "EndOfJob",
        **members: Any,
    ) -> dict[str, Any]:
        """Return a CreateProcessingJob request, as a ScriptProcessor of the SDK would send it.

        inputs: S3Input's members, or the URI alone, by the folder's name below
        /opt/ml/processing. outputs: such names, which are also those below <bucket>/<job>/.
        A member of None is left out.
        """
        name = members.pop("ProcessingJobName", f"processing-{next(_numbers)}")
        application: dict[str, Any] = {"ImageUri": IMAGE}
        sources = [_input(*item) for item in (inputs or {}).items()]
        if script is not None:
            uri = self.put(f"{name}/input/code/run.py", textwrap.dedent(script))
            sources.append(_input("input/code", uri))
            application["ContainerEntrypoint"] = ["python3", f"{CODE}/run.py"]
        if arguments:
            application["ContainerArguments"] = list(arguments)
        request = {
            "ProcessingJobName": name,
            "AppSpecification": application,
            "ProcessingInputs": sources,
            "ProcessingOutputConfig": {
                "Outputs": [_output(name, output, mode) for output in outputs]
            },
            "ProcessingResources": {
                "ClusterConfig": {
                    "InstanceType": "ml.m5.large",
                    "InstanceCount": count,
                    "VolumeSizeInGB": 30,
                }
            },
            "RoleArn": ROLE,
            **members,
        }
        return {member: value for member, value in request.items() if value is not None}

    def create(self, script: str | None = None, **settings: Any) -> str:
        """Create a job and return its name."""
        request = self.request(script, **settings)
        self.sagemaker.create_processing_job(**request)
        return request["ProcessingJobName"]

    def refusal(self, script: str | None = None, **settings: Any) -> tuple[str, str]:
        """Return the code and message of the error that creating a job is answered with."""
        try:
            name = self.create(script, **settings)
        except ClientError as error:
            return error.response["Error"]["Code"], error.response["Error"]["Message"]
        raise AssertionError(f"{name} was created")

    def run(self, script: str | None = None, **settings: Any) -> dict[str, Any]:
        """Create a job, wait for its end and return its description."""
        return self.wait(self.create(script, **settings))

    def stop(self, name: str) -> dict[str, Any]:
        """Stop a job, wait for its end and return its description."""
        self.sagemaker.stop_processing_job(ProcessingJobName=name)
        return self.wait(name)

    def describe(self, name: str) -> dict[str, Any]:
        """Return a job's description."""
        return self.sagemaker.describe_processing_job(ProcessingJobName=name)

    def wait(self, name: str, timeout_s: float = 120) -> dict[str, Any]:
        """Wait until a job has ended, and return its description."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            job = self.describe(name)
            if job["ProcessingJobStatus"] in ENDED:
                return job
            assert time.monotonic() < deadline_s, f"{name} is still {job['ProcessingJobStatus']}"
            time.sleep(0.05)

    def wait_for_line(self, name: str, line: str, timeout_s: float = 60) -> None:
        """Wait until a job has printed a line."""
        deadline_s = time.monotonic() + timeout_s
        while line not in self.lines(name):
            assert time.monotonic() < deadline_s, f"{name} printed {self.lines(name)}"
            time.sleep(0.05)

    def lines(self, name: str, host: str = "") -> list[str]:
        """Return all that a job, or one of its hosts, printed so far."""
        paginator = self.logs.get_paginator("filter_log_events")
        prefix = f"{name}/{host}"
        try:
            pages = list(paginator.paginate(logGroupName=GROUP, logStreamNamePrefix=prefix))
        except self.logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"] for page in pages for event in page["events"]]

    def results(self, name: str) -> dict[str, bytes]:
        """Return what a job stored, by its key below <bucket>/<job>/."""
        listed = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{name}/").get("Contents", [])
        keys = [found["Key"] for found in listed if "/input/" not in found["Key"]]
        return {
            key.removeprefix(f"{name}/"): self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
            for key in keys
        }


def _input(folder: str, source: Any) -> dict[str, Any]:
    members = {"S3Uri": source} if isinstance(source, str) else source
    s3_input = {
        "LocalPath": f"/opt/ml/processing/{folder}",
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
        **members,
    }
    return {"InputName": folder.replace("/", "-"), "S3Input": s3_input}


def _output(job: str, folder: str, mode: str) -> dict[str, Any]:
    return {
        "OutputName": folder.replace("/", "-"),
        "S3Output": {
            "S3Uri": f"s3://{BUCKET}/{job}/{folder}",
            "LocalPath": f"/opt/ml/processing/{folder}",
            "S3UploadMode": mode,
        },
    }
