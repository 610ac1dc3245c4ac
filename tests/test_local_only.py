"""What keeps a Python process local, beside the profile."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import RunningCloud

from maze_helpers.local_cloud.startup import STARTUP, local_only
from maze_helpers.local_cloud.startup.local_only import BriefClock, Moment

# The SDK builds its STS client so (observed: sagemaker 2.257.7).
ASK_HARD_CODED_STS = """
import boto3
sts = boto3.client("sts", endpoint_url="https://sts.us-east-1.amazonaws.com")
print(sts.get_caller_identity()["Account"])
"""


@pytest.fixture(autouse=True)
def _process_as_it_was():
    """Whoever connected in this process before left it local."""
    local_only.uninstall()
    yield
    local_only.uninstall()


def python(script: str, env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, *arguments, "-c", script]
    return subprocess.run(command, env=env, capture_output=True, text=True)


def test_a_hard_coded_aws_url_is_answered_locally(local_cloud: RunningCloud):
    assert python(ASK_HARD_CODED_STS, local_cloud.env).stdout == "111122223333\n"


def test_a_proxy_for_aws_hosts_is_not_asked(local_cloud: RunningCloud):
    proxy = {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    assert python(ASK_HARD_CODED_STS, local_cloud.env | proxy).stdout == "111122223333\n"


def test_the_aws_clis_hard_coded_urls_are_answered_locally(local_cloud: RunningCloud):
    # documented: AWS CLI 1 overrides the profile's endpoint for sqs, rds, emr and others.
    command = [Path(sys.executable).with_name("aws"), "sqs", "list-queues"]
    done = subprocess.run(command, env=local_cloud.env, capture_output=True, text=True)
    assert "The local cloud has no service 'sqs'" in done.stderr


def test_nothing_leaves_when_no_local_cloud_is_known(local_cloud: RunningCloud):
    keys = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "x"}
    lost = (
        local_cloud.env | keys | {"AWS_CONFIG_FILE": "/nowhere", "AWS_DEFAULT_REGION": "us-east-1"}
    )
    del lost["AWS_PROFILE"]
    done = python(ASK_HARD_CODED_STS, lost)
    assert "RuntimeError: Nothing leaves in local mode" in done.stderr.splitlines()[-1]


def test_a_container_is_told_by_its_endpoint_variable(local_cloud: RunningCloud):
    key = local_cloud.session.get_credentials()
    env = {
        "MAZE_MODE": "local",
        "PYTHONPATH": str(STARTUP),
        "AWS_ENDPOINT_URL": local_cloud.endpoint_url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": key.access_key,
        "AWS_SECRET_ACCESS_KEY": key.secret_key,
    }
    assert python(ASK_HARD_CODED_STS, env).stdout == "111122223333\n"


def test_another_sitecustomize_still_runs(local_cloud: RunningCloud, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import builtins; builtins.ours = 'ran'")
    path = f"{local_cloud.env['PYTHONPATH']}:{tmp_path}"
    assert python("print(ours)", local_cloud.env | {"PYTHONPATH": path}).stdout == "ran\n"


def test_a_start_imports_nothing_but_what_is_built_in(local_cloud: RunningCloud):
    script = "import sys; print(sorted(set(sys.modules)))"
    plain = {name: v for name, v in local_cloud.env.items() if name != "PYTHONPATH"}
    extra = set(eval(python(script, local_cloud.env).stdout)) - set(
        eval(python(script, plain).stdout)
    )
    assert extra == {"sitecustomize", "local_only"}


def test_install_twice_and_uninstall_leave_botocore_as_it_was():
    import botocore.handlers

    before = list(botocore.handlers.BUILTIN_HANDLERS), list(sys.meta_path)
    local_only.install()
    local_only.install()
    assert len(botocore.handlers.BUILTIN_HANDLERS) == len(before[0]) + 1
    assert len(sys.meta_path) == len(before[1]) + 1
    local_only.uninstall()
    assert (list(botocore.handlers.BUILTIN_HANDLERS), list(sys.meta_path)) == before


def test_a_brief_clock_counts_the_sleep_it_skipped():
    clock = BriefClock()
    start, real_start = clock.time(), time.time()
    for _ in range(3):
        clock.sleep(10)
    assert clock.time() - start >= 30
    assert time.time() - real_start < 10


def test_a_brief_clocks_deadline_is_in_real_time():
    clock = BriefClock()
    deadline = clock.time() + 20
    for _ in range(10):
        clock.sleep(10)
    assert clock.time() < deadline


def test_a_short_sleep_is_slept_and_not_counted_twice():
    clock = BriefClock()
    start = clock.time()
    clock.sleep(0.01)
    assert 0.01 <= clock.time() - start < 10


@pytest.mark.parametrize("other", [5.0, Moment(5.0, 3.0)])
def test_a_moment_is_a_number(other):
    assert Moment(7.0, 3.0) - other == 2.0
    assert int(Moment(7.5, 3.0)) == 7


def test_a_brief_clock_is_otherwise_the_time_module():
    assert BriefClock().strftime is time.strftime


def test_the_sdk_reports_nothing_whatever_a_session_is_configured_with(local_cloud: RunningCloud):
    script = """
import socket, boto3, sagemaker.session
from sagemaker.telemetry.constants import Feature
from sagemaker.telemetry.telemetry_logging import _telemetry_emitter
looked_up = []
find = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: looked_up.append(host) or find(host, *rest, **more)

class Reporting:
    sagemaker_session = sagemaker.session.Session(sagemaker_config={"SchemaVersion": "1.0"})

    @_telemetry_emitter(Feature.SDK_DEFAULTS_V2, "work")
    def work(self):
        return "worked"

print(Reporting().work(), set(looked_up) <= {"127.0.0.1"})
"""
    assert python(script, local_cloud.env).stdout.splitlines()[-1] == "worked True"


def test_uninstalling_gives_the_sdk_its_clock_and_its_reports_back():
    import sagemaker.session
    import sagemaker.telemetry.telemetry_logging as telemetry

    before = telemetry._send_telemetry_request, telemetry._requests_helper
    local_only.install()
    local_only.install()
    assert telemetry._send_telemetry_request() is None
    local_only.uninstall()
    assert (telemetry._send_telemetry_request, telemetry._requests_helper) == before
    assert sagemaker.session.time is time
