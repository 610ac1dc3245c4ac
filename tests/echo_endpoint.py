"""Endpoints whose model does what the request says: it echoes, waits, fails or dies."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError
from deployer import Deployer, variant
from trainer import tar_gz

# What it does is the first word of the custom attributes; it sends them back.
ECHO = """
import os, signal, time

def model_fn(model_dir):
    return None

def transform_fn(model, body, content_type, accept):
    content = body.encode() if isinstance(body, str) else body

    def answer(environ, start_response):
        attributes = environ.get("HTTP_X_AMZN_SAGEMAKER_CUSTOM_ATTRIBUTES", "")
        command, _, argument = attributes.partition(" ")
        data, status = content, "200 OK"
        if command == "sleep":
            time.sleep(float(argument))
        elif command == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        elif command == "status":
            status = argument
        elif command == "repeat":
            data = content * int(argument)
        elif command == "header":
            data = environ.get(argument, "none").encode()
        headers = [("Content-Length", str(len(data))), ("Content-Type", accept)]
        if attributes:
            headers.append(("X-Amzn-SageMaker-Custom-Attributes", attributes))
        start_response(status, headers)
        return [data]

    return answer
"""
_numbers = itertools.count()


class EchoEndpoint:
    """An endpoint in service, and a client of the runtime."""

    def __init__(self, deployer: Deployer, name: str) -> None:
        self.deployer = deployer
        self.name = name
        # What goes wrong is to be seen the first time.
        self.runtime = deployer.cloud.client("sagemaker-runtime", retries={"total_max_attempts": 1})

    def invoke(self, body: bytes = b"", command: str = "", **members: Any) -> dict[str, Any]:
        """Return InvokeEndpoint's answer, its body read."""
        if command:
            members["CustomAttributes"] = command
        answer = self.runtime.invoke_endpoint(EndpointName=self.name, Body=body, **members)
        answer["Body"] = answer["Body"].read()
        return answer

    def error(self, body: bytes = b"", command: str = "", **members: Any) -> dict[str, Any]:
        """Return the response of an InvokeEndpoint that fails."""
        try:
            self.invoke(body, command, **members)
        except ClientError as error:
            return error.response
        raise AssertionError("the endpoint answered")


def echo_model(deployer: Deployer, workers: int = 2, **environment: str) -> str:
    """Create a model that echoes and return its name. environment: further variables."""
    source = deployer.put("echo/sourcedir.tar.gz", tar_gz({"echo.py": ECHO}))
    environment |= {
        "SAGEMAKER_PROGRAM": "echo.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": source,
        "SAGEMAKER_MODEL_SERVER_WORKERS": str(workers),
        "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "application/octet-stream",
    }
    return deployer.model(PrimaryContainer=deployer.container(Environment=environment))


@contextmanager
def echo_endpoint(cloud: Any, **config: Any) -> Iterator[EchoEndpoint]:
    """Yield an endpoint that echoes. config: further members of its configuration."""
    deployer = Deployer(cloud)
    name = f"echo-{next(_numbers)}"
    deployer.endpoint(deployer.config(variant(echo_model(deployer)), **config), name)
    endpoint = deployer.settle(name)
    assert endpoint["EndpointStatus"] == "InService", endpoint
    try:
        yield EchoEndpoint(deployer, name)
    finally:
        deployer.delete(name)
