"""connect(): the same code afterwards, local or on AWS, and no trace of one in the other."""

import os
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest
from conftest import RunningCloud
from jupyter_client.manager import start_new_kernel

from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.local_cloud.startup import STARTUP
from maze_helpers.session import connect

ROOT = Path(__file__).parents[1]
ROLE = "arn:aws:iam::111122223333:role/SageMakerExecutionRole"
# The exercise's own lines, as they are.
BOILERPLATE = """
import os
import pandas as pd
import numpy as np
import boto3
import sagemaker
from sagemaker.sklearn.estimator import SKLearn

# SDK setup
role = sagemaker.get_execution_role()
region = boto3.Session().region_name
sm = boto3.client('sagemaker')
boto_sess = boto3.Session(region_name=region)
sm_sess = sagemaker.session.Session(boto_session=boto_sess, sagemaker_client=sm)

# To store our data we use Amazon SageMaker default bucket.
BUCKET = sm_sess.default_bucket()
PREFIX = 'sagemaker-maze'
s3_data_url = f's3://{BUCKET}/{PREFIX}/data'
"""
CONNECT = "from maze_helpers.session import connect; connection = connect()\n"


@pytest.fixture
def local(local_cloud: RunningCloud, monkeypatch, tmp_path):
    """The local cloud as what `connect("local")` finds; everything is put back afterwards."""
    before = dict(os.environ)
    monkeypatch.setenv("MAZE_HOME", str(local_cloud.home))
    monkeypatch.delenv("MAZE_MODE", raising=False)
    # Set by every connection, local or not.
    monkeypatch.setenv("SAGEMAKER_SUPPRESS_V2_WARNING", "1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", local_cloud.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAMINE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "mine")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    yield local_cloud
    connect("aws")
    os.environ.clear()
    os.environ.update(before)
    boto3.DEFAULT_SESSION = None


def script(text: str, env: dict[str, str]) -> list[str]:
    """Run a script in a new Python; return what it printed, in lines."""
    command = [sys.executable, "-c", textwrap.dedent(text)]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # The SDK tells on stdout where its settings come from.
    return [line for line in done.stdout.splitlines() if not line.startswith("sagemaker.config")]


@pytest.fixture
def beside(local_cloud: RunningCloud) -> dict[str, str]:
    """An environment with AWS settings of the user's own, in which `connect` is called."""
    mine = {"AWS_ACCESS_KEY_ID": "AKIAMINE", "AWS_SECRET_ACCESS_KEY": "mine"}
    here = {"MAZE_HOME": str(local_cloud.home), "PYTHONPATH": str(ROOT)}
    return os.environ | mine | here | {"AWS_DEFAULT_REGION": "eu-west-1"}


@pytest.fixture
def under_maze_env(local_cloud: RunningCloud) -> dict[str, str]:
    """An environment as `maze env` makes it."""
    return local_cloud.env | {"PYTHONPATH": f"{STARTUP}{os.pathsep}{ROOT}"}


def test_the_exercises_boilerplate_runs_verbatim(local_cloud, beside):
    printed = script(CONNECT + BOILERPLATE + "print(role, region, s3_data_url, sep='\\n')", beside)
    bucket = "sagemaker-us-east-1-111122223333"
    assert printed == [ROLE, "us-east-1", f"s3://{bucket}/sagemaker-maze/data"]
    local_cloud.client("s3").head_bucket(Bucket=bucket)


@pytest.mark.slow
def test_the_sdk_may_be_imported_before(beside):
    text = "import sagemaker, sagemaker.session\n" + CONNECT
    text += "print(sagemaker.get_execution_role(), type(sagemaker.session.time).__name__)"
    assert script(text, beside) == [f"{ROLE} BriefClock"]


def test_a_plain_script_under_maze_env_needs_no_connect(under_maze_env):
    text = "import sagemaker; print(sagemaker.get_execution_role(), type(sagemaker.session.time))"
    assert script(text, under_maze_env) == [f"{ROLE} <class 'local_only.BriefClock'>"]


