"""Policy documents, read into statements.

Source: IAM guide, "IAM JSON policy elements reference".
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from maze_helpers.local_cloud.iam_policies.conditions import Condition, condition
from maze_helpers.local_cloud.iam_policies.context import PolicyRequest
from maze_helpers.local_cloud.iam_policies.matching import (
    Piece,
    expanded,
    matches,
    matches_arn,
    pieces,
)

WITH_VARIABLES = "2012-10-17"
VERSIONS = ("2008-10-17", WITH_VARIABLES)


class BadPolicy(Exception):
    """A document is not a policy; the text says why."""


@dataclass(frozen=True)
class Statement:
    """One statement of a policy.

    actions: in lower case. resources: None in a trust policy, which speaks of its own role.
    principals: such as {"Service": ("sagemaker.amazonaws.com",)}; None in other policies.
    """

    allows: bool
    actions: tuple[tuple[Piece, ...], ...]
    excludes_actions: bool
    resources: tuple[str, ...] | None
    excludes_resources: bool
    principals: Mapping[str, tuple[str, ...]] | None
    excludes_principals: bool
    conditions: tuple[Condition, ...]
    has_variables: bool

    def names_action(self, action: str) -> bool:
        """Return whether it speaks of an action."""
        lower = action.lower()
        found = any(matches(pattern, lower) for pattern in self.actions)
        return found is not self.excludes_actions

    def applies_to(self, request: PolicyRequest) -> bool:
        """Return whether it decides a request, the principals apart."""
        return (
            self.names_action(request.action)
            and self._names_resource(request)
            and all(condition.holds(request.context) for condition in self.conditions)
        )

    def _names_resource(self, request: PolicyRequest) -> bool:
        if self.resources is None:
            return True
        found = any(self._is_resource(pattern, request) for pattern in self.resources)
        return found is not self.excludes_resources

    def _is_resource(self, pattern: str, request: PolicyRequest) -> bool:
        if not self.has_variables or "${" not in pattern:
            return matches_arn(pieces(pattern), request.resource)
        parts = expanded(pattern, request.context)
        return parts is not None and matches_arn(parts, request.resource)


@dataclass(frozen=True)
class Policy:
    """A document's statements."""

    statements: tuple[Statement, ...]


def read_policy(document: str | Mapping[str, Any]) -> Policy:
    """Return the policy in a document, JSON or already parsed.

    Raises: BadPolicy.
    """
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError as error:
            raise BadPolicy("This policy contains invalid Json") from error
    if not isinstance(document, Mapping):
        raise BadPolicy("Syntax errors in policy.")
    version = document.get("Version", VERSIONS[0])
    if version not in VERSIONS:
        raise BadPolicy(f"The policy's Version must be one of {', '.join(VERSIONS)}.")
    statements = document.get("Statement", [])
    if isinstance(statements, Mapping):
        statements = [statements]
    if not isinstance(statements, list):
        raise BadPolicy("Syntax errors in policy.")
    return Policy(tuple(_statement(one, version == WITH_VARIABLES) for one in statements))


def _statement(document: Any, has_variables: bool) -> Statement:
    if not isinstance(document, Mapping) or document.get("Effect") not in ("Allow", "Deny"):
        raise BadPolicy("Each statement must have an Effect, Allow or Deny.")
    actions, excludes_actions = _either(document, "Action")
    if actions is None:
        raise BadPolicy("Policy statement must contain actions.")
    resources, excludes_resources = _either(document, "Resource")
    principals, excludes_principals = _principals(document)
    if resources is None and principals is None:
        raise BadPolicy("Policy statement must contain resources.")
    return Statement(
        allows=document["Effect"] == "Allow",
        actions=tuple(tuple(pieces(action.lower())) for action in actions),
        excludes_actions=excludes_actions,
        resources=resources,
        excludes_resources=excludes_resources,
        principals=principals,
        excludes_principals=excludes_principals,
        conditions=_conditions(document.get("Condition", {}), has_variables),
        has_variables=has_variables,
    )


def _either(document: Mapping[str, Any], name: str) -> tuple[tuple[str, ...] | None, bool]:
    """Return what an element or its opposite lists, and whether it was the opposite."""
    opposite = f"Not{name}"
    if name in document and opposite in document:
        raise BadPolicy(f"A statement has {name} or {opposite}, not both.")
    if opposite in document:
        return _texts(document[opposite], opposite), True
    return (_texts(document[name], name), False) if name in document else (None, False)


def _principals(
    document: Mapping[str, Any],
) -> tuple[Mapping[str, tuple[str, ...]] | None, bool]:
    excludes = "NotPrincipal" in document
    given = document.get("NotPrincipal" if excludes else "Principal")
    if given is None:
        return None, False
    if given == "*":
        return {"AWS": ("*",)}, excludes
    if not isinstance(given, Mapping):
        raise BadPolicy("Invalid principal in policy.")
    return {kind: _texts(names, "Principal") for kind, names in given.items()}, excludes


def _conditions(block: Any, has_variables: bool) -> tuple[Condition, ...]:
    if not isinstance(block, Mapping) or not all(isinstance(k, Mapping) for k in block.values()):
        raise BadPolicy("Syntax errors in policy.")
    try:
        return tuple(
            condition(name, key, _texts(values, "Condition"), has_variables)
            for name, keys in block.items()
            for key, values in keys.items()
        )
    except ValueError as error:
        raise BadPolicy(str(error)) from error


def _texts(value: Any, element: str) -> tuple[str, ...]:
    """Return one value or a list of them, as texts: JSON's true and 5 are written 'true', '5'."""
    values: Sequence[Any] = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str | int | float) for one in values):
        raise BadPolicy(f"Syntax errors in policy: {element} is not a text or a list of texts.")
    return tuple(json.dumps(one) if not isinstance(one, str) else one for one in values)
