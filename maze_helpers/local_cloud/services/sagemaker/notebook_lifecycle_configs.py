"""Lifecycle configurations of notebook instances: Create, Describe, List, Update and Delete."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.errors import ValidationException
from maze_helpers.local_cloud.services.sagemaker.listing import list_page, list_result
from maze_helpers.local_cloud.services.sagemaker.resources import (
    LIFECYCLE_CONFIG,
    NOTEBOOK_INSTANCE,
    Document,
    Kind,
    Resources,
)
from maze_helpers.local_cloud.services.sagemaker.tags import checked_tags

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

_NAME = "NotebookInstanceLifecycleConfigName"
_HOOKS = ("OnCreate", "OnStart")
_SUMMARISED = (
    "CreationTime",
    "LastModifiedTime",
    "NotebookInstanceLifecycleConfigArn",
    _NAME,
)


class NotebookLifecycleConfigs:
    """The operations on lifecycle configurations."""

    def __init__(self, cloud: LocalCloud, resources: Resources) -> None:
        self.cloud = cloud
        self.resources = resources
        self.operations: dict[str, Callable[[dict[str, Any], AccessKey], dict[str, Any]]] = {
            "CreateNotebookInstanceLifecycleConfig": self.create,
            "DeleteNotebookInstanceLifecycleConfig": self.delete,
            "DescribeNotebookInstanceLifecycleConfig": self.describe,
            "ListNotebookInstanceLifecycleConfigs": self.list,
            "UpdateNotebookInstanceLifecycleConfig": self.update,
        }

    def create(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Record a lifecycle configuration and return its ARN."""
        hooks = _checked_hooks(request)
        now = self.cloud.clock.now()
        document: Document = {
            _NAME: request[_NAME],
            "NotebookInstanceLifecycleConfigArn": self.resources.arn(
                LIFECYCLE_CONFIG, request[_NAME]
            ),
            "CreationTime": now,
            "LastModifiedTime": now,
            **hooks,
        }
        tags = checked_tags(request.get("Tags", []))
        arn = self.resources.insert(LIFECYCLE_CONFIG, document, tags)
        return {"NotebookInstanceLifecycleConfigArn": arn}

    def describe(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return a lifecycle configuration, its scripts in base64."""
        return self.resources.get(LIFECYCLE_CONFIG, request[_NAME])

    def list(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return a page of lifecycle configurations, the newest first unless asked otherwise."""
        page = list_page(self.cloud.store, LIFECYCLE_CONFIG, request)
        return list_result("NotebookInstanceLifecycleConfigs", page, _summary)

    def update(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Change the scripts that are given; instances run them at their next start."""
        hooks = _checked_hooks(request)

        def change(document: Document) -> None:
            document |= hooks
            document["LastModifiedTime"] = self.cloud.clock.now()

        self.resources.update(_kind_to("update"), request[_NAME], change)
        return {}

    def delete(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Forget a lifecycle configuration that no notebook instance has."""

        def check_unused(document: Document) -> None:
            users = [
                notebook["NotebookInstanceName"]
                for notebook in self.resources.documents(NOTEBOOK_INSTANCE)
                if notebook.get(_NAME, "").lower() == document[_NAME].lower()
            ]
            if users:
                # The wording of the details is a guess.
                raise ValidationException(
                    "Unable to delete Notebook Instance Lifecycle Config "
                    f"'{document['NotebookInstanceLifecycleConfigArn']}'. (Details: Notebook "
                    f"Instance Lifecycle Config is used by {', '.join(users)}.)"
                )

        self.resources.delete(_kind_to("delete"), request[_NAME], check_unused)
        return {}


def _kind_to(verb: str) -> Kind:
    """Return the kind, whose error for one that is not there says what was to be done to it."""
    not_found = LIFECYCLE_CONFIG.not_found.replace("describe", verb)
    return replace(LIFECYCLE_CONFIG, not_found=not_found)


def _checked_hooks(request: dict[str, Any]) -> Document:
    """Return the scripts of a request, by hook.

    Raises: ValidationException, if one is not base64, in which `base64` may have broken lines:
    people quote its output, as issue 11 of aws-samples/amazon-sagemaker-codeserver says.
    """
    hooks = {hook: request[hook] for hook in _HOOKS if hook in request}
    for hook, scripts in hooks.items():
        for script in scripts:
            try:
                base64.b64decode("".join(script.get("Content", "").split()), validate=True)
            except binascii.Error:
                # The wording is a guess.
                raise ValidationException(f"The Content of {hook} is not base64-encoded.") from None
    return hooks


def _summary(document: Document) -> Document:
    return {member: document[member] for member in _SUMMARISED}
