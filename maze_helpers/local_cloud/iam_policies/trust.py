"""Who may assume a role: its trust policy.

Source: IAM guide, "AWS JSON policy elements: Principal".
"""

from dataclasses import dataclass

from maze_helpers.local_cloud.iam_policies.context import PolicyRequest
from maze_helpers.local_cloud.iam_policies.documents import Policy, Statement

ASSUME_ROLE = "sts:AssumeRole"


@dataclass(frozen=True)
class Principal:
    """Who asks: a service, or somebody in an account.

    arns: by which a policy may name it directly, such as a role's and its session's.
    """

    service: str | None = None
    account_id: str | None = None
    arns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trust:
    """What a trust policy says of a principal.

    by_name: whether it is allowed itself, so that its own policies need not allow it as well.
    """

    allowed: bool
    by_name: bool = False


def trust_of(policy: Policy, principal: Principal, request: PolicyRequest) -> Trust:
    """Return whether a trust policy lets a principal assume its role."""
    allowed = by_name = False
    for statement in policy.statements:
        names, directly = _names(statement, principal)
        if not names or not statement.applies_to(request):
            continue
        if not statement.allows:
            return Trust(False)
        allowed, by_name = True, by_name or directly
    return Trust(allowed, by_name)


def _names(statement: Statement, principal: Principal) -> tuple[bool, bool]:
    """Return whether a statement speaks of a principal, and whether of it directly."""
    given = statement.principals or {}
    directly = (
        principal.service is not None and principal.service in given.get("Service", ())
    ) or any(name in ("*", *principal.arns) for name in given.get("AWS", ()))
    by_account = principal.account_id is not None and any(
        name in (principal.account_id, f"arn:aws:iam::{principal.account_id}:root")
        for name in given.get("AWS", ())
    )
    if statement.excludes_principals:
        return not (directly or by_account), True
    return directly or by_account, directly
