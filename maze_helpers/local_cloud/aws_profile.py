"""The AWS configuration that makes boto3, the AWS CLI and the SDK local."""

import os
from collections.abc import Mapping
from pathlib import Path

from maze_helpers.local_cloud.credentials import PROFILE
from maze_helpers.local_cloud.home import Home, write_whole

CONFIG = """\
[profile {profile}]
region = {region}
endpoint_url = {endpoint_url}
output = json
cli_pager =
data_path = {models}
s3 =
    addressing_style = path
"""
# TelemetryOptOut: the SDK reports its use to a bucket on the public internet otherwise.
SDK_CONFIG = """\
SchemaVersion: '1.0'
SageMaker:
  PythonSDK:
    Modules:
      TelemetryOptOut: true
"""
LOOPBACK = "127.0.0.1,localhost"


def write_profile(home: Home, region: str, endpoint_url: str) -> None:
    """Write the profile of the local cloud and the SDK's configuration."""
    models = home.aws / "models"
    config = CONFIG.format(profile=PROFILE, region=region, endpoint_url=endpoint_url, models=models)
    write_whole(home.aws / "config", config)
    write_whole(home.aws / "sagemaker.yaml", SDK_CONFIG)


def local_settings(home: Path, current: Mapping[str, str]) -> dict[str, str | None]:
    """Return what the environment needs so that AWS tools use the local cloud alone.

    current: the environment as it is. None: the variable has to go.
    """
    aws = Home(home).aws
    # Every AWS_ variable can send a client elsewhere: other keys, roles, endpoints, models.
    settings: dict[str, str | None] = {name: None for name in current if name.startswith("AWS_")}
    settings |= {
        "AWS_CONFIG_FILE": str(aws / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(aws / "credentials"),
        "AWS_PROFILE": PROFILE,
        # The AWS CLI sets this variable itself, and so overlooks the profile's data_path.
        "AWS_DATA_PATH": str(aws / "models"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "MAZE_HOME": str(Home(home).path),
        "MAZE_MODE": "local",
        "SAGEMAKER_USER_CONFIG_OVERRIDE": str(aws / "sagemaker.yaml"),
    }
    for name in ("NO_PROXY", "no_proxy"):
        settings[name] = _without_proxy(current.get(name, ""))
    return settings


def _without_proxy(hosts: str) -> str:
    if "*" in hosts or LOOPBACK in hosts:
        return hosts
    return f"{hosts},{LOOPBACK}" if hosts else LOOPBACK


def apply(settings: Mapping[str, str | None], environment: Mapping[str, str]) -> dict[str, str]:
    """Return a copy of an environment with some settings made."""
    merged = {**environment, **settings}
    return {name: value for name, value in merged.items() if value is not None}


def local_environment(home: Path) -> dict[str, str]:
    """Return this process's environment, made local, for a process to be started."""
    return apply(local_settings(home, os.environ), os.environ)
