"""Notebook instances: Create, Describe, List, Start, Stop, Update, Delete, and presigned URLs.

The engine carries out what these operations write into a notebook instance's document.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.engine.notebooks import record
from maze_helpers.local_cloud.errors import ValidationException
from maze_helpers.local_cloud.services.sagemaker.listing import list_page, list_result
from maze_helpers.local_cloud.services.sagemaker.notebook_request import (
    DEFAULTS,
    check_notebook_request,
    check_transition,
    check_volume,
)
from maze_helpers.local_cloud.services.sagemaker.quota_usage import notebook_usage
from maze_helpers.local_cloud.services.sagemaker.quotas import AccountQuotas
from maze_helpers.local_cloud.services.sagemaker.resources import (
    LIFECYCLE_CONFIG,
    NOTEBOOK_INSTANCE,
    Document,
    Resources,
)
from maze_helpers.local_cloud.services.sagemaker.roles import check_role
from maze_helpers.local_cloud.services.sagemaker.tags import checked_tags

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

# What Describe answers as Create or Update was given it; also under another name.
_SETTABLE = (
    "InstanceMetadataServiceConfiguration",
    "InstanceType",
    "IpAddressType",
    "PlatformIdentifier",
    "RoleArn",
    "RootAccess",
    "VolumeSizeInGB",
)
_DESCRIBED = (*_SETTABLE, "DirectInternetAccess", "KmsKeyId", "NotebookInstanceName", "SubnetId")
_SUMMARISED = (
    "CreationTime",
    "InstanceType",
    "LastModifiedTime",
    "NotebookInstanceArn",
    "NotebookInstanceLifecycleConfigName",
    "NotebookInstanceName",
    "NotebookInstanceStatus",
    "Url",
)
_CONFIG_NAME = "NotebookInstanceLifecycleConfigName"
# None has a code repository: those two filters leave nothing.
_FILTERS = {
    "NotebookInstanceLifecycleConfigNameContains": (
        f"instr(json_extract(document, '$.{_CONFIG_NAME}'), ?) > 0"
    ),
    "DefaultCodeRepositoryContains": "document IS NULL AND ? != ''",
    "AdditionalCodeRepositoryEquals": "document IS NULL AND ? != ''",
}
# Source: SortBy of ListNotebookInstances; that it is ascending is a guess.
_ORDER = {"SortBy": "Name", "SortOrder": "Ascending"}
# Source: SessionExpirationDurationInSeconds of CreatePresignedNotebookInstanceUrl.
_DEFAULT_SESSION_S = 12 * 3600
_AT_REST = ("Stopped", "Failed")


class NotebookInstances:
    """The operations on notebook instances."""

    def __init__(self, cloud: LocalCloud, resources: Resources) -> None:
        self.cloud = cloud
        self.resources = resources
        self.quotas = AccountQuotas(cloud.store)
        self.operations: dict[str, Callable[[dict[str, Any], AccessKey], dict[str, Any]]] = {
            "CreateNotebookInstance": self.create_notebook_instance,
            "CreatePresignedNotebookInstanceUrl": self.create_presigned_url,
            "DeleteNotebookInstance": self.delete_notebook_instance,
            "DescribeNotebookInstance": self.describe_notebook_instance,
            "ListNotebookInstances": self.list_notebook_instances,
            "StartNotebookInstance": self.start_notebook_instance,
            "StopNotebookInstance": self.stop_notebook_instance,
            "UpdateNotebookInstance": self.update_notebook_instance,
        }

    def create_notebook_instance(
        self, request: dict[str, Any], caller: AccessKey
    ) -> dict[str, Any]:
        """Record a notebook instance, have it come up, and return its ARN."""
        check_role(self.cloud, request["RoleArn"])
        check_notebook_request("CreateNotebookInstance", request)
        tags = checked_tags(request.get("Tags", []))
        document = self._new_document(request)
        arn = self.resources.insert(
            NOTEBOOK_INSTANCE, document, tags, lambda: self._check_new(document)
        )
        self.cloud.notebooks.start(request["NotebookInstanceName"])
        return {"NotebookInstanceArn": arn}

    def _new_document(self, request: dict[str, Any]) -> Document:
        document = DEFAULTS | {
            member: request[member] for member in _DESCRIBED if member in request
        }
        if "SecurityGroupIds" in request:
            document["SecurityGroups"] = request["SecurityGroupIds"]
        if "LifecycleConfigName" in request:
            document[_CONFIG_NAME] = request["LifecycleConfigName"]
        document["NotebookInstanceArn"] = self.resources.arn(
            NOTEBOOK_INSTANCE, request["NotebookInstanceName"]
        )
        record.begin(document, self.cloud.clock.now())
        return document

    def _check_new(self, document: Document) -> None:
        """Check, within the transaction that stores it, that there may be one more like this.

        Raises: ResourceLimitExceeded; ValidationException, if its lifecycle configuration is gone.
        """
        if _CONFIG_NAME in document:
            self.resources.get(LIFECYCLE_CONFIG, document[_CONFIG_NAME])
        self._check_quotas(document)

    def _check_quotas(self, document: Document) -> None:
        running = self.resources.names_in_status(NOTEBOOK_INSTANCE, *record.WITH_INSTANCE)
        self.quotas.check_new(
            (notebook_usage(self.resources.get(NOTEBOOK_INSTANCE, name)) for name in running),
            notebook_usage(document),
        )

    def describe_notebook_instance(
        self, request: dict[str, Any], caller: AccessKey
    ) -> dict[str, Any]:
        """Return everything about a notebook instance but what is the engine's."""
        document = self.resources.get(NOTEBOOK_INSTANCE, request["NotebookInstanceName"])
        return {member: v for member, v in document.items() if not member.startswith("_")}

    def list_notebook_instances(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return a page of notebook instances, by name unless the request says otherwise."""
        page = list_page(self.cloud.store, NOTEBOOK_INSTANCE, _ORDER | request, _FILTERS)
        return list_result("NotebookInstances", page, _summary)

    def start_notebook_instance(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Have a notebook instance come up again, with the volume that it had."""

        def start(document: Document) -> None:
            check_transition(document, "Pending", *_AT_REST)
            self._check_quotas(document)
            self._enter(document, "Pending")

        self.cloud.notebooks.start(self._change(request, start))
        return {}

    def stop_notebook_instance(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Have a notebook instance's machine end; its volume stays."""

        def stop(document: Document) -> None:
            check_transition(document, "Stopping", "InService")
            self._enter(document, "Stopping")

        self.cloud.notebooks.stop(self._change(request, stop))
        return {}

    def delete_notebook_instance(
        self, request: dict[str, Any], caller: AccessKey
    ) -> dict[str, Any]:
        """Have a notebook instance go that is stopped, with its volume."""

        def delete(document: Document) -> None:
            check_transition(document, "Deleting", *_AT_REST)
            self._enter(document, "Deleting")

        self.cloud.notebooks.delete(self._change(request, delete))
        return {}

    def update_notebook_instance(
        self, request: dict[str, Any], caller: AccessKey
    ) -> dict[str, Any]:
        """Change a notebook instance that is stopped; it has effect at its next start."""
        if "RoleArn" in request:
            check_role(self.cloud, request["RoleArn"])
        check_notebook_request("UpdateNotebookInstance", request)

        def update(document: Document) -> None:
            check_transition(document, "Updating", *_AT_REST)
            check_volume(document, request)
            document |= {member: request[member] for member in _SETTABLE if member in request}
            if request.get("DisassociateLifecycleConfig"):
                document.pop(_CONFIG_NAME, None)
            if "LifecycleConfigName" in request:
                self.resources.get(LIFECYCLE_CONFIG, request["LifecycleConfigName"])
                document[_CONFIG_NAME] = request["LifecycleConfigName"]
            self._enter(document, "Updating")

        self.cloud.notebooks.settle(self._change(request, update))
        return {}

    def create_presigned_url(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return a URL that opens the Jupyter of a notebook instance, for five minutes."""
        document = self.resources.get(NOTEBOOK_INSTANCE, request["NotebookInstanceName"])
        instance = self.cloud.notebooks.instance(document["NotebookInstanceName"])
        status = document["NotebookInstanceStatus"]
        if status != "InService" or instance is None:
            # The wording is a guess.
            raise ValidationException(
                f"Notebook Instance ({document['NotebookInstanceArn']}) is in status {status}. It "
                "must be InService to be opened."
            )
        session_s = request.get("SessionExpirationDurationInSeconds", _DEFAULT_SESSION_S)
        return {"AuthorizedUrl": instance.url(session_s, self.cloud.clock.time_s())}

    def _change(self, request: dict[str, Any], change: Callable[[Document], None]) -> str:
        """Apply a change to a notebook instance; return its name as it was created."""
        document = self.resources.update(NOTEBOOK_INSTANCE, request["NotebookInstanceName"], change)
        return document["NotebookInstanceName"]

    def _enter(self, document: Document, status: str) -> None:
        record.enter(document, status, self.cloud.clock.now())


def _summary(document: Document) -> Document:
    return {member: document[member] for member in _SUMMARISED if member in document}
