"""What the tests share: a running local cloud of their own."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import botocore.client
import hypothesis
import pytest
from s3_client import new_bucket
from signed_requests import Signer
from trainer import Trainer

from maze_helpers.environment import local_environment
from maze_helpers.local_cloud import server
from maze_helpers.local_cloud.credentials import load_or_create_user_key

# Timing decides no test, and a busy machine draws examples slowly.
hypothesis.settings.register_profile(
    "maze", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("maze")


class RunningCloud:
    """A real server process on its own folder and port."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.info = server.start(home, port=0)

    @property
    def endpoint_url(self) -> str:
        """Where the server answers."""
        return self.info.endpoint_url

    @property
    def env(self) -> dict[str, str]:
        """An environment in which the AWS CLI and boto3 scripts are local."""
        return local_environment(self.home)

    @property
    def session(self) -> boto3.Session:
        """A new session that signs as the user."""
        key = load_or_create_user_key(self.home / "aws" / "credentials", "", "", "")
        return boto3.Session(key.access_key_id, key.secret_access_key, region_name="us-east-1")

    def client(self, name: str, **config) -> botocore.client.BaseClient:
        """A client of the local cloud; config: botocore's Config, by keyword."""
        return self.session.client(
            name, endpoint_url=self.endpoint_url, config=botocore.client.Config(**config)
        )

    def kill(self) -> None:
        """End the server as `kill -9` does."""
        process = self.info.process()
        process.kill()
        process.wait()

    def stop(self) -> None:
        """End the server in good order."""
        server.stop(self.home)

    def start(self) -> None:
        """Start the server again, where it was."""
        self.info = server.start(self.home)

    def restart(self) -> None:
        """End the server in good order and start it again."""
        self.stop()
        self.start()


@pytest.fixture(scope="module")
def local_cloud(tmp_path_factory) -> Iterator[RunningCloud]:
    """A running local cloud that a module's tests share."""
    cloud = RunningCloud(tmp_path_factory.mktemp("cloud") / ".maze")
    yield cloud
    cloud.stop()


@pytest.fixture(scope="module")
def maker(local_cloud: RunningCloud) -> Iterator["EndpointMaker"]:  # noqa: F821
    """What makes endpoints on the module's cloud by boto3; they are gone with the module."""
    # Late: the clean-up imports pandas, and few tests need it.
    from endpoint_case import EndpointMaker
    from training_job import local_session

    with local_session(local_cloud) as session:
        maker = EndpointMaker(session)
        yield maker
        maker.delete_all()


@pytest.fixture(scope="session")
def shared_trainer(tmp_path_factory) -> Iterator[Trainer]:
    """Runs training jobs on a local cloud that several modules share; none of them stops it."""
    cloud = RunningCloud(tmp_path_factory.mktemp("training") / ".maze")
    yield Trainer(cloud)
    cloud.stop()


@pytest.fixture
def new_cloud(tmp_path) -> Iterator[RunningCloud]:
    """A running local cloud for one test, which may stop, kill or restart it."""
    cloud = RunningCloud(tmp_path / ".maze")
    yield cloud
    cloud.stop()


@pytest.fixture(scope="module")
def s3(local_cloud: RunningCloud) -> botocore.client.BaseClient:
    """A client of the local cloud's S3."""
    return local_cloud.client("s3")


@pytest.fixture
def bucket(s3: botocore.client.BaseClient) -> str:
    """A bucket of the test's own."""
    return new_bucket(s3)


@pytest.fixture(scope="module")
def shared_bucket(s3: botocore.client.BaseClient) -> str:
    """A bucket that a module's examples share, where making one each would take long."""
    return new_bucket(s3)


@pytest.fixture(scope="module")
def signer(local_cloud: RunningCloud) -> Signer:
    """Signs requests by hand as the local cloud's user."""
    return Signer(local_cloud)
