"""`aws configure` at a keyboard: what it asks and writes; and what local mode leaves alone."""

import configparser
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

AWS = str(Path(sys.executable).with_name("aws"))
PROMPTS = [
    "AWS Access Key ID [None]: ",
    "AWS Secret Access Key [None]: ",
    "Default region name [None]: ",
    "Default output format [None]: ",
]
TYPED = ["AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG", "us-east-1", "json"]
# No tool that reads it can go on, and those that overlook the last line call a closed port.
POISON = "[default]\nendpoint_url = http://127.0.0.1:9\n[profile maze\n"


@pytest.fixture
def user_home(tmp_path) -> Path:
    home = tmp_path / "user"
    home.mkdir()
    return home


def outside(user_home: Path, **more: str) -> dict[str, str]:
    """Return an environment that is not local and whose ~ is a folder of the test's own."""
    return {"HOME": str(user_home), "PATH": os.environ["PATH"], **more}


def at_a_keyboard(env: dict[str, str], *typed: str) -> str:
    """Run `aws configure` at a terminal, answer each prompt; return all that stood there."""
    keyboard, terminal = pty.openpty()
    ends = dict.fromkeys(("stdin", "stdout", "stderr"), terminal)
    process = subprocess.Popen([AWS, "configure"], env=env, **ends)
    os.close(terminal)
    seen, answers = "", list(typed)
    while True:
        try:
            read = os.read(keyboard, 1024).decode()
        except OSError:  # Linux: the other end of the terminal is closed
            read = ""
        if not read:
            break
        seen += read
        if seen.endswith("]: ") and answers:
            os.write(keyboard, f"{answers.pop(0)}\n".encode())
    os.close(keyboard)
    assert process.wait(timeout=30) == 0, seen
    return seen


def ini(path: Path) -> dict[str, dict[str, str]]:
    parser = configparser.RawConfigParser()
    parser.read(path)
    return {section: dict(parser[section]) for section in parser.sections()}


CONFIG = {"default": {"region": "us-east-1", "output": "json"}}
CREDENTIALS = {"default": {"aws_access_key_id": TYPED[0], "aws_secret_access_key": TYPED[1]}}


def test_four_answers_become_two_files_below_the_home(user_home):
    seen = at_a_keyboard(outside(user_home), *TYPED)
    positions = [seen.index(prompt) for prompt in PROMPTS]
    assert positions == sorted(positions)
    assert ini(user_home / ".aws/config") == CONFIG
    assert ini(user_home / ".aws/credentials") == CREDENTIALS
    assert (user_home / ".aws/credentials").stat().st_mode & 0o777 == 0o600


def test_the_files_lie_where_the_environment_says(user_home, tmp_path):
    places = {
        "AWS_CONFIG_FILE": str(tmp_path / "here/config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "there/credentials"),
    }
    at_a_keyboard(outside(user_home, **places), *TYPED)
    assert ini(tmp_path / "here/config") == CONFIG
    assert ini(tmp_path / "there/credentials") == CREDENTIALS
    assert list(user_home.iterdir()) == []


@pytest.mark.slow
def test_answers_may_come_from_a_pipe(user_home):
    typed = "".join(f"{answer}\n" for answer in TYPED)
    done = subprocess.run(
        [AWS, "configure"], env=outside(user_home), input=typed, capture_output=True, text=True
    )
    assert done.stdout == "".join(PROMPTS)
    assert ini(user_home / ".aws/credentials") == CREDENTIALS


def aws_folder(user_home: Path) -> dict[str, tuple[bytes, int]]:
    """Return what lies in ~/.aws, and when it was last changed."""
    return {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in [user_home / ".aws", *(user_home / ".aws").iterdir()]
        if path.is_file()
    } | {"": (b"", (user_home / ".aws").stat().st_mtime_ns)}


@pytest.fixture
def poisoned(user_home) -> Path:
    (user_home / ".aws").mkdir()
    for name in ("config", "credentials"):
        (user_home / ".aws" / name).write_text(POISON)
    return user_home


@pytest.mark.slow
def test_the_poison_works(poisoned):
    done = subprocess.run(
        [AWS, "s3", "ls"], env=outside(poisoned), capture_output=True, text=True, timeout=60
    )
    assert done.returncode != 0 and "Unable to parse config file" in done.stderr


CONNECT = """
from maze_helpers.session import connect
connect("local")
import boto3, subprocess
boto3.client("s3").create_bucket(Bucket="made-by-boto3")
subprocess.run(["aws", "s3", "mb", "s3://made-by-the-cli"], check=True)
print(boto3.Session().client("sts").get_caller_identity()["Account"])
"""


def test_local_mode_neither_reads_nor_writes_the_users_own_settings(local_cloud, poisoned):
    before = aws_folder(poisoned)
    there = outside(poisoned, MAZE_HOME=str(local_cloud.home))
    done = subprocess.run(
        [sys.executable, "-c", CONNECT], env=there, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("111122223333\n")
    assert aws_folder(poisoned) == before


@pytest.mark.slow
def test_configure_in_local_mode_writes_the_local_clouds_settings_alone(new_cloud, poisoned):
    before = aws_folder(poisoned)
    local = {**new_cloud.env, "HOME": str(poisoned)}
    settings = [new_cloud.home / "aws" / name for name in ("config", "credentials")]
    written = [path.read_bytes() for path in settings]
    seen = at_a_keyboard(local, "", "", "", "")
    assert "Default region name [us-east-1]: " in seen and "[****************" in seen
    assert [path.read_bytes() for path in settings] == written
    at_a_keyboard(local, "", "", "", "text")
    asked = [AWS, "sts", "get-caller-identity", "--query", "Account"]
    assert subprocess.check_output(asked, env=local) == b"111122223333\n"
    assert aws_folder(poisoned) == before
