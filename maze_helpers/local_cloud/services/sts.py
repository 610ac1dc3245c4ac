"""STS: who the caller is, and temporary credentials."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from maze_helpers.local_cloud.access.target import tag_keys
from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.errors import AccessDenied, MalformedPolicyDocument, ValidationError
from maze_helpers.local_cloud.iam_policies.context import Context, KeyValues, PolicyRequest
from maze_helpers.local_cloud.iam_policies.documents import BadPolicy, read_policy
from maze_helpers.local_cloud.iam_policies.trust import ASSUME_ROLE, Principal, trust_of
from maze_helpers.local_cloud.protocol import ServiceProtocol
from maze_helpers.local_cloud.services.delegated import DelegatedError

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud
    from maze_helpers.local_cloud.services.iam import IAM

DEFAULT_DURATION_S = 3600
SESSION_TOKEN_DURATION_S = 12 * 3600

# AssumeRole with credentials of a role is role chaining, which AWS limits to an hour.
MAX_CHAINED_DURATION_S = 3600
TAG_SESSION = "sts:TagSession"


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
        role = self.iam.roles.get(caller.role_name)
        user_id = f"{role.role_id}:{caller.session_name}" if role else caller.user_id
        return {"Account": caller.account_id, "UserId": user_id, "Arn": caller.arn}

    def assume_role(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return temporary credentials of a role, for an hour unless asked otherwise."""
        arn, session_name = request["RoleArn"], request["RoleSessionName"]
        role = self._role(arn)
        if role is None or not self._may_assume(request, caller):
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
        key = self.cloud.credentials.lend(
            role["RoleName"],
            session_name,
            duration_s,
            session_policies=self._session_policies(request),
            session_tags={tag["Key"]: tag["Value"] for tag in request.get("Tags", [])},
        )
        return {
            "Credentials": _shown(key),
            "AssumedRoleUser": {
                "AssumedRoleId": f"{role['RoleId']}:{session_name}",
                "Arn": key.arn,
            },
            "SourceIdentity": request.get("SourceIdentity"),
        }

    def _may_assume(self, request: dict[str, Any], caller: AccessKey) -> bool:
        """Return whether a role trusts a caller, who may also assume it by its own policies.

        As on AWS, a role that trusts a service alone is not an administrator's to assume.
        """
        arn = request["RoleArn"]
        role = self.iam.roles.get(arn.rpartition("/")[2])
        own = self.iam.roles.get(caller.role_name)
        arns = (caller.arn, own.arn) if own else (caller.arn,)
        principal = Principal(account_id=caller.account_id, arns=arns)
        keys = _condition_keys(request, arns[-1])
        actions = [ASSUME_ROLE, *([TAG_SESSION] if request.get("Tags") else [])]
        for action in actions:
            trust = trust_of(role.trust, principal, PolicyRequest(action, arn, Context(keys)))
            decision = self.cloud.authorization.decide(caller, action, arn, keys, trust.by_name)
            if not trust.allowed or not decision.allowed:
                return False
        return True

    def _session_policies(self, request: dict[str, Any]) -> tuple[str, ...]:
        """Return the policies that limit a session, as documents.

        Raises: MalformedPolicyDocument; ValidationError, for a policy that is not there.
        """
        documents = [request["Policy"]] if "Policy" in request else []
        try:
            documents += [
                self.iam.roles.managed_document(policy["arn"])
                for policy in request.get("PolicyArns", [])
            ]
            for document in documents:
                read_policy(document)
        except DelegatedError as error:
            raise ValidationError(error.message) from error
        except BadPolicy as error:
            raise MalformedPolicyDocument(str(error)) from error
        return tuple(documents)

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
        key = self.cloud.credentials.lend(
            caller.role_name,
            caller.session_name,
            duration_s,
            is_administrator=caller.is_administrator,
        )
        return {"Credentials": _shown(key)}

    def get_access_key_info(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return the account that an access key belongs to.

        Raises: ValidationError, for a key that is not this cloud's; the wording is a guess.
        """
        key = self.cloud.credentials.find(request["AccessKeyId"])
        if key is None:
            raise ValidationError("The specified AccessKeyId is not valid")
        return {"Account": key.account_id}


def _condition_keys(request: dict[str, Any], principal_arn: str) -> dict[str, KeyValues]:
    """Return the condition keys of AssumeRole. Source: IAM guide, "Available keys for AWS STS"."""
    members = {
        "sts:ExternalId": "ExternalId",
        "sts:RoleSessionName": "RoleSessionName",
        "sts:SourceIdentity": "SourceIdentity",
        "sts:TransitiveTagKeys": "TransitiveTagKeys",
    }
    keys = {key: request[member] for key, member in members.items() if member in request}
    return keys | {"aws:PrincipalArn": principal_arn} | tag_keys(request.get("Tags"))


def _shown(key: AccessKey) -> dict[str, Any]:
    expiration = datetime.fromtimestamp(int(key.expires_at or 0), tz=timezone.utc)
    return {
        "AccessKeyId": key.access_key_id,
        "SecretAccessKey": key.secret_access_key,
        "SessionToken": key.session_token,
        "Expiration": expiration,
    }
