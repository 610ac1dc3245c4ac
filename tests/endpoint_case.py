"""Endpoints for tests: made from the text of a serving script, on a session's local cloud."""

import io
import tarfile
from typing import Any

import boto3

from maze_helpers.cleanup import delete_endpoint

ROLE = "arn:aws:iam::111122223333:role/SageMakerExecutionRole"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
BUCKET = "endpoints"
INSTANCE = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}


def archive(files: dict[str, bytes | str]) -> bytes:
    """Return a tar.gz of files."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, text in files.items():
            data = text.encode() if isinstance(text, str) else text
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return content.getvalue()


class EndpointMaker:
    """Makes endpoints by boto3 alone, named as their model and configuration."""

    def __init__(self, session: boto3.Session) -> None:
        self.session = session
        self.sagemaker = session.client("sagemaker")
        self.s3 = session.client("s3")
        self.s3.create_bucket(Bucket=BUCKET)
        self.names: list[str] = []

    def create(
        self,
        name: str,
        script: str,
        model_files: dict[str, bytes | str] | None = None,
        wait: bool = True,
        environment: dict[str, str] | None = None,
        tags: list[dict[str, str]] | None = None,
        **variant: Any,
    ) -> str:
        """Create an endpoint that serves with a script, and wait until it is in service.

        variant: members of its production variant, in place of one ml.m5.large.
        """
        source = f"{name}/sourcedir.tar.gz"
        model = f"{name}/model.tar.gz"
        self.s3.put_object(Bucket=BUCKET, Key=source, Body=archive({"predict.py": script}))
        files = model_files or {"model.joblib": "nothing"}
        self.s3.put_object(Bucket=BUCKET, Key=model, Body=archive(files))
        self.sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn=ROLE,
            PrimaryContainer={
                "Image": IMAGE,
                "ModelDataUrl": f"s3://{BUCKET}/{model}",
                "Environment": {
                    "SAGEMAKER_PROGRAM": "predict.py",
                    "SAGEMAKER_SUBMIT_DIRECTORY": f"s3://{BUCKET}/{source}",
                    **(environment or {}),
                },
            },
            Tags=tags or [],
        )
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[
                {"VariantName": "AllTraffic", "ModelName": name, **(variant or INSTANCE)}
            ],
            Tags=tags or [],
        )
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name, Tags=tags or [])
        self.names.append(name)
        if wait:
            self.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name)
        return name

    def delete_all(self) -> None:
        """Delete the endpoints made here, and wait until they are gone."""
        for name in self.names:
            delete_endpoint(self.sagemaker, name)
