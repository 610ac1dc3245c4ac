"""A notebook instance that is in service: its Jupyter, who may use it, and what it finds there."""

import json
import time
import uuid

import pytest
import requests
import websocket
from notebook_instances import HOME, Notebooks
from running_container import needs_namespaces

# What OnCreate and OnStart leave, and something that goes on behind.
ON_CREATE = "echo made once >> SageMaker/made; echo created"
ON_START = """#!/bin/bash
set -e
echo $HOME
python -c "import sys; print(sys.executable)"
aws s3 ls > $HOME/buckets
nohup bash -c 'while true; do date > SageMaker/tick; sleep 0.2; done' > /dev/null 2>&1 &
"""


@pytest.fixture(scope="module")
def notebooks(local_cloud) -> Notebooks:
    return Notebooks(local_cloud)


@pytest.fixture(scope="module")
def running(notebooks) -> str:
    """A notebook instance that is in service, and stays so."""
    name = notebooks.create(ON_START, ON_CREATE)
    assert notebooks.settled(name)["NotebookInstanceStatus"] == "InService"
    return name


def run_in_kernel(session: requests.Session, base: str, code: str) -> str:
    """Return what a new kernel prints when it runs code."""
    kernel = session.post(f"{base}/api/kernels", json={}).json()["id"]
    cookies = "; ".join(f"{name}={value}" for name, value in session.cookies.items())
    channels = websocket.create_connection(
        f"{base.replace('http', 'ws', 1)}/api/kernels/{kernel}/channels", cookie=cookies
    )
    message = uuid.uuid4().hex
    header = {"msg_id": message, "msg_type": "execute_request", "session": message}
    content = {"code": code, "silent": False}
    channels.send(
        json.dumps(
            {"header": header, "parent_header": {}, "metadata": {}, "content": content}
            | {"channel": "shell", "buffers": []}
        )
    )
    printed, idle = "", False
    while not idle:
        found = json.loads(channels.recv())
        if found["parent_header"].get("msg_id") == message:
            printed += found["content"].get("text", "")
            printed += "\n".join(found["content"].get("traceback", []))
            idle = found["content"].get("execution_state") == "idle"
    channels.close()
    session.delete(f"{base}/api/kernels/{kernel}").raise_for_status()
    return printed


@needs_namespaces
def test_scripts_run_in_order_in_its_home_and_write_to_streams_of_their_own(notebooks, running):
    assert notebooks.lines(running, "LifecycleConfigOnCreate") == ["created"]
    home, python = notebooks.lines(running, "LifecycleConfigOnStart")
    assert (home, python) == (HOME, f"{HOME}/.python/bin/python")
    while not any("is running at" in line for line in notebooks.lines(running, "jupyter.log")):
        time.sleep(0.05)


def test_nothing_answers_who_does_not_come_by_a_presigned_url(notebooks, running):
    base = notebooks.base(running)
    url = notebooks.url(running)
    for request in (
        f"{base}/api/contents",
        f"{base}/api/contents?token=",
        f"{base}/lab",
        f"{base}/api/contents?authToken=",
        f"{base}/api/contents?{url.partition('?')[2][:-1]}",
    ):
        assert requests.get(request).status_code == 403, request
    for method in ("kernels", "terminals"):
        assert requests.post(f"{base}/api/{method}").status_code == 403
    log = "".join(notebooks.lines(running, "jupyter.log"))
    assert ("authToken=17" in log, "AuthWarning" in log) == (False, False)


def test_a_presigned_url_opens_a_session_that_a_program_can_use(notebooks, running):
    session, base = notebooks.open(running), notebooks.base(running)
    found = session.get(f"{base}/api/contents/made").json()
    assert found["content"] == "made once\n"
    saved = {"type": "file", "format": "text", "content": "hello"}
    assert session.put(f"{base}/api/contents/new.txt", json=saved).status_code == 201
    assert requests.get(notebooks.url(running)).url.startswith(f"{base}/lab")


def test_what_a_script_left_running_goes_on(notebooks, running):
    session, base = notebooks.open(running), notebooks.base(running)
    ticks = set()
    while len(ticks) < 2:
        ticks.add(session.get(f"{base}/api/contents/tick").json()["last_modified"])


@pytest.mark.slow
@needs_namespaces
def test_a_kernel_is_the_role_and_uses_its_tools(notebooks, running):
    session, base = notebooks.open(running), notebooks.base(running)
    code = (
        "import os, boto3, sagemaker\n"
        "print(os.getcwd(), boto3.client('sts').get_caller_identity()['Arn'])\n"
        "print(sagemaker.get_execution_role())\n"
        "!aws s3 mb s3://made-in-a-notebook && aws s3 ls\n"
        "print([name for name in os.environ if 'MAZE_NOTEBOOK' in name or name == 'MAZE_HOME'])"
    )
    printed = run_in_kernel(session, base, code)
    assert f"{HOME}/SageMaker arn:aws:sts::111122223333:assumed-role/" in printed
    assert "arn:aws:iam::111122223333:role/SageMakerExecutionRole" in printed
    assert "made-in-a-notebook" in printed
    assert printed.rstrip().endswith("[]")


@pytest.mark.slow
def test_a_stop_ends_all_and_keeps_the_volume_alone(notebooks):
    name = notebooks.create(
        "nohup sleep 1000 & echo $! > SageMaker/pid; echo lost > kept-not; ls -A SageMaker",
        "touch SageMaker/created-$RANDOM",
    )
    assert notebooks.settled(name)["NotebookInstanceStatus"] == "InService"
    first = notebooks.lines(name, "LifecycleConfigOnStart")
    old_url = notebooks.url(name)
    assert notebooks.stop(name)["NotebookInstanceStatus"] == "Stopped"
    home = notebooks.cloud.home / "notebooks" / name / "home"
    assert [path.name for path in home.iterdir()] == ["SageMaker"]
    with pytest.raises(requests.ConnectionError):
        requests.get(old_url)
    assert notebooks.start(name)["NotebookInstanceStatus"] == "InService"
    # The script of the creation has not run again.
    assert notebooks.lines(name, "LifecycleConfigOnStart") == [*first, *first]
    notebooks.stop(name)
