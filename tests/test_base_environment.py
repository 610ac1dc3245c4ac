"""What every container's environment starts from."""

import json
import subprocess

from running_container import PYTHON

from maze_helpers.local_cloud.engine.base_environment import base_environment


def test_it_holds_nothing_of_the_users_aws_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/home/me/.aws/config")
    variables = base_environment(tmp_path)
    assert [name for name in variables if name.startswith("AWS_")] == ["AWS_EC2_METADATA_DISABLED"]
    assert variables["HOME"] == str(tmp_path)
    assert "secret" not in json.dumps(variables)


def test_boto3_finds_no_credentials_in_it(tmp_path, monkeypatch):
    (tmp_path / "me" / ".aws").mkdir(parents=True)
    (tmp_path / "me" / ".aws" / "credentials").write_text(
        "[default]\naws_access_key_id = A\naws_secret_access_key = S\n"
    )
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    variables = base_environment(tmp_path)
    source = "import boto3; print(boto3.Session().get_credentials())"
    result = subprocess.run([PYTHON, "-c", source], env=variables, capture_output=True, text=True)
    assert result.stdout == "None\n", result.stderr


def test_threads_in_a_container_soon_sleep_when_they_wait(tmp_path):
    assert base_environment(tmp_path)["GOMP_SPINCOUNT"] == "10000"


def test_it_keeps_the_way_to_the_package_index(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.example/simple")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    variables = base_environment(tmp_path)
    assert variables["PIP_INDEX_URL"] == "https://index.example/simple"
    assert variables["HTTPS_PROXY"] == "http://proxy.example:3128"


def test_no_proxy_stands_before_the_local_cloud(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "intranet.example")
    variables = base_environment(tmp_path)
    assert variables["NO_PROXY"] == variables["no_proxy"] == "intranet.example,127.0.0.1,localhost"
    monkeypatch.delenv("NO_PROXY")
    assert base_environment(tmp_path)["NO_PROXY"] == "127.0.0.1,localhost"


def test_packages_below_the_users_home_are_still_found(tmp_path, monkeypatch):
    monkeypatch.setattr("site.ENABLE_USER_SITE", True)
    monkeypatch.setattr("site.getuserbase", lambda: "/home/me/.local")
    assert base_environment(tmp_path)["PYTHONUSERBASE"] == "/home/me/.local"
