"""SimulatePrincipalPolicy and SimulateCustomPolicy: what policies would decide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from maze_helpers.local_cloud.errors import AWSError, ValidationError
from maze_helpers.local_cloud.iam_policies.context import Context, PolicyRequest
from maze_helpers.local_cloud.iam_policies.documents import BadPolicy, Policy, read_policy
from maze_helpers.local_cloud.iam_policies.evaluation import (
    BOUNDARY,
    IDENTITY,
    Decision,
    PolicySet,
    evaluate,
)

if TYPE_CHECKING:
    from maze_helpers.local_cloud.services.iam_roles import Roles

# Members that would change the result, and are not here.
_UNSUPPORTED = ("OrderedOrganizationPolicyInputList", "PolicyExclusionList", "ResourcePolicy")


class InvalidInput(AWSError):
    """A policy of a simulation is not one."""

    code = "InvalidInput"
    status = 400


class NoSuchEntity(AWSError):
    """There is no such role."""

    code = "NoSuchEntity"
    status = 404


class Simulations:
    """The two operations, by the evaluation that requests themselves meet."""

    def __init__(self, roles: Roles) -> None:
        self._roles = roles
        self.operations = {
            "SimulateCustomPolicy": self.simulate_custom_policy,
            "SimulatePrincipalPolicy": self.simulate_principal_policy,
        }

    def simulate_custom_policy(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return what the request's own policies would decide."""
        sets = [PolicySet(IDENTITY, _policies(request["PolicyInputList"]))]
        return _result(sets, request)

    def simulate_principal_policy(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return what a role's policies, and those of the request besides, would decide."""
        arn = request["PolicySourceArn"]
        kind, _, name = arn.partition(":role/")
        if not kind.startswith("arn:aws:iam:") or not name:
            raise ValidationError(
                f"The local cloud simulates the policies of roles alone, not of {arn}."
            )
        name = name.rpartition("/")[2]
        role = self._roles.get(name)
        if role is None or role.arn != arn:
            raise NoSuchEntity(f"The role with name {name} cannot be found.")
        more = _policies(request.get("PolicyInputList", []))
        identity = [policies for policies in role.policies if policies.kind == IDENTITY]
        boundary = [policies for policies in role.policies if policies.kind == BOUNDARY]
        return _result([identity[0].with_policies(more), *boundary], request)


def _result(sets: list[PolicySet], request: dict[str, Any]) -> dict[str, Any]:
    """Return a result for each action on each resource; that there is one a pair is a guess."""
    for member in _UNSUPPORTED:
        if request.get(member):
            raise ValidationError(f"The local cloud does not support {member} in simulations.")
    if boundaries := request.get("PermissionsBoundaryPolicyInputList"):
        sets = [one for one in sets if one.kind != BOUNDARY]
        sets.append(PolicySet(BOUNDARY, _policies(boundaries)))
    entries = request.get("ContextEntries", [])
    context = Context(
        {entry["ContextKeyName"]: entry.get("ContextKeyValues", []) for entry in entries}
    )
    results = []
    for action in request["ActionNames"]:
        for resource in request.get("ResourceArns", ["*"]):
            asked = PolicyRequest(action, resource, context)
            results.append(_evaluation(sets, asked))
    return {"EvaluationResults": results, "IsTruncated": False}


def _evaluation(sets: Sequence[PolicySet], asked: PolicyRequest) -> dict[str, Any]:
    evaluation: dict[str, Any] = {
        "EvalActionName": asked.action,
        "EvalResourceName": asked.resource,
        "EvalDecision": _name(evaluate(sets, asked)),
    }
    if boundary := [one for one in sets if one.kind == BOUNDARY]:
        allowed = evaluate(boundary, asked).allowed
        evaluation["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": allowed}
    return evaluation


def _name(decision: Decision) -> str:
    if decision.allowed:
        return "allowed"
    return "explicitDeny" if decision.explicit else "implicitDeny"


def _policies(documents: Sequence[str]) -> list[Policy]:
    try:
        return [read_policy(document) for document in documents]
    except BadPolicy as error:
        raise InvalidInput(str(error)) from error
