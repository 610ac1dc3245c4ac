"""What the tests of running endpoints share: models made of scripts, requests, and load."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import ClientError
from deployer import Deployer, variant
from model_servers import until
from trainer import tar_gz

# Is not ready while a file is there, and fails if another is.
HELD = """
import os
import time
def model_fn(model_dir):
    while os.path.exists({hold!r}):
        time.sleep(0.05)
    assert not os.path.exists({broken!r})
def input_fn(body, content_type):
    return body
def predict_fn(body, model):
    return "held"
def output_fn(answer, accept):
    return answer
"""


def scripted(deployer: Deployer, script: str, program: str = "predict.py", **members: Any) -> str:
    """Create a configuration whose model's code is a script, and return its name."""
    source = deployer.put("scripted/sourcedir.tar.gz", tar_gz({"predict.py": script}))
    environment = {"SAGEMAKER_PROGRAM": program, "SAGEMAKER_SUBMIT_DIRECTORY": source}
    container = deployer.container(Environment=environment, **members)
    return deployer.config(variant(deployer.model(PrimaryContainer=container)))


def held(deployer: Deployer, hold: Path, broken: Path | None = None) -> str:
    """Create a configuration whose model is ready once `hold` is not there; return its name.

    broken: where that is there then, it fails. Once it is ready, it answers "held".
    """
    return scripted(deployer, HELD.format(hold=str(hold), broken=str(broken or "")))


def runtime_of(deployer: Deployer) -> BaseClient:
    """Return a client that tries once; one for each deployer, since they take long to make."""
    if not hasattr(deployer, "runtime"):
        deployer.runtime = deployer.cloud.client(
            "sagemaker-runtime", retries={"total_max_attempts": 1}
        )
    return deployer.runtime


def ask(deployer: Deployer, name: str) -> str:
    """Return what an endpoint answers."""
    answer = runtime_of(deployer).invoke_endpoint(EndpointName=name, Body=b"?")
    return answer["Body"].read().decode()


@contextmanager
def load_on(deployer: Deployer, name: str, clients: int = 3) -> Iterator[Counter[str]]:
    """Yield a count of the answers, and of the errors, that an endpoint gives meanwhile."""
    runtime_of(deployer)
    found: Counter[str] = Counter()
    done = threading.Event()

    def invoke():
        while not done.is_set():
            try:
                found[ask(deployer, name)] += 1
            except ClientError as error:
                found[str(error)] += 1

    threads = [threading.Thread(target=invoke) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: found.total() > clients, "the load")
        yield found
    finally:
        done.set()
        for thread in threads:
            thread.join()