@pytest.mark.slow
def test_connecting_under_maze_env_works_too(under_maze_env):
    text = CONNECT + "import sagemaker; print(sagemaker.get_execution_role(), connection.mode)"
    assert script(text, under_maze_env) == [f"{ROLE} local"]


def test_connect_itself_does_not_import_the_sdk(beside):
    assert script(CONNECT + "import sys; print('sagemaker' in sys.modules)", beside) == ["False"]


def test_a_connection_has_what_a_notebook_works_with(local):
    connection = connect()
    assert (connection.mode, connection.region, connection.home) == (
        "local",
        "us-east-1",
        local.home,
    )
    assert connection.endpoint_url == local.endpoint_url
    assert connection.role == ROLE
    assert connection.bucket == "sagemaker-us-east-1-111122223333"
    assert connection.boto_session.client("sts").get_caller_identity()["Account"] == "111122223333"


def test_connecting_starts_the_local_cloud(new_cloud, local, monkeypatch):
    new_cloud.stop()
    monkeypatch.setenv("MAZE_HOME", str(new_cloud.home))
    assert connect("local").endpoint_url == new_cloud.endpoint_url
    boto3.client("sts").get_caller_identity()


def test_connecting_twice_in_a_row_changes_nothing(local):
    connect("local")
    once = dict(os.environ)
    connect("local")
    assert dict(os.environ) == once


def test_boto3s_default_session_is_made_anew(local):
    boto3.client("sts")
    connect("local")
    assert boto3.client("sts").meta.region_name == "us-east-1"


def test_the_mode_comes_from_the_environment(local, monkeypatch):
    monkeypatch.setenv("MAZE_MODE", "aws")
    assert connect().mode == "aws"


@pytest.mark.parametrize("mode", ["Local", "azure", "aws "])
def test_an_unknown_mode_is_one_sentence(mode):
    with pytest.raises(MazeError) as caught:
        connect(mode)
    assert str(caught.value) == f'Unknown mode "{mode}": choose "local" or "aws".'


