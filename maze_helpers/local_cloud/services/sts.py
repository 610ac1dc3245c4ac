"""STS: who the caller is, and temporary credentials."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.errors import AccessDenied, ValidationError
from maze_helpers.local_cloud.protocol import ServiceProtocol

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud
    from maze_helpers.local_cloud.services.iam import IAM

DEFAULT_DURATION_S = 3600
SESSION_TOKEN_DURATION_S = 12 * 3600

# AssumeRole with credentials of a role is role chaining, which AWS limits to an hour.
MAX_CHAINED_DURATION_S = 3600


class STS:
    """The Security Token Service."""

    def __init__(self, cloud: LocalCloud, iam: IAM) -> None:
        self.cloud = cloud
        self.iam = iam
        self.protocol = ServiceProtocol("sts")
        self.operations = {
            "AssumeRole": self.assume_role,
            "GetAccessKeyInfo": self.get_access_key_info,
            "GetCallerIdentity": self.get_caller_identity,
            "GetSessionToken": self.get_session_token,
        }

    def get_caller_identity(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return the account, user id and ARN of whoever signed the request."""
        role = self.iam.role(caller.role_name)
        user_id = f"{role['RoleId']}:{caller.session_name}" if role else caller.user_id
        return {"Account": caller.account_id, "UserId": user_id, "Arn": caller.arn}

    def assume_role(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return temporary credentials of a role, for an hour unless asked otherwise.

        # Differs from AWS: neither the role's trust policy nor a session policy is evaluated.
        """
        arn, session_name = request["RoleArn"], request["RoleSessionName"]
        role = self._role(arn)
        if role is None:
            raise AccessDenied(
                f"User: {caller.arn} is not authorized to perform: sts:AssumeRole "
                f"on resource: {arn}"
            )
        duration_s = request.get("DurationSeconds", DEFAULT_DURATION_S)
        if duration_s > role.get("MaxSessionDuration", DEFAULT_DURATION_S):
            raise ValidationError(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
            )
        if caller.session_token is not None and duration_s > MAX_CHAINED_DURATION_S:
            raise ValidationError(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed "
                "by role chaining"
            )
        key = self.cloud.credentials.lend(role["RoleName"], session_name, duration_s)
        return {
            "Credentials": _shown(key),
            "AssumedRoleUser": {
                "AssumedRoleId": f"{role['RoleId']}:{session_name}",
                "Arn": key.arn,
            },
            "SourceIdentity": request.get("SourceIdentity"),
        }

    def _role(self, arn: str) -> dict[str, Any] | None:
        """Return the role of an ARN, or None if there is none.

        Raises: ValidationError, if it is no role's ARN.
        """
        parts = arn.split(":", 5)
        if len(parts) < 6 or parts[2] != "iam" or not parts[5].startswith("role/"):
            raise ValidationError(f"{arn} is invalid")
        role = self.iam.role(parts[5].rpartition("/")[2])
        return role if role and role["Arn"] == arn else None

    def get_session_token(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return temporary credentials of the caller, for twelve hours unless asked otherwise."""
        if caller.session_token is not None:
            raise AccessDenied("Cannot call GetSessionToken with session credentials")
        duration_s = request.get("DurationSeconds", SESSION_TOKEN_DURATION_S)
        key = self.cloud.credentials.lend(caller.role_name, caller.session_name, duration_s)
        return {"Credentials": _shown(key)}

    def get_access_key_info(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return the account that an access key belongs to.

        Raises: ValidationError, for a key that is not this cloud's; the wording is a guess.
        """
        key = self.cloud.credentials.find(request["AccessKeyId"])
        if key is None:
            raise ValidationError("The specified AccessKeyId is not valid")
        return {"Account": key.account_id}


def _shown(key: AccessKey) -> dict[str, Any]:
    expiration = datetime.fromtimestamp(int(key.expires_at or 0), tz=timezone.utc)
    return {
        "AccessKeyId": key.access_key_id,
        "SecretAccessKey": key.secret_access_key,
        "SessionToken": key.session_token,
        "Expiration": expiration,
    }
