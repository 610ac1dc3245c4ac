"""IAM, with the execution role that every notebook takes for granted."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from maze_helpers.local_cloud.errors import MalformedPolicyDocument, ValidationError
from maze_helpers.local_cloud.iam_policies.documents import BadPolicy, read_policy
from maze_helpers.local_cloud.services.delegated import Delegated, DelegatedError, changes_something
from maze_helpers.local_cloud.services.iam_roles import Roles
from maze_helpers.local_cloud.services.iam_simulation import Simulations
from maze_helpers.local_cloud.services.moto_calls import MotoAnswer, MotoCall, moto

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

SCHEMA = """
CREATE TABLE IF NOT EXISTS prepared_roles (name TEXT PRIMARY KEY);
"""
TRUST_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
OLDER_LANGUAGE = "2008-10-17"
MANAGED_POLICIES = ("AmazonSageMakerFullAccess", "AmazonS3FullAccess", "CloudWatchLogsFullAccess")

# Without a UserName these mean the calling user; a role is none.
NEEDS_USER = frozenset(
    {"ChangePassword", "CreateAccessKey", "GetUser", "ListAccessKeys", "ListMFADevices"}
)


def _in_awss_words(answer: MotoAnswer) -> MotoAnswer:
    """Return an error in which a missing role is told as AWS tells it."""
    words = rb"The role with name \1 cannot be found."
    return replace(answer, body=re.sub(rb"Role ([\w+=,.@-]+) not found", words, answer.body))


def check_trust_policy(document: str) -> None:
    """Check who may assume a role, and how: moto does so at changes of a policy only.

    Raises: MalformedPolicyDocument.
    """
    moto()  # before its IAM is imported, so that it takes our clock
    from moto.core.exceptions import ServiceException
    from moto.iam.policy_validation import IAMTrustPolicyDocumentValidator

    try:
        policy = json.loads(document)
    except ValueError as error:
        raise MalformedPolicyDocument("This policy contains invalid Json") from error
    # AWS still takes the older language in a trust policy; moto's check knows the newer only.
    if isinstance(policy, dict) and policy.get("Version", OLDER_LANGUAGE) == OLDER_LANGUAGE:
        document = json.dumps(policy | {"Version": "2012-10-17"})
    try:
        IAMTrustPolicyDocumentValidator(document).validate()
    except ServiceException as error:
        raise MalformedPolicyDocument(str(error.message)) from error


def _check_policy(document: str) -> None:
    """Check that a policy can be evaluated, in case moto takes what is none."""
    try:
        read_policy(document)
    except BadPolicy as error:
        raise MalformedPolicyDocument(str(error)) from error


class IAM(Delegated):
    """Identity and Access Management.

    A role in the table prepared_roles was made here, and nobody has changed it since.
    """

    def __init__(self, cloud: LocalCloud) -> None:
        super().__init__(cloud, "iam")
        self.roles = Roles(self)
        self.own_operations = Simulations(self.roles).operations
        self.role_name = cloud.credentials.user.role_name
        cloud.store.create_tables(SCHEMA)

    def role(self, name: str) -> dict[str, Any] | None:
        """Return a role as GetRole does, or None."""
        try:
            return self.invoke("GetRole", RoleName=name)["Role"]
        except DelegatedError as error:
            if error.code == "NoSuchEntity":
                return None
            raise

    def prepare(self) -> None:
        """Make the execution role, as the workshop has its participants make it."""
        self.invoke(
            "CreateRole",
            RoleName=self.role_name,
            AssumeRolePolicyDocument=json.dumps(TRUST_POLICY),
        )
        for policy in MANAGED_POLICIES:
            self.invoke(
                "AttachRolePolicy",
                RoleName=self.role_name,
                PolicyArn=f"arn:aws:iam::aws:policy/{policy}",
            )
        self.cloud.store.connection.execute(
            "INSERT OR IGNORE INTO prepared_roles VALUES (?)", (self.role_name,)
        )

    def forward(
        self, operation_name: str, parameters: dict[str, Any], call: MotoCall
    ) -> MotoAnswer:
        """Return moto's answer; a role that was prepared may be created once more.

        # Differs from AWS: the execution role is there from the start, and making it as on a
        # new account replaces it, as long as nobody has changed it.
        """
        if operation_name in NEEDS_USER and "UserName" not in parameters:
            raise ValidationError("Must specify userName when calling with non-User credentials")
        if operation_name == "CreateRole":
            check_trust_policy(parameters["AssumeRolePolicyDocument"])
        if "PolicyDocument" in parameters:
            _check_policy(parameters["PolicyDocument"])
        with self.lock:
            self._catch_up()
            try:
                return self._forward(operation_name, parameters, call)
            finally:
                if changes_something(operation_name):
                    self.roles.forget()

    def _forward(
        self, operation_name: str, parameters: dict[str, Any], call: MotoCall
    ) -> MotoAnswer:
        named = parameters.get("RoleName")
        if operation_name == "CreateRole" and self._is_prepared(named):
            with self.cloud.store.transaction():
                return self._replace(parameters, call)
        answer = super().forward(operation_name, parameters, call)
        if answer.status >= 400:
            return _in_awss_words(answer)
        if named and changes_something(operation_name):
            self._forget_prepared(named)
        return answer

    def _replace(self, parameters: dict[str, Any], call: MotoCall) -> MotoAnswer:
        self._forget_prepared(self.role_name)
        for policy in MANAGED_POLICIES:
            self.invoke(
                "DetachRolePolicy",
                RoleName=self.role_name,
                PolicyArn=f"arn:aws:iam::aws:policy/{policy}",
            )
        self.invoke("DeleteRole", RoleName=self.role_name)
        answer = super().forward("CreateRole", parameters, call)
        if answer.status >= 400:
            self.prepare()
        return answer

    def _is_prepared(self, name: str | None) -> bool:
        found = self.cloud.store.connection.execute(
            "SELECT 1 FROM prepared_roles WHERE name = ?", (name,)
        )
        return found.fetchone() is not None

    def _forget_prepared(self, name: str) -> None:
        self.cloud.store.connection.execute("DELETE FROM prepared_roles WHERE name = ?", (name,))
