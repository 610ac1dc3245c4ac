"""Roles for tests: made with the policies that a test is about, and assumed by its user."""

import itertools
import json
import os
from collections.abc import Mapping
from typing import Any

import boto3
import botocore.client
from botocore.credentials import Credentials

ACCOUNT = "111122223333"
SAGEMAKER = {"Service": "sagemaker.amazonaws.com"}
_numbers = itertools.count()
# One for all: each session reads the services' models anew, which takes long.
_SESSION = boto3.Session(region_name="us-east-1")

Statement = Mapping[str, Any]


def allow(*actions: str, resource: str | list[str] = "*", **elements: Any) -> Statement:
    """Return a statement that allows actions."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **elements}


def deny(*actions: str, resource: str | list[str] = "*", **elements: Any) -> Statement:
    """Return a statement that denies actions."""
    return {**allow(*actions, resource=resource, **elements), "Effect": "Deny"}


def policy(*statements: Statement) -> str:
    """Return the document of some statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(*principals: Mapping[str, Any], **elements: Any) -> str:
    """Return a trust policy for principals, by default SageMaker and the whole account."""
    principals = principals or (SAGEMAKER, {"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    statements = [
        {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **elements}
        for principal in principals
    ]
    return policy(*statements)


class Role:
    """A role of its own on a running cloud, conftest's RunningCloud."""

    def __init__(
        self, cloud: Any, *statements: Statement, trust_policy: str = "", **members: Any
    ) -> None:
        """Make a role that may do what the statements say. members: of CreateRole."""
        self.cloud = cloud
        self.iam = user_client(cloud, "iam")
        self.name = members.pop("RoleName", f"role-{os.getpid()}-{next(_numbers)}")
        document = trust_policy or trust()
        made = self.iam.create_role(
            RoleName=self.name, AssumeRolePolicyDocument=document, **members
        )
        self.arn = made["Role"]["Arn"]
        if statements:
            self.set(*statements)

    def set(self, *statements: Statement) -> None:
        """Let the role do what the statements say, and nothing else."""
        self.iam.put_role_policy(
            RoleName=self.name, PolicyName="own", PolicyDocument=policy(*statements)
        )

    def attach(self, name: str) -> None:
        """Give the role one of AWS's own policies."""
        self.iam.attach_role_policy(RoleName=self.name, PolicyArn=f"arn:aws:iam::aws:policy/{name}")

    def delete(self) -> None:
        """Delete the role, and the policy that `set` made."""
        self.iam.delete_role_policy(RoleName=self.name, PolicyName="own")
        self.iam.delete_role(RoleName=self.name)

    def assume(self, **members: Any) -> dict[str, str]:
        """Return temporary credentials of the role. members: of AssumeRole."""
        request = {"RoleArn": self.arn, "RoleSessionName": "tester", **members}
        return user_client(self.cloud, "sts").assume_role(**request)["Credentials"]

    def client(self, service: str, **members: Any) -> botocore.client.BaseClient:
        """Return a client that signs as the role. members: of AssumeRole."""
        return lent_client(self.cloud, self.assume(**members), service)


def user_client(cloud: Any, service: str, region: str = "us-east-1") -> botocore.client.BaseClient:
    """Return a client that signs as the cloud's user, the administrator."""
    return client_of(cloud, cloud.session.get_credentials(), service, region)


def lent_client(
    cloud: Any, credentials: Mapping[str, str], service: str
) -> botocore.client.BaseClient:
    """Return a client that signs with an operation's Credentials."""
    key = Credentials(
        credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"]
    )
    return client_of(cloud, key, service)


def client_of(
    cloud: Any, key: Credentials, service: str, region: str = "us-east-1"
) -> botocore.client.BaseClient:
    """Return a client of a running cloud that signs with a key."""
    # Presigned URLs are otherwise of an older kind.
    config = botocore.client.Config(signature_version="s3v4" if service == "s3" else None)
    return _SESSION.client(
        service,
        region_name=region,
        endpoint_url=cloud.endpoint_url,
        config=config,
        aws_access_key_id=key.access_key,
        aws_secret_access_key=key.secret_key,
        aws_session_token=key.token,
    )
