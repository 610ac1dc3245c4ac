"""The roles as requests are judged by: their policies, read once and kept until IAM changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from maze_helpers.local_cloud.iam_policies.documents import Policy, read_policy
from maze_helpers.local_cloud.iam_policies.evaluation import BOUNDARY, IDENTITY, PolicySet

if TYPE_CHECKING:
    from maze_helpers.local_cloud.services.iam import IAM

_ONE_PAGE = 1000


@dataclass(frozen=True)
class Role:
    """A role, and all that decides what it may do and who may be it."""

    name: str
    arn: str
    role_id: str
    tags: Mapping[str, str]
    trust: Policy
    policies: tuple[PolicySet, ...]


class Roles:
    """Every role of the account, by name."""

    def __init__(self, iam: IAM) -> None:
        self._iam = iam
        self._read: dict[str, Role | None] = {}

    def is_read(self, name: str) -> bool:
        """Return whether `get` answers at once."""
        return name in self._read

    def get(self, name: str) -> Role | None:
        """Return the role of that name, or None if there is none."""
        try:
            return self._read[name]
        except KeyError:
            # While it is read nothing in IAM changes.
            with self._iam.lock:
                return self._read.setdefault(name, self._load(name))

    def forget(self) -> None:
        """Have every role read again. Whoever calls holds IAM's lock."""
        self._read = {}

    def _load(self, name: str) -> Role | None:
        found = self._iam.role(name)
        if found is None:
            return None
        policies = [PolicySet(IDENTITY, [*self._inline(name), *self._attached(name)])]
        if boundary := found.get("PermissionsBoundary"):
            document = self.managed_document(boundary["PermissionsBoundaryArn"])
            policies.append(PolicySet(BOUNDARY, [read_policy(document)]))
        return Role(
            name=name,
            arn=found["Arn"],
            role_id=found["RoleId"],
            tags={tag["Key"]: tag["Value"] for tag in found.get("Tags", [])},
            trust=read_policy(unquote(found["AssumeRolePolicyDocument"])),
            policies=tuple(policies),
        )

    def _inline(self, name: str) -> Iterable[Policy]:
        listed = self._iam.invoke("ListRolePolicies", RoleName=name, MaxItems=_ONE_PAGE)
        for policy_name in listed["PolicyNames"]:
            found = self._iam.invoke("GetRolePolicy", RoleName=name, PolicyName=policy_name)
            yield read_policy(unquote(found["PolicyDocument"]))

    def _attached(self, name: str) -> Iterable[Policy]:
        listed = self._iam.invoke("ListAttachedRolePolicies", RoleName=name, MaxItems=_ONE_PAGE)
        for attached in listed["AttachedPolicies"]:
            yield read_policy(self.managed_document(attached["PolicyArn"]))

    def managed_document(self, policy_arn: str) -> str:
        """Return the default version of a managed policy, AWS's own or the account's, as JSON.

        Raises: DelegatedError, if there is no such policy.
        """
        policy: dict[str, Any] = self._iam.invoke("GetPolicy", PolicyArn=policy_arn)["Policy"]
        version = self._iam.invoke(
            "GetPolicyVersion", PolicyArn=policy_arn, VersionId=policy["DefaultVersionId"]
        )
        return unquote(version["PolicyVersion"]["Document"])
