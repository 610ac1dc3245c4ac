"""Tags on SageMaker's resources: AddTags, ListTags, DeleteTags, and the tags given on create."""

import base64
import binascii
from collections.abc import Callable
from typing import Any

from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.errors import ValidationException
from maze_helpers.local_cloud.services.sagemaker.listing import INVALID_TOKEN
from maze_helpers.local_cloud.store import Store

MAX_TAGS = 50
# AWS's own tags start so, whatever the case; a caller cannot set them.
RESERVED_PREFIX = "aws:"
DEFAULT_PAGE_SIZE = 50


def checked_tags(tags: list[dict[str, str]]) -> dict[str, str]:
    """Return a request's tags by key.

    Raises: ValidationException, for a key that is there twice or is AWS's own.
    """
    by_key: dict[str, str] = {}
    for tag in tags:
        key = tag["Key"]
        if key in by_key:
            raise ValidationException(f"Tag keys must be unique; '{key}' is there twice.")
        if key.lower().startswith(RESERVED_PREFIX):
            raise ValidationException(
                f"The tag key '{key}' starts with '{RESERVED_PREFIX}', which AWS reserves."
            )
        by_key[key] = tag["Value"]
    return by_key


class Tags:
    """The operations on tags. The wordings of their errors are guesses."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.operations: dict[str, Callable[[dict[str, Any], AccessKey], dict[str, Any]]] = {
            "AddTags": self.add_tags,
            "ListTags": self.list_tags,
            "DeleteTags": self.delete_tags,
        }

    def add_tags(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Add tags, overwriting those whose key is there, and return all of the resource's."""
        added = checked_tags(request["Tags"])
        with self._store.transaction() as db:
            arn = self._existing(request["ResourceArn"])
            db.executemany(
                "INSERT INTO sagemaker_tags VALUES (?, ?, ?) "
                "ON CONFLICT (arn, key) DO UPDATE SET value = excluded.value",
                [(arn, key, value) for key, value in added.items()],
            )
            tags = self._tags(arn)
            if len(tags) > MAX_TAGS:
                raise ValidationException(
                    f"A resource can have at most {MAX_TAGS} tags; this request makes "
                    f"{len(tags)} on {arn}."
                )
        return {"Tags": tags}

    def list_tags(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return a page of a resource's tags, by key."""
        arn = self._existing(request["ResourceArn"])
        page_size = request.get("MaxResults", DEFAULT_PAGE_SIZE)
        after = _read_token(request["NextToken"]) if "NextToken" in request else ""
        tags = [tag for tag in self._tags(arn) if tag["Key"] > after]
        result: dict[str, Any] = {"Tags": tags[:page_size]}
        if len(tags) > page_size:
            last = tags[page_size - 1]["Key"]
            result["NextToken"] = base64.urlsafe_b64encode(last.encode()).decode()
        return result

    def delete_tags(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Delete the tags of these keys; a key that is not there does not matter."""
        with self._store.transaction() as db:
            arn = self._existing(request["ResourceArn"])
            db.executemany(
                "DELETE FROM sagemaker_tags WHERE arn = ? AND key = ?",
                [(arn, key) for key in request["TagKeys"]],
            )
        return {}

    def _existing(self, arn: str) -> str:
        # An ARN holds its resource's name in lower case, however the name was spelled.
        row = self._store.connection.execute(
            "SELECT arn FROM sagemaker_resources WHERE arn = ?", (arn.lower(),)
        ).fetchone()
        if row is None:
            raise ValidationException(f"Could not find the resource {arn}.")
        return row["arn"]

    def _tags(self, arn: str) -> list[dict[str, str]]:
        rows = self._store.connection.execute(
            "SELECT key, value FROM sagemaker_tags WHERE arn = ?", (arn,)
        ).fetchall()
        tags = [{"Key": row["key"], "Value": row["value"]} for row in rows]
        return sorted(tags, key=lambda tag: tag["Key"])


def _read_token(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except (binascii.Error, ValueError) as error:
        raise ValidationException(INVALID_TOKEN) from error
