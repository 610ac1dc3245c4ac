"""Who may do what: a caller's policies, asked before an operation is carried out.

The user's own key is an administrator's, and so is what GetSessionToken gives for it: it is
never looked up. Everybody else speaks for a role, and may do what the role's policies allow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from functools import lru_cache
from typing import TYPE_CHECKING

from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.iam_policies.context import Context, KeyValues, PolicyRequest
from maze_helpers.local_cloud.iam_policies.documents import read_policy
from maze_helpers.local_cloud.iam_policies.evaluation import (
    IDENTITY,
    SESSION,
    Decision,
    PolicySet,
    evaluate,
)
from maze_helpers.local_cloud.iam_policies.trust import ASSUME_ROLE, Principal, trust_of

if TYPE_CHECKING:
    from maze_helpers.local_cloud.clock import Clock
    from maze_helpers.local_cloud.services.iam_roles import Role, Roles

Keys = Mapping[str, KeyValues]

# The name of the session in which SageMaker itself assumes a role.
SERVICE_SESSION = "SageMaker"
SAGEMAKER = "sagemaker.amazonaws.com"
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/(?:.*/)?([^/]+)")


class Authorization:
    """Judges what callers ask for."""

    def __init__(self, roles: Roles, clock: Clock, account_id: str, region: str) -> None:
        self.roles = roles
        self._clock = clock
        self._account_id = account_id
        self._region = region

    def as_service(self, role_arn: str) -> AccessKey:
        """Return the caller that SageMaker is when it acts for a role.

        A role that is not there, or not any more, is one without policies.
        """
        match = _ROLE_ARN.fullmatch(role_arn)
        name = match[1] if match else role_arn
        return AccessKey("", "", self._account_id, name, SERVICE_SESSION)

    def trusts_sagemaker(self, role_arn: str) -> bool:
        """Return whether a role is there, and lets SageMaker assume it."""
        role = self.roles.get(self.as_service(role_arn).role_name)
        if role is None or role.arn != role_arn:
            return False
        source = f"arn:aws:sagemaker:{self._region}:{self._account_id}:*"
        # Differs from AWS: it names the very job or model; no policy can be about one alone here.
        keys = {"aws:SourceAccount": self._account_id, "aws:SourceArn": source}
        request = PolicyRequest(ASSUME_ROLE, role_arn, Context(keys))
        return trust_of(role.trust, Principal(service=SAGEMAKER), request).allowed

    def is_quick(self, caller: AccessKey) -> bool:
        """Return whether `decide` answers at once, rather than read a role's policies."""
        return caller.is_administrator or self.roles.is_read(caller.role_name)

    def decide(
        self,
        caller: AccessKey,
        action: str,
        resource: str = "*",
        keys: Keys | None = None,
        granted: bool = False,
    ) -> Decision:
        """Return whether a caller may do something.

        keys: the condition keys of the action and its request, besides those of the caller.
        granted: as `evaluate` has it.
        """
        if caller.is_administrator:
            return Decision(True)
        # Differs from AWS: credentials of a role that is deleted and made anew are the new role's.
        role = self.roles.get(caller.role_name)
        if role is None:
            return Decision(False, IDENTITY)
        context = Context({**self._general_keys(caller, role), **(keys or {})})
        sets = role.policies + _session_policies(caller.session_policies)
        return evaluate(sets, PolicyRequest(action, resource, context), granted)

    def _general_keys(self, caller: AccessKey, role: Role) -> dict[str, KeyValues]:
        """Return the keys that every request has. Source: IAM guide, "Global condition keys"."""
        now_s = self._clock.time_s()
        moment = datetime.fromtimestamp(now_s, tz=timezone.utc)
        return {
            "aws:CurrentTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "aws:EpochTime": str(int(now_s)),
            "aws:PrincipalAccount": caller.account_id,
            "aws:PrincipalArn": role.arn,
            "aws:PrincipalIsAWSService": "false",
            "aws:PrincipalType": "AssumedRole",
            "aws:RequestedRegion": self._region,
            "aws:ResourceAccount": caller.account_id,
            # Differs from AWS: nothing leaves the machine, so that plain HTTP counts as secure;
            # a policy that demands HTTPS would otherwise deny everything.
            "aws:SecureTransport": "true",
            "aws:userid": f"{role.role_id}:{caller.session_name}",
            "aws:ViaAWSService": "false",
            "aws:PrincipalTag/": {**role.tags, **caller.session_tags},
        }


@lru_cache(maxsize=64)
def _session_policies(documents: tuple[str, ...]) -> tuple[PolicySet, ...]:
    """Return the one set that a session's policies are, or nothing for a session without."""
    if not documents:
        return ()
    return (PolicySet(SESSION, [read_policy(document) for document in documents]),)


def refusal(
    caller: AccessKey, action: str, resource: str, decision: Decision, quoted: bool = False
) -> str:
    """Return AWS's sentence for what a caller may not do.

    quoted: whether the resource stands in quotation marks, as in S3's errors.
    Source: IAM guide, "Troubleshoot access denied error messages".
    """
    named = f'"{resource}"' if quoted else resource
    on_resource = "" if resource == "*" else f" on resource: {named}"
    return (
        f"User: {caller.arn} is not authorized to perform: {action}{on_resource} "
        f"{decision.reason(action)}"
    )
