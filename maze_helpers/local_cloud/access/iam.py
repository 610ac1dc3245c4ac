"""What IAM's operations ask of policies.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS IAM". Its
errors name a role, a user and so on by its kind and name (public reports).
"""

from collections.abc import Callable, Iterator

from maze_helpers.local_cloud.access.target import Account, Parameters, Target, tag_keys

# The members that name the resource, the first that is there, and the resource's kind.
_NAMES = {
    "RoleName": "role",
    "UserName": "user",
    "GroupName": "group",
    "InstanceProfileName": "instance-profile",
}
_KEYS = {"iam:PolicyARN": "PolicyArn", "iam:PermissionsBoundary": "PermissionsBoundary"}
_OF_ALL = {"ListRoles": "role", "ListUsers": "user", "ListGroups": "group"}
_SIMULATED = "PolicySourceArn"


def targets(
    operation: str,
    parameters: Parameters,
    account: Account,
    role_arn: Callable[[str], str | None],
) -> Iterator[Target]:
    """Yield what an operation asks for. role_arn: gives the ARN of a role that is there."""
    keys = {key: parameters[member] for key, member in _KEYS.items() if member in parameters}
    keys |= tag_keys(parameters.get("Tags"))
    action = f"iam:{operation}"
    prefix = f"arn:aws:iam::{account.account_id}:"
    if operation in _OF_ALL:
        path = parameters.get("PathPrefix", "/")
        yield Target(action, f"{prefix}{_OF_ALL[operation]}{path}", keys)
        return
    for member, kind in _NAMES.items():
        if name := parameters.get(member):
            arn = role_arn(name) if kind == "role" else None
            arn = arn or f"{prefix}{kind}{parameters.get('Path', '/')}{name}"
            yield Target(action, arn, keys, shown=f"{kind} {name}")
            return
    if operation == "CreatePolicy":
        arn = f"{prefix}policy{parameters.get('Path', '/')}{parameters['PolicyName']}"
        yield Target(action, arn, keys, shown=f"policy {parameters['PolicyName']}")
    elif arn := parameters.get("PolicyArn"):
        yield Target(action, arn, keys, shown=f"policy {arn}")
    else:
        yield Target(action, parameters.get(_SIMULATED, "*"), keys)
