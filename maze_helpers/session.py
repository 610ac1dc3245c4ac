"""Connect a notebook or script to the local cloud or to AWS: the one line that differs.

After `connect`, AWS's usual code runs as it is: `boto3.client("sagemaker")`,
`sagemaker.get_execution_role()`, `sagemaker.session.Session().default_bucket()`.
"""

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import boto3
import botocore.exceptions

from maze_helpers.environment import Changes, changes_back, local_changes, own_programs_first
from maze_helpers.local_cloud import server
from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.local_cloud.home import find_home
from maze_helpers.local_cloud.open_files import USUAL, allow_open_files
from maze_helpers.local_cloud.startup import local_only
from maze_helpers.quiet_sdk import quieten

MODES = ("local", "aws")


@dataclass(frozen=True)
class Connection:
    """What a notebook works with.

    home, endpoint_url: the local cloud's folder and address; None on AWS.
    """

    mode: str
    region: str
    boto_session: boto3.Session = field(repr=False)
    home: Path | None = None
    endpoint_url: str | None = None
    given_role: str | None = field(default=None, repr=False)

    @cached_property
    def role(self) -> str:
        """The ARN of the execution role: the one given, else `sagemaker.get_execution_role()`.

        Raises: MazeError, if the caller is no role and none was given.
        """
        if self.given_role:
            return self.given_role
        import sagemaker

        try:
            return sagemaker.get_execution_role(self._sagemaker_session)
        except ValueError as error:
            raise MazeError(
                "Your AWS identity is not a role: choose a profile that assumes one (role_arn), "
                'or name it in connect("aws", role="arn:aws:iam::…").'
            ) from error

    @cached_property
    def bucket(self) -> str:
        """SageMaker's default bucket, made if need be."""
        return self._sagemaker_session.default_bucket()

    @cached_property
    def _sagemaker_session(self) -> "sagemaker.session.Session":  # noqa: F821
        # Late: the SDK takes seconds to import, and not every caller needs it.
        import sagemaker.session

        return sagemaker.session.Session(boto_session=self.boto_session)


def connect(mode: str | None = None, role: str | None = None) -> Connection:
    """Return a connection to the local cloud ("local"), started if need be, or to AWS ("aws").

    mode: None for the environment's MAZE_MODE, else "local". On AWS its usual rules apply:
    the region and the credentials are those of the environment, the profile or the machine.
    role: the execution role's ARN, for when it is not the caller's own, as it is in Studio.
    Clients made before keep the side that they were made for.
    Raises: MazeError, if the mode is unknown, the local cloud cannot start, or AWS's settings
    name no credentials or no region.
    """
    mode = mode or os.environ.get("MAZE_MODE") or "local"
    if mode not in MODES:
        raise MazeError(f'Unknown mode "{mode}": choose "local" or "aws".')
    quieten()
    allow_open_files(USUAL)
    connection = _connect_to_local_cloud(role) if mode == "local" else _connect_to_aws(role)
    _environment.connection = connection
    return connection


def current(mode: str | None = None) -> Connection:
    """Return the connection that this process made last, or a new one: `connect(mode)`.

    mode: "local" or "aws"; None for whichever the last was. Raises: MazeError, as `connect` does.
    """
    last = _environment.connection
    return last if last and mode in (None, last.mode) else connect(mode)


def _connect_to_local_cloud(role: str | None) -> Connection:
    home = find_home()
    running = server.start(home)
    _environment.change(local_changes(home, os.environ))
    local_only.install()
    session = _new_default_session()
    return Connection("local", session.region_name, session, home, running.endpoint_url, role)


def _connect_to_aws(role: str | None) -> Connection:
    _environment.restore()
    _environment.change(changes_back(os.environ))
    _environment.change(own_programs_first(os.environ))
    local_only.uninstall()
    try:
        session = _new_default_session()
        credentials = session.get_credentials()
    except botocore.exceptions.BotoCoreError as error:
        raise MazeError(f"Your AWS settings cannot be used: {error}.") from error
    if credentials is None:
        raise MazeError(
            "No AWS credentials were found: run `aws configure` or `aws sso login`, "
            'set AWS_PROFILE, or use connect("local").'
        )
    if session.region_name is None:
        raise MazeError(
            "No AWS region is set: run `aws configure set region us-east-1`, "
            "or set AWS_DEFAULT_REGION."
        )
    return Connection("aws", session.region_name, session, given_role=role)


def _new_default_session() -> boto3.Session:
    """Return a session of the environment as it is now, and let boto3 make its default anew."""
    boto3.DEFAULT_SESSION = None
    return boto3.Session()


class _Environment:
    """This process's environment variables, and what they were before `connect("local")`."""

    def __init__(self) -> None:
        self.connection: Connection | None = None
        self._before: Changes = {}
        self._set: Changes = {}

    def change(self, changes: Changes) -> None:
        """Make changes, and remember what was there."""
        for name, value in changes.items():
            if value == os.environ.get(name):
                continue
            self._before.setdefault(name, os.environ.get(name))
            self._set[name] = value
            _set_variable(name, value)

    def restore(self) -> None:
        """Undo the changes, except where somebody has changed a variable since."""
        for name, value in self._before.items():
            if os.environ.get(name) == self._set[name]:
                _set_variable(name, value)
        self._before.clear()
        self._set.clear()


def _set_variable(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


# One a process, as the environment itself is.
_environment = _Environment()
