"""What the tests of hosting's control plane share: models, configurations and endpoints."""

import itertools
import time
from typing import Any

from botocore.exceptions import ClientError
from trainer import tar_gz

ROLE = "arn:aws:iam::111122223333:role/SageMakerExecutionRole"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
BUCKET = "models"
INSTANCE = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
SERVERLESS = {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 2}}
PREDICT = """
    def model_fn(model_dir):
        return None
    def input_fn(body, content_type):
        return body
    def predict_fn(body, model):
        return {answer!r}
    def output_fn(answer, accept):
        return answer
    """
IN_PROGRESS = ("Creating", "Updating", "Deleting")
_numbers = itertools.count()


class Deployer:
    """Makes what an endpoint needs, and waits for endpoints. cloud: conftest's RunningCloud."""

    def __init__(self, cloud: Any) -> None:
        self.cloud = cloud
        self.s3 = cloud.client("s3")
        self.sagemaker = cloud.client("sagemaker")
        self.s3.create_bucket(Bucket=BUCKET)
        self.model_data = self.put("model.tar.gz", tar_gz({"model.txt": "nothing"}))

    def put(self, key: str, body: bytes) -> str:
        """Store an object and return its URI."""
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        return f"s3://{BUCKET}/{key}"

    def container(self, **members: Any) -> dict[str, Any]:
        """Return a container definition; a member of None is left out."""
        definition = {"Image": IMAGE, "ModelDataUrl": self.model_data, **members}
        return {member: value for member, value in definition.items() if value is not None}

    def model(self, name: str = "", answer: str = "", **members: Any) -> str:
        """Create a model and return its name. answer: what it predicts, whatever it is asked."""
        name = name or f"model-{next(_numbers)}"
        environment = {}
        if answer:
            script = PREDICT.format(answer=answer)
            source = self.put(f"{name}/sourcedir.tar.gz", tar_gz({"predict.py": script}))
            environment = {
                "SAGEMAKER_PROGRAM": "predict.py",
                "SAGEMAKER_SUBMIT_DIRECTORY": source,
            }
        request = {
            "ModelName": name,
            "PrimaryContainer": self.container(Environment=environment),
            "ExecutionRoleArn": ROLE,
            **members,
        }
        self.sagemaker.create_model(**{k: v for k, v in request.items() if v is not None})
        return name

    def config(self, *variants: dict[str, Any], name: str = "", **members: Any) -> str:
        """Create a configuration and return its name. variants: as `variant` returns them."""
        name = name or f"config-{next(_numbers)}"
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=list(variants), **members
        )
        return name

    def endpoint(self, config: str, name: str = "", **members: Any) -> str:
        """Create an endpoint and return its name."""
        name = name or f"endpoint-{next(_numbers)}"
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config, **members)
        return name

    def describe(self, name: str) -> dict[str, Any]:
        """Return an endpoint's description."""
        return self.sagemaker.describe_endpoint(EndpointName=name)

    def settle(self, name: str, timeout_s: float = 90) -> dict[str, Any]:
        """Wait until nothing is in progress on an endpoint, and return its description."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            endpoint = self.describe(name)
            if endpoint["EndpointStatus"] not in IN_PROGRESS:
                return endpoint
            assert time.monotonic() < deadline_s, f"{name} is still {endpoint['EndpointStatus']}"
            time.sleep(0.05)

    def delete(self, name: str, timeout_s: float = 90) -> None:
        """Delete an endpoint and wait until it is gone."""
        self.sagemaker.delete_endpoint(EndpointName=name)
        deadline_s = time.monotonic() + timeout_s
        while name in self.endpoint_names():
            assert time.monotonic() < deadline_s, f"{name} is still there"
            time.sleep(0.05)

    def endpoint_names(self) -> list[str]:
        """Return the names of all endpoints."""
        pages = self.sagemaker.get_paginator("list_endpoints").paginate()
        return [endpoint["EndpointName"] for page in pages for endpoint in page["Endpoints"]]

    def refusal(self, operation: str, **request: Any) -> tuple[str, str]:
        """Return the code and message of the error that a call is answered with."""
        try:
            getattr(self.sagemaker, operation)(**request)
        except ClientError as error:
            return error.response["Error"]["Code"], error.response["Error"]["Message"]
        raise AssertionError(f"{operation} was not refused")


def variant(model: str, name: str = "AllTraffic", **members: Any) -> dict[str, Any]:
    """Return a production variant on one ml.m5.large, or on what `members` say."""
    where = {} if "ServerlessConfig" in members else INSTANCE
    return {"VariantName": name, "ModelName": model, **where, **members}
