"""STS: who the caller is, and temporary credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.protocol import ServiceProtocol

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud


class STS:
    """The Security Token Service."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.protocol = ServiceProtocol("sts")
        self.operations = {"GetCallerIdentity": self.get_caller_identity}

    def get_caller_identity(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return the account, user id and ARN of whoever signed the request."""
        return {"Account": caller.account_id, "UserId": caller.user_id, "Arn": caller.arn}
