"""Log groups: create, delete, describe, retention, tags."""

from __future__ import annotations

import json
import sqlite3
from itertools import islice
from typing import TYPE_CHECKING, Any

from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.errors import (
    InvalidParameterException,
    ResourceAlreadyExistsException,
    ResourceNotFoundException,
    TooManyTagsException,
    ValidationException,
)
from maze_helpers.local_cloud.services.logs.pages import make_token, read_token

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

DEFAULT_LIMIT = 50
MAX_TAGS = 50
ESSENTIALS = ("arn", "creationTime", "logGroupName")

# The periods that PutRetentionPolicy's documentation lists; the model does not.
RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
)  # fmt: skip


class LogGroups:
    """The operations on log groups."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.logs = cloud.logs
        self.operations = {
            "CreateLogGroup": self.create_log_group,
            "DeleteLogGroup": self.delete_log_group,
            "DescribeLogGroups": self.describe_log_groups,
            "PutRetentionPolicy": self.put_retention_policy,
            "DeleteRetentionPolicy": self.delete_retention_policy,
            "PutLogGroupDeletionProtection": self.put_log_group_deletion_protection,
            "ListTagsForResource": self.list_tags_for_resource,
            "TagResource": self.tag_resource,
            "UntagResource": self.untag_resource,
            "ListTagsLogGroup": self.list_tags_log_group,
            "TagLogGroup": self.tag_log_group,
            "UntagLogGroup": self.untag_log_group,
        }

    def find(self, request: dict[str, Any]) -> sqlite3.Row:
        """Return the group that a request names, by name or by identifier (name or ARN).

        Raises: InvalidParameterException, ResourceNotFoundException.
        """
        name, identifier = request.get("logGroupName"), request.get("logGroupIdentifier")
        if (name is None) == (identifier is None):
            raise InvalidParameterException(
                "Exactly one of logGroupName and logGroupIdentifier must be specified."
            )
        return self._existing(name or self._name_in(identifier))

    def _existing(self, name: str) -> sqlite3.Row:
        group = self.logs.group(name)
        if group is None:
            raise ResourceNotFoundException("The specified log group does not exist.")
        return group

    def _name_in(self, identifier: str) -> str:
        """Return the name in an identifier: a name, or a group's ARN."""
        return identifier.removeprefix(self.arn(""))

    def arn(self, name: str) -> str:
        """Return a group's ARN, without the `:*` that stands for its streams."""
        return f"arn:aws:logs:{self.cloud.region}:{self.cloud.account_id}:log-group:{name}"

    def create_log_group(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Make an empty group.

        # Differs from AWS: a kmsKeyId is remembered, but nothing on disk is encrypted.
        """
        attributes = {
            name: request[name]
            for name in ("logGroupClass", "kmsKeyId", "deletionProtectionEnabled")
            if name in request
        }
        row = (
            request["logGroupName"],
            self.logs.now_ms(),
            json.dumps(attributes),
            json.dumps(request.get("tags", {})),
        )
        try:
            self.logs.store.connection.execute(
                "INSERT INTO log_groups (name, created_ms, attributes, tags) VALUES (?, ?, ?, ?)",
                row,
            )
        except sqlite3.IntegrityError as error:
            raise ResourceAlreadyExistsException(
                "The specified log group already exists"
            ) from error
        return {}

    def delete_log_group(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Delete a group with its streams and events."""
        group = self.find(request)
        if json.loads(group["attributes"]).get("deletionProtectionEnabled"):
            raise ValidationException(
                "The specified log group has deletion protection enabled. Disable it first."
            )
        self.logs.store.connection.execute(
            "DELETE FROM log_groups WHERE name = ?", (group["name"],)
        )
        return {}

    def describe_log_groups(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return a page of groups, by name; of those found by a pattern only the essentials."""
        prefix, pattern = request.get("logGroupNamePrefix"), request.get("logGroupNamePattern")
        if prefix is not None and pattern is not None:
            raise InvalidParameterException(
                "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."
            )
        after = read_token(request["nextToken"], str)[0] if "nextToken" in request else ""
        names = {self._name_in(identifier) for identifier in request.get("logGroupIdentifiers", ())}
        groups = self.logs.groups(prefix or "", after)
        found = (group for group in groups if _wanted(group, request, names))
        limit = request.get("limit", DEFAULT_LIMIT)
        page = list(islice(found, limit + 1))
        described = [self._described(group) for group in page[:limit]]
        if pattern is not None:
            described = [{name: group[name] for name in ESSENTIALS} for group in described]
        answer: dict[str, Any] = {"logGroups": described}
        if len(page) > limit:
            answer["nextToken"] = make_token(page[limit - 1]["name"])
        return answer

    def _described(self, group: sqlite3.Row) -> dict[str, Any]:
        arn = self.arn(group["name"])
        return {
            "logGroupName": group["name"],
            "creationTime": group["created_ms"],
            "retentionInDays": group["retention_days"],
            "metricFilterCount": 0,
            "arn": f"{arn}:*",
            "logGroupArn": arn,
            "storedBytes": group["stored_bytes"],
            "logGroupClass": "STANDARD",
            **json.loads(group["attributes"]),
        }

    def put_retention_policy(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Let a group's events expire after some days."""
        days = request["retentionInDays"]
        if days not in RETENTION_DAYS:
            allowed = ", ".join(map(str, RETENTION_DAYS))
            raise InvalidParameterException(
                f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to "
                f"satisfy constraint: Member must satisfy enum value set: [{allowed}]"
            )
        return self._update(request, "retention_days", days)

    def delete_retention_policy(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Let a group's events stay for ever."""
        return self._update(request, "retention_days", None)

    def put_log_group_deletion_protection(
        self, request: dict[str, Any], caller: AccessKey
    ) -> dict[str, Any]:
        """Protect a group from deletion, or stop protecting it."""
        attributes = json.loads(self.find(request)["attributes"])
        attributes["deletionProtectionEnabled"] = request["deletionProtectionEnabled"]
        return self._update(request, "attributes", json.dumps(attributes))

    def _update(self, request: dict[str, Any], column: str, value: Any) -> dict[str, Any]:
        group = self.find(request)
        self.logs.store.connection.execute(
            f"UPDATE log_groups SET {column} = ? WHERE name = ?", (value, group["name"])
        )
        return {}

    # Tags: the operations by ARN, and the older ones by name.

    def list_tags_for_resource(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return a group's tags."""
        return {"tags": json.loads(self._tagged(request)["tags"])}

    def tag_resource(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Add tags to a group, or change their values."""
        return self._tag(self._tagged(request), request["tags"])

    def untag_resource(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Remove tags from a group."""
        return self._untag(self._tagged(request), request["tagKeys"])

    def list_tags_log_group(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return a group's tags."""
        return {"tags": json.loads(self.find(request)["tags"])}

    def tag_log_group(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Add tags to a group, or change their values."""
        return self._tag(self.find(request), request["tags"])

    def untag_log_group(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Remove tags from a group."""
        return self._untag(self.find(request), request["tags"])

    def _tagged(self, request: dict[str, Any]) -> sqlite3.Row:
        return self._existing(self._name_in(request["resourceArn"]))

    def _tag(self, group: sqlite3.Row, tags: dict[str, str]) -> dict[str, Any]:
        merged = json.loads(group["tags"]) | tags
        if len(merged) > MAX_TAGS:
            raise TooManyTagsException(
                "The specified resource cannot have more than 50 tags.",
                resourceName=self.arn(group["name"]),
            )
        return self._update({"logGroupName": group["name"]}, "tags", json.dumps(merged))

    def _untag(self, group: sqlite3.Row, keys: list[str]) -> dict[str, Any]:
        left = {key: value for key, value in json.loads(group["tags"]).items() if key not in keys}
        return self._update({"logGroupName": group["name"]}, "tags", json.dumps(left))


def _wanted(group: sqlite3.Row, request: dict[str, Any], names: set[str]) -> bool:
    """Return whether a group passes the filters of DescribeLogGroups, the prefix aside."""
    pattern, wanted_class = request.get("logGroupNamePattern"), request.get("logGroupClass")
    group_class = json.loads(group["attributes"]).get("logGroupClass", "STANDARD")
    return (
        (pattern is None or pattern in group["name"])
        and (wanted_class is None or wanted_class == group_class)
        and (not names or group["name"] in names)
    )
