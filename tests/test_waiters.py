"""The waiters of boto3 and the AWS CLI: quick to notice, and as patient as ever."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import boto3
import botocore.loaders
import pytest

from maze_helpers.local_cloud.waiters import SERVICES, write_waiters


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    write_waiters(folder)
    return folder


@pytest.mark.parametrize("service", SERVICES)
def test_every_waiter_looks_each_second_and_gives_up_as_late(models, service):
    ours = botocore.loaders.Loader([str(models)]).load_service_model(service, "waiters-2")
    theirs = botocore.loaders.Loader().load_service_model(service, "waiters-2")
    assert ours["waiters"].keys() == theirs["waiters"].keys()
    for name, waiter in theirs["waiters"].items():
        quick = ours["waiters"][name]
        assert quick["delay"] == 1
        assert quick["maxAttempts"] == waiter["maxAttempts"] * waiter["delay"]
        assert quick["acceptors"] == waiter["acceptors"]


def test_boto3_follows_the_profile(local_cloud, monkeypatch):
    for name, value in local_cloud.env.items():
        monkeypatch.setenv(name, value)
    # Without the variable that the AWS CLI needs, the profile's data_path counts.
    monkeypatch.delenv("AWS_DATA_PATH")
    waiter = boto3.Session().client("sagemaker").get_waiter("endpoint_in_service")
    assert (waiter.config.delay, waiter.config.max_attempts) == (1, 3600)


@pytest.mark.parametrize("way", ["boto3", "aws"])
def test_a_wait_ends_soon_after_the_thing_is_done(local_cloud, way):
    s3 = local_cloud.client("s3")
    bucket = f"awaited-by-{way}"
    created_s = []

    def create() -> None:
        s3.create_bucket(Bucket=bucket)
        created_s.append(time.monotonic())

    threading.Timer(2, create).start()
    if way == "boto3":
        script = (
            f"import boto3; boto3.client('s3').get_waiter('bucket_exists').wait(Bucket='{bucket}')"
        )
        command = [sys.executable, "-c", script]
    else:
        aws = str(Path(sys.executable).with_name("aws"))
        command = [aws, "s3api", "wait", "bucket-exists", "--bucket", bucket]
    subprocess.run(command, env=local_cloud.env, check=True)
    # AWS's own delay here is 5 s.
    assert time.monotonic() - created_s[0] < 4


def test_another_botocores_waiters_are_replaced(models):
    [path] = models.glob("sagemaker/*/waiters-2.json")
    path.write_text(json.dumps({"version": 2, "waiters": {}}))
    write_waiters(models)
    assert json.loads(path.read_text())["waiters"]