def test_aws_after_local_finds_the_environment_as_it_was(local):
    before, path = dict(os.environ), list(sys.meta_path)
    connect("local")
    assert os.environ["AWS_PROFILE"] == "maze" and "AWS_ACCESS_KEY_ID" not in os.environ
    connection = connect("aws")
    assert os.environ["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)
    assert {**os.environ, "PATH": ""} == {**before, "PATH": ""}
    assert sys.meta_path == path
    assert connection.boto_session.get_credentials().access_key == "AKIAMINE"
    assert connection.region == "eu-west-1"


def test_aws_after_local_sleeps_and_signs_as_ever(beside):
    text = """
        import time, boto3, botocore.handlers, sagemaker.session
        from maze_helpers.session import connect
        handlers = list(botocore.handlers.BUILTIN_HANDLERS)
        connect("local")
        connect("aws")
        print(sagemaker.session.time is time, botocore.handlers.BUILTIN_HANDLERS == handlers)
    """
    assert script(text, beside) == ["True True"]


def test_what_the_user_sets_after_connecting_locally_is_kept_on_aws(local, monkeypatch):
    connect("local")
    monkeypatch.setenv("AWS_DATA_PATH", "/mine")
    connect("aws")
    assert os.environ["AWS_DATA_PATH"] == "/mine"


def test_aws_in_a_shell_made_local_leaves_the_local_settings(under_maze_env, beside):
    text = """
        import os
        from maze_helpers.session import connect
        print(connect("aws").boto_session.get_credentials().access_key)
        print([name for name in os.environ if name.startswith(("AWS_C", "AWS_P", "MAZE_"))])
    """
    keys = {name: value for name, value in beside.items() if name.startswith("AWS_")}
    keys.pop("AWS_CA_BUNDLE", None)
    assert script(text, keys | under_maze_env) == ["AKIAMINE", "[]"]


def test_aws_reaches_what_awss_own_settings_name(local):
    key = local.session.get_credentials()
    os.environ |= {"AWS_ACCESS_KEY_ID": key.access_key, "AWS_SECRET_ACCESS_KEY": key.secret_key}
    connection = connect("aws", role=ROLE)
    caller = connection.boto_session.client("sts").get_caller_identity()
    assert caller["Account"] == "111122223333"
    assert connection.role == ROLE
    assert (connection.home, connection.endpoint_url) == (None, None)


@pytest.fixture
def no_settings(local, monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    yield
    # For the connection that the fixture `local` ends with.
    os.environ |= {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "B"}
    os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
    os.environ.pop("AWS_PROFILE", None)


def test_no_credentials_are_one_sentence(no_settings):
    with pytest.raises(MazeError, match=r"^No AWS credentials were found: run `aws configure`"):
        connect("aws")


def test_no_region_is_one_sentence(no_settings, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    with pytest.raises(MazeError, match=r"^No AWS region is set: run `aws configure set region"):
        connect("aws")


def test_an_unknown_profile_is_one_sentence(no_settings, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(MazeError, match=r"cannot be used: The config profile \(nobody\)"):
        connect("aws")


def test_child_processes_are_local_however_they_start(beside, tmp_path):
    (tmp_path / "child.py").write_text(
        textwrap.dedent("""
        import multiprocessing, sys
        def ask():
            import boto3
            sts = boto3.client("sts", endpoint_url="https://sts.us-east-1.amazonaws.com")
            print(sts.get_caller_identity()["Account"], flush=True)
        if __name__ == "__main__":
            from maze_helpers.session import connect
            connect()
            for method in ("fork", "spawn"):
                child = multiprocessing.get_context(method).Process(target=ask)
                child.start()
                child.join()
    """)
    )
    command = [sys.executable, str(tmp_path / "child.py")]
    done = subprocess.run(command, env=beside, capture_output=True, text=True)
    assert done.stdout.split() == ["111122223333"] * 2, done.stderr


def test_threads_work_with_one_connection(local):
    session = connect().boto_session
    clients = [session.client("sts") for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        accounts = set(pool.map(lambda client: client.get_caller_identity()["Account"], clients))
    assert accounts == {"111122223333"}


def test_shell_cells_on_aws_find_the_python_of_the_notebook(local):
    os.environ["PATH"] = "/usr/bin:/bin"
    connect("aws")
    done = subprocess.run(
        "python -c 'import joblib, sys; print(sys.prefix)'; command -v aws",
        shell=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == [sys.prefix, str(Path(sys.executable).parent / "aws")]


def test_shell_cells_find_the_aws_cli_and_are_local(beside):
    text = CONNECT + "import os; os.system('aws sts get-caller-identity --query Arn --output text')"
    arn = "arn:aws:sts::111122223333:assumed-role/SageMakerExecutionRole/SageMaker"
    assert script(text, beside | {"PATH": "/usr/bin:/bin"}) == [arn]


@pytest.fixture
def cell(beside):
    """A function that runs a cell in a new kernel; it returns the messages' contents."""
    manager, client = start_new_kernel(env=beside)

    def run(source: str) -> list[dict]:
        contents = []
        hook = lambda message: contents.append(message["content"])  # noqa: E731
        client.execute_interactive(source, output_hook=hook)
        return contents

    yield run
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_a_kernel_started_by_jupyter_connects(cell):
    contents = cell(CONNECT + "import boto3; print(boto3.client('sts').get_caller_identity())")
    assert "111122223333" in "".join(content.get("text", "") for content in contents)


def test_a_mistake_in_a_notebook_shows_one_sentence(cell):
    contents = cell("from maze_helpers.session import connect\nconnect('azure')")
    [error] = [content for content in contents if "traceback" in content]
    assert error["traceback"] == ['MazeError: Unknown mode "azure": choose "local" or "aws".']


def test_the_startup_folder_is_what_children_are_given(local):
    connect("local")
    assert os.environ["PYTHONPATH"].split(os.pathsep)[0] == str(STARTUP)
