"""What CloudWatch Logs' operations ask of policies.

Source: CloudWatch Logs guide, "Overview of managing access permissions"; its errors name a group
with an empty stream.
"""

from collections.abc import Iterator

from maze_helpers.local_cloud.access.target import Account, Parameters, Target

# These are about every group that there is, or will be.
_OF_ALL_GROUPS = frozenset({"DescribeLogGroups"})


def targets(operation: str, parameters: Parameters, account: Account) -> Iterator[Target]:
    """Yield what an operation asks for."""
    group = parameters.get("logGroupName") or parameters.get("logGroupIdentifier")
    if operation in _OF_ALL_GROUPS:
        resource = log_arn(account, "")
    elif group:
        resource = log_arn(account, group.rpartition(":log-group:")[2].removesuffix(":*"))
        resource += parameters.get("logStreamName", "")
    else:
        resource = parameters.get("resourceArn", "*")
    yield Target(f"logs:{operation}", resource)


def log_arn(account: Account, group: str, stream: str = "") -> str:
    """Return the ARN by which policies know a stream, or with none a group."""
    return (
        f"arn:aws:logs:{account.region}:{account.account_id}:log-group:{group}:log-stream:{stream}"
    )
