"""Notebook instances for tests: made, waited for, looked into and opened."""

import base64
import itertools
import time
from typing import Any

import requests

ROLE = "arn:aws:iam::111122223333:role/SageMakerExecutionRole"
GROUP = "/aws/sagemaker/NotebookInstances"
HOME = "/home/ec2-user"
# What comes up is ended before Jupyter starts, which takes seconds.
FAILS = "exit 3"
_numbers = itertools.count()


def hook(script: str) -> list[dict[str, str]]:
    """Return a script as OnCreate and OnStart take it."""
    return [{"Content": base64.b64encode(script.encode()).decode()}]


class Notebooks:
    """The notebook instances of a running cloud, conftest's RunningCloud."""

    def __init__(self, cloud: Any) -> None:
        self.cloud = cloud
        self.sagemaker = cloud.client("sagemaker")
        self.logs = cloud.client("logs")

    def config(self, on_start: str = "", on_create: str = "", **members: Any) -> str:
        """Make a lifecycle configuration and return its name."""
        name = members.pop("NotebookInstanceLifecycleConfigName", f"config-{next(_numbers)}")
        scripts = {"OnStart": on_start, "OnCreate": on_create}
        self.sagemaker.create_notebook_instance_lifecycle_config(
            NotebookInstanceLifecycleConfigName=name,
            **{event: hook(script) for event, script in scripts.items() if script},
            **members,
        )
        return name

    def create(self, on_start: str = "", on_create: str = "", **members: Any) -> str:
        """Make a notebook instance, with a configuration for the scripts; return its name."""
        if on_start or on_create:
            members["LifecycleConfigName"] = self.config(on_start, on_create)
        given = {
            "NotebookInstanceName": f"notebook-{next(_numbers)}",
            "InstanceType": "ml.t3.medium",
            "RoleArn": ROLE,
            **members,
        }
        self.sagemaker.create_notebook_instance(**given)
        return given["NotebookInstanceName"]

    def failed(self, **members: Any) -> str:
        """Make a notebook instance that fails at its start, at once, and return its name."""
        name = self.create(FAILS, **members)
        assert self.settled(name)["NotebookInstanceStatus"] == "Failed"
        return name

    def describe(self, name: str) -> dict[str, Any]:
        """Return what DescribeNotebookInstance answers."""
        return self.sagemaker.describe_notebook_instance(NotebookInstanceName=name)

    def settled(self, name: str) -> dict[str, Any]:
        """Return a notebook instance's description once nothing is under way."""
        while (found := self.describe(name))["NotebookInstanceStatus"] in (
            "Pending",
            "Stopping",
            "Updating",
        ):
            time.sleep(0.05)
        return found

    def start(self, name: str) -> dict[str, Any]:
        """Start one, and return its description once it is up, or not."""
        self.sagemaker.start_notebook_instance(NotebookInstanceName=name)
        return self.settled(name)

    def stop(self, name: str) -> dict[str, Any]:
        """Stop one, and return its description then."""
        self.sagemaker.stop_notebook_instance(NotebookInstanceName=name)
        return self.settled(name)

    def url(self, name: str, **members: Any) -> str:
        """Return a presigned URL."""
        answer = self.sagemaker.create_presigned_notebook_instance_url(
            NotebookInstanceName=name, **members
        )
        return answer["AuthorizedUrl"]

    def open(self, name: str) -> requests.Session:
        """Return a session that is logged in to a notebook instance's Jupyter."""
        session = requests.Session()
        session.get(self.url(name)).raise_for_status()
        session.headers["X-XSRFToken"] = session.cookies["_xsrf"]
        return session

    def base(self, name: str) -> str:
        """Return where a notebook instance's Jupyter answers."""
        return f"http://{self.describe(name)['Url']}"

    def lines(self, name: str, stream: str) -> list[str]:
        """Return what a notebook instance wrote to a log stream, such as jupyter.log."""
        found = self.logs.get_log_events(
            logGroupName=GROUP, logStreamName=f"{name}/{stream}", startFromHead=True
        )
        return [event["message"] for event in found["events"]]
