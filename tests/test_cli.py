"""The `maze` command, as a person and as a script use it."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import RunningCloud

from maze_helpers import cli
from maze_helpers.local_cloud import server

ROOT = Path(__file__).parents[1]
COMMANDS = ["up", "down", "status", "env", "run", "clean", "doctor"]


def maze(*arguments: str, home: Path, **env: str) -> subprocess.CompletedProcess:
    """Run `maze` in a process of its own."""
    environment = os.environ | {"MAZE_HOME": str(home), "PYTHONPATH": str(ROOT)} | env
    command = [sys.executable, "-m", cli.__name__, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, cwd=home.parent)


def under_maze_env(script: str, cloud: RunningCloud, **env: str) -> subprocess.CompletedProcess:
    """Run a shell script after `eval "$(maze env)"`."""
    line = f'eval "$({sys.executable} -m {cli.__name__} env)"\n{script}'
    environment = os.environ | {"MAZE_HOME": str(cloud.home), "PYTHONPATH": str(ROOT)} | env
    return subprocess.run(["sh", "-c", line], env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command):
    answer = CliRunner().invoke(cli.main, [command, "--help"])
    assert answer.exit_code == 0
    assert "Example:" in answer.output and "maze " in answer.output.split("Example:")[1]


def test_the_help_lists_every_command_and_imports_nothing_heavy():
    script = "import sys\nfrom maze_helpers.cli import main\n"
    script += "try:\n    main(['--help'])\nexcept SystemExit:\n    print(*sorted(sys.modules))"
    command = [sys.executable, "-c", script]
    printed = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout
    assert all(f"\n  {command} " in printed for command in COMMANDS)
    modules = {name.partition(".")[0] for name in printed.splitlines()[-1].split()}
    heavy = {"boto3", "botocore", "sagemaker", "pandas", "numpy", "rich", "psutil", "papermill"}
    assert not modules & heavy


def test_up_status_and_down_tell_a_script_in_json(tmp_path):
    home = tmp_path / ".maze"
    try:
        up = json.loads(maze("up", "--port", "0", "--json", home=home).stdout)
        assert up["up"] is True and up["home"] == str(home)
        assert up["endpoint_url"] == f"http://127.0.0.1:{up['port']}"
        again = maze("status", "--json", home=home)
        assert json.loads(again.stdout)["pid"] == up["pid"] and again.returncode == 0
        assert maze("down", home=home).stdout == "The maze is down.\n"
        after = maze("status", "--json", home=home)
        assert json.loads(after.stdout)["up"] is False and after.returncode == cli.NOT_UP
        assert maze("down", home=home).stdout == "The maze was not up.\n"
    finally:
        server.stop(home)


def test_two_ups_at_once_report_one_server(tmp_path):
    home = tmp_path / ".maze"
    command = [sys.executable, "-m", cli.__name__, "up", "--json"]
    env = os.environ | {"MAZE_HOME": str(home), "PYTHONPATH": str(ROOT)}
    try:
        both = [subprocess.Popen(command, env=env, stdout=subprocess.PIPE) for _ in range(2)]
        answers = [json.loads(process.communicate()[0]) for process in both]
        assert answers[0]["pid"] == answers[1]["pid"]
    finally:
        server.stop(home)


def test_what_a_person_reads_is_plain_where_there_is_no_terminal(local_cloud):
    done = maze("status", home=local_cloud.home)
    assert done.stdout.startswith(f"The maze is up at {local_cloud.endpoint_url} (process ")
    assert "\x1b" not in done.stdout


def test_a_taken_port_is_one_line_on_stderr(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = maze("up", "--port", str(port), home=tmp_path / ".maze")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith(f"Error: Port {port} is in use by another program")
    assert done.stderr.count("\n") == 1


def test_env_makes_the_aws_cli_local(local_cloud):
    script = "aws sts get-caller-identity --query Account --output text"
    keys = {"AWS_ACCESS_KEY_ID": "AKIAREAL", "AWS_SECRET_ACCESS_KEY": "real"}
    assert under_maze_env(script, local_cloud, **keys).stdout == "111122223333\n"


def test_env_makes_a_boto3_script_local(local_cloud):
    script = f"{sys.executable} -c 'import boto3; print(boto3.client(\"sts\").meta.endpoint_url)'"
    assert under_maze_env(script, local_cloud).stdout == f"{local_cloud.endpoint_url}\n"


def test_env_survives_a_shell_that_loses_the_line_breaks(local_cloud):
    line = f"eval $({sys.executable} -m {cli.__name__} env); echo $AWS_PROFILE $MAZE_MODE"
    env = os.environ | {"MAZE_HOME": str(local_cloud.home), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["sh", "-c", line], env=env, capture_output=True, text=True)
    assert done.stdout == "maze local\n"


def test_env_quotes_a_folder_with_spaces_and_quotes(tmp_path):
    home = tmp_path / "it's a $HOME; `maze`"
    try:
        line = f'eval "$({sys.executable} -m {cli.__name__} env)"; printf %s "$AWS_CONFIG_FILE"'
        env = os.environ | {"MAZE_HOME": str(home), "PYTHONPATH": str(ROOT)}
        done = subprocess.run(["sh", "-c", line], env=env, capture_output=True, text=True)
        assert done.stdout == f"{home}/aws/config"
    finally:
        server.stop(home)


def test_env_that_fails_fails_the_eval_too(tmp_path):
    (tmp_path / ".maze").write_text("in the way")
    line = f'eval "$({sys.executable} -m {cli.__name__} env)"'
    env = os.environ | {"MAZE_HOME": str(tmp_path / ".maze"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["sh", "-c", line], env=env, capture_output=True, text=True)
    assert done.returncode != 0
    assert "is a file where the maze needs a folder" in done.stderr


def test_env_in_json_says_what_to_unset(local_cloud):
    done = maze("env", "--json", home=local_cloud.home, AWS_SESSION_TOKEN="t")
    changes = json.loads(done.stdout)
    assert changes["AWS_SESSION_TOKEN"] is None and changes["AWS_PROFILE"] == "maze"


def test_run_refuses_what_is_not_there(local_cloud):
    done = maze("run", "chapter_9", home=local_cloud.home)
    assert done.returncode == 2 and "There is no notebook chapter_9" in done.stderr


def test_run_refuses_a_parameter_without_a_value(local_cloud):
    done = maze("run", "-p", "mode", home=local_cloud.home)
    assert done.returncode == 2 and "mode is not NAME=VALUE" in done.stderr


@pytest.mark.parametrize(
    ("text", "pair"),
    [("n=3", ("n", 3)), ("a=b=c", ("a", "b=c")), ("t=true", ("t", True)), ("e=", ("e", ""))],
)
def test_a_parameter_is_a_number_where_it_reads_as_one(text, pair):
    assert cli._pair(text) == pair


def test_clean_lists_and_removes_only_when_told(local_cloud):
    s3 = local_cloud.client("s3")
    bucket = "sagemaker-us-east-1-111122223333"
    s3.create_bucket(Bucket=bucket)
    for key in ("sagemaker-maze/data/x.csv", "mine/x.csv"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    listed = json.loads(maze("clean", "--json", home=local_cloud.home).stdout)
    assert listed["removed"] is False and len(listed["items"]) == 1
    assert "add --yes" in maze("clean", home=local_cloud.home).stdout
    assert maze("clean", "--yes", home=local_cloud.home).stdout.endswith("Done.\n")
    assert maze("clean", home=local_cloud.home).stdout == "There is nothing to clean.\n"
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["mine/x.csv"]


def test_clean_that_aws_refuses_is_one_line(local_cloud):
    nobody = {"AWS_ACCESS_KEY_ID": "AKIANOBODY", "AWS_SECRET_ACCESS_KEY": "x"}
    where = {"AWS_ENDPOINT_URL": local_cloud.endpoint_url, "AWS_DEFAULT_REGION": "us-east-1"}
    done = maze("clean", "--mode", "aws", home=local_cloud.home, **nobody, **where)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("Error: Cleaning ended early: An error occurred (Unrecog")
