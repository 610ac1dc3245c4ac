"""Whether policies allow a request: an explicit deny wins, and nothing is allowed by default.

Source: IAM guide, "Policy evaluation logic".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from maze_helpers.local_cloud.iam_policies.context import PolicyRequest
from maze_helpers.local_cloud.iam_policies.documents import Policy, Statement

IDENTITY, BOUNDARY, SESSION = "identity-based policy", "permissions boundary", "session policy"
# How many actions' statements a role's policies remember.
_REMEMBERED_ACTIONS = 512


@dataclass(frozen=True)
class Decision:
    """Whether a request is allowed; if not, which kind of policy denied it, and how.

    explicit: whether a statement says Deny, rather than none Allow.
    """

    allowed: bool
    policy_kind: str = ""
    explicit: bool = False

    def reason(self, action: str) -> str:
        """Return why a request was denied, as the end of AWS's sentence."""
        article = "an" if self.policy_kind == IDENTITY else "a"
        if self.explicit:
            return f"with an explicit deny in {article} {self.policy_kind}"
        return f"because no {self.policy_kind} allows the {action} action"


class PolicySet:
    """Policies of one kind, any of which may allow."""

    def __init__(self, kind: str, policies: Sequence[Policy]) -> None:
        """kind: IDENTITY, BOUNDARY or SESSION."""
        self.kind = kind
        self._policies = tuple(policies)
        self._statements = [one for policy in policies for one in policy.statements]
        # Most of a large policy speaks of other actions.
        self._naming = lru_cache(maxsize=_REMEMBERED_ACTIONS)(self._naming_action)

    def with_policies(self, policies: Sequence[Policy]) -> "PolicySet":
        """Return a set of these policies and others."""
        return PolicySet(self.kind, [*self._policies, *policies])

    def _naming_action(self, action: str) -> tuple[Statement, ...]:
        return tuple(one for one in self._statements if one.names_action(action))

    def effect(self, request: PolicyRequest) -> bool | None:
        """Return False for an explicit deny, True for an allow, None where nothing applies."""
        allowed = None
        for statement in self._naming(request.action):
            if allowed and statement.allows:
                continue
            if statement.applies_to(request):
                if not statement.allows:
                    return False
                allowed = True
        return allowed


def evaluate(sets: Sequence[PolicySet], request: PolicyRequest, granted: bool = False) -> Decision:
    """Return the decision of sets of policies that all have to allow a request.

    granted: whether the resource's own policy names the caller, so that the identity-based ones
    need not allow it, too.
    """
    effects = [(policies.kind, policies.effect(request)) for policies in sets]
    for kind, effect in effects:
        if effect is False:
            return Decision(False, kind, explicit=True)
    for kind, effect in effects:
        if effect is None and not (granted and kind == IDENTITY):
            return Decision(False, kind)
    return Decision(True)
