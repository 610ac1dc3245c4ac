"""What `maze doctor` finds, with its fix."""

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from maze_helpers import aws_cli, cli
from maze_helpers.aws_cli import AwsCli

ROOT = Path(__file__).parents[1]


def doctor(home: Path, **env: str) -> tuple[int, dict[str, list[dict]]]:
    """Return the exit code, and the findings by subject."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment = own | {"MAZE_HOME": str(home), "PYTHONPATH": str(ROOT)} | env
    command = [sys.executable, "-m", cli.__name__, "doctor", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=ROOT)
    answer = json.loads(done.stdout)
    assert answer["ok"] == (done.returncode == 0)
    findings: dict[str, list[dict]] = {}
    for finding in answer["findings"]:
        findings.setdefault(finding["subject"], []).append(finding)
        assert bool(finding["fix"]) == (finding["level"] != "ok")
    return done.returncode, findings


def fake_aws(folder: Path, answer: str) -> Path:
    """Write an `aws` that answers --version so."""
    folder.mkdir()
    path = folder / "aws"
    path.write_text(f"#!/bin/sh\necho '{answer}' >&2\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return folder


def test_a_running_local_cloud_is_well(local_cloud):
    _, findings = doctor(local_cloud.home)
    [server] = findings["server"]
    assert server["level"] == "ok" and local_cloud.endpoint_url in server["found"]
    for subject in ("Python", "folder", "disk", "clock", "environment"):
        assert {finding["level"] for finding in findings[subject]} <= {"ok", "warning"}


@pytest.mark.parametrize("version", ["1.22.34", "2.12.7"])
def test_an_aws_cli_too_old_for_the_profile_is_broken(tmp_path, version):
    old = fake_aws(tmp_path / "bin", f"aws-cli/{version} Python/3.8.10 Linux/5.15 botocore/1.23")
    code, findings = doctor(tmp_path / ".maze", PATH=f"{old}:{os.environ['PATH']}")
    first = findings["AWS CLI"][0]
    assert code == 1 and first["level"] == "broken"
    assert f"{old}/aws ({version})" in first["found"]
    assert "would call the real AWS" in first["found"]
    assert "Update it to" in first["fix"]


def test_an_old_aws_cli_behind_a_new_one_is_a_warning(tmp_path):
    new = fake_aws(tmp_path / "new", "aws-cli/2.31.0 Python/3.13 Linux/6 exe/x86_64")
    old = fake_aws(tmp_path / "old", "aws-cli/1.19.1 Python/3.9 Linux/5 botocore/1.20")
    code, findings = doctor(tmp_path / ".maze", PATH=f"{new}:{old}:/usr/bin:/bin")
    assert [finding["level"] for finding in findings["AWS CLI"]][:2] == ["ok", "warning"]
    assert code == 0


@pytest.mark.parametrize(
    ("version", "follows"),
    [
        ((1, 28, 99), False),
        ((1, 29, 0), True),
        ((2, 12, 99), False),
        ((2, 13, 0), True),
        ((3, 0, 0), True),
        (None, False),
    ],
)
def test_which_versions_follow_a_profiles_endpoint(version, follows):
    # documented: the feature came with 1.29.0 and 2.13.0.
    assert AwsCli("/bin/aws", version).follows_profile is follows


def test_an_aws_that_does_not_run_has_no_version(tmp_path, monkeypatch):
    broken = fake_aws(tmp_path / "bin", "not today")
    monkeypatch.setenv("PATH", str(broken))
    assert list(aws_cli.installed()) == [AwsCli(f"{broken}/aws", None)]


def test_keys_left_in_the_environment_are_a_warning(tmp_path):
    _, findings = doctor(tmp_path / ".maze", AWS_ACCESS_KEY_ID="AKIA", AWS_SECRET_ACCESS_KEY="x")
    [environment] = findings["environment"]
    assert environment["level"] == "warning"
    assert "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY" in environment["found"]
    assert 'eval "$(maze env)"' in environment["fix"]


def test_keys_that_override_the_mazes_profile_are_broken(local_cloud):
    keys = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "x"}
    code, findings = doctor(local_cloud.home, **local_cloud.env, **keys)
    assert code == 1
    assert findings["environment"][0]["level"] == "broken"


def test_a_folder_that_is_a_file_is_broken(tmp_path):
    (tmp_path / ".maze").write_text("")
    code, findings = doctor(tmp_path / ".maze")
    assert code == 1
    assert "is a file where the maze needs a folder" in findings["folder"][0]["fix"]


def test_a_clock_behind_the_state_is_broken(tmp_path):
    home = tmp_path / ".maze"
    home.mkdir()
    (home / "cloud.db").touch()
    tomorrow_s = time.time() + 86_400
    os.utime(home / "cloud.db", (tomorrow_s, tomorrow_s))
    code, findings = doctor(home)
    assert code == 1 and "behind" in findings["clock"][0]["found"]


def test_a_server_that_has_lost_its_keys_is_broken(new_cloud):
    path = new_cloud.home / "aws" / "credentials"
    kept = path.read_text()
    path.write_text(kept.replace("aws_secret_access_key = ", "aws_secret_access_key = x"))
    code, findings = doctor(new_cloud.home)
    path.write_text(kept)
    assert code == 1 and "SignatureDoesNotMatch" in findings["server"][0]["found"]


def test_a_person_reads_each_finding_on_a_line(tmp_path):
    env = os.environ | {"MAZE_HOME": str(tmp_path / ".maze")}
    command = [sys.executable, "-m", cli.__name__, "doctor"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, cwd=ROOT)
    assert "ok      Python: 3." in done.stdout and "\x1b" not in done.stdout
