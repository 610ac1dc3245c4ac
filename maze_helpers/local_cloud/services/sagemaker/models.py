"""Models: CreateModel, DescribeModel, ListModels and DeleteModel."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.services.sagemaker.listing import list_page, list_result
from maze_helpers.local_cloud.services.sagemaker.model_request import check_model_request
from maze_helpers.local_cloud.services.sagemaker.resources import MODEL, Document, Resources
from maze_helpers.local_cloud.services.sagemaker.tags import checked_tags

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

# What Describe answers as Create was given it.
# Differs from AWS: a VPC and EnableNetworkIsolation are kept, but a container's network is the
# machine's own.
_DESCRIBED = ("ExecutionRoleArn", "InferenceExecutionConfig", "ModelName", "VpcConfig")
_SUMMARISED = ("CreationTime", "ModelArn", "ModelName")


class Models:
    """The operations on models."""

    def __init__(self, cloud: LocalCloud, resources: Resources) -> None:
        self.cloud = cloud
        self.resources = resources
        self.operations: dict[str, Callable[[dict[str, Any], AccessKey], dict[str, Any]]] = {
            "CreateModel": self.create_model,
            "DeleteModel": self.delete_model,
            "DescribeModel": self.describe_model,
            "ListModels": self.list_models,
        }

    def create_model(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Record a model and return its ARN."""
        check_model_request(request, self.cloud)
        tags = checked_tags(request.get("Tags", []))
        arn = self.resources.insert(MODEL, self._new_document(request), tags)
        return {"ModelArn": arn}

    def _new_document(self, request: dict[str, Any]) -> Document:
        document: Document = {member: request[member] for member in _DESCRIBED if member in request}
        if request.get("PrimaryContainer"):
            document["PrimaryContainer"] = _full_container(request["PrimaryContainer"])
        else:
            document["Containers"] = [_full_container(c) for c in request["Containers"]]
        document["ModelArn"] = self.resources.arn(MODEL, request["ModelName"])
        document["EnableNetworkIsolation"] = request.get("EnableNetworkIsolation", False)
        document["CreationTime"] = self.cloud.clock.now()
        return document

    def describe_model(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return everything about a model."""
        return self.resources.get(MODEL, request["ModelName"])

    def list_models(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return a page of models, the newest first unless the request says otherwise."""
        return list_result("Models", list_page(self.cloud.store, MODEL, request), _summary)

    def delete_model(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Forget a model; its artifacts stay, and so do the endpoints that it is deployed to."""
        self.resources.delete(MODEL, request["ModelName"], lambda document: None)
        return {}


def _full_container(container: dict[str, Any]) -> dict[str, Any]:
    return {"Mode": "SingleModel", "Environment": {}, **container}


def _summary(document: Document) -> Document:
    return {member: document[member] for member in _SUMMARISED}
