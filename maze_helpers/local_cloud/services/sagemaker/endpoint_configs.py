"""Endpoint configurations: CreateEndpointConfig, DescribeEndpointConfig, List- and Delete-."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.services.sagemaker.endpoint_config_request import (
    check_endpoint_config_request,
)
from maze_helpers.local_cloud.services.sagemaker.listing import list_page, list_result
from maze_helpers.local_cloud.services.sagemaker.resources import (
    ENDPOINT_CONFIG,
    MODEL,
    Document,
    Resources,
)
from maze_helpers.local_cloud.services.sagemaker.tags import checked_tags

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

# What Describe answers as Create was given it.
_DESCRIBED = ("AsyncInferenceConfig", "DataCaptureConfig", "EndpointConfigName", "KmsKeyId")
_SUMMARISED = ("CreationTime", "EndpointConfigArn", "EndpointConfigName")


class EndpointConfigs:
    """The operations on endpoint configurations."""

    def __init__(self, cloud: LocalCloud, resources: Resources) -> None:
        self.cloud = cloud
        self.resources = resources
        self.operations: dict[str, Callable[[dict[str, Any], AccessKey], dict[str, Any]]] = {
            "CreateEndpointConfig": self.create_endpoint_config,
            "DeleteEndpointConfig": self.delete_endpoint_config,
            "DescribeEndpointConfig": self.describe_endpoint_config,
            "ListEndpointConfigs": self.list_endpoint_configs,
        }

    def create_endpoint_config(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Record an endpoint configuration, whose models are there, and return its ARN."""
        check_endpoint_config_request(request)
        for variant in request["ProductionVariants"]:
            self.resources.get(MODEL, variant["ModelName"])
        tags = checked_tags(request.get("Tags", []))
        arn = self.resources.insert(ENDPOINT_CONFIG, self._new_document(request), tags)
        return {"EndpointConfigArn": arn}

    def _new_document(self, request: dict[str, Any]) -> Document:
        document: Document = {member: request[member] for member in _DESCRIBED if member in request}
        document["EndpointConfigArn"] = self.resources.arn(
            ENDPOINT_CONFIG, request["EndpointConfigName"]
        )
        document["ProductionVariants"] = [
            {"InitialVariantWeight": 1.0, **variant} for variant in request["ProductionVariants"]
        ]
        document["EnableNetworkIsolation"] = False
        document["CreationTime"] = self.cloud.clock.now()
        return document

    def describe_endpoint_config(
        self, request: dict[str, Any], caller: AccessKey
    ) -> dict[str, Any]:
        """Return everything about an endpoint configuration."""
        return self.resources.get(ENDPOINT_CONFIG, request["EndpointConfigName"])

    def list_endpoint_configs(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return a page of configurations, the newest first unless the request says otherwise."""
        page = list_page(self.cloud.store, ENDPOINT_CONFIG, request)
        return list_result("EndpointConfigs", page, _summary)

    def delete_endpoint_config(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Forget a configuration; an endpoint that was made of it goes on as it is."""
        name = request["EndpointConfigName"]
        self.resources.delete(ENDPOINT_CONFIG, name, lambda document: None)
        return {}


def _summary(document: Document) -> Document:
    return {member: document[member] for member in _SUMMARISED}
