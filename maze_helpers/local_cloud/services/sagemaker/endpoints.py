"""Endpoints: CreateEndpoint, DescribeEndpoint, List-, Update- and DeleteEndpoint.

The engine carries out what these operations write into an endpoint's document.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.engine.hosting import endpoint_record
from maze_helpers.local_cloud.engine.hosting.data_capture_record import capture_summary
from maze_helpers.local_cloud.engine.hosting.endpoint_record import DEPLOYED, DEPLOYING
from maze_helpers.local_cloud.errors import ValidationException
from maze_helpers.local_cloud.services.sagemaker.endpoint_request import (
    check_deployment_config,
    check_update,
    check_weights_and_capacities,
)
from maze_helpers.local_cloud.services.sagemaker.listing import list_page, list_result
from maze_helpers.local_cloud.services.sagemaker.quota_usage import endpoint_usage
from maze_helpers.local_cloud.services.sagemaker.quotas import AccountQuotas, Quota
from maze_helpers.local_cloud.services.sagemaker.resources import (
    ENDPOINT,
    ENDPOINT_CONFIG,
    MODEL,
    Document,
    Resources,
)
from maze_helpers.local_cloud.services.sagemaker.tags import checked_tags

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

_SUMMARISED = (
    "CreationTime",
    "EndpointArn",
    "EndpointName",
    "EndpointStatus",
    "LastModifiedTime",
)


class Endpoints:
    """The operations on endpoints."""

    def __init__(self, cloud: LocalCloud, resources: Resources) -> None:
        self.cloud = cloud
        self.resources = resources
        self.quotas = AccountQuotas(cloud.store)
        self.operations: dict[str, Callable[[dict[str, Any], AccessKey], dict[str, Any]]] = {
            "CreateEndpoint": self.create_endpoint,
            "DeleteEndpoint": self.delete_endpoint,
            "DescribeEndpoint": self.describe_endpoint,
            "ListEndpoints": self.list_endpoints,
            "UpdateEndpoint": self.update_endpoint,
            "UpdateEndpointWeightsAndCapacities": self.update_weights_and_capacities,
        }

    def create_endpoint(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Record an endpoint, set its creation going and return its ARN."""
        name = request["EndpointName"]
        check_deployment_config("CreateEndpoint", request)
        tags = checked_tags(request.get("Tags", []))
        deployment = self._deployment(request)
        document: Document = {
            "EndpointName": name,
            "EndpointArn": self.resources.arn(ENDPOINT, name),
        }
        _keep_deployment_config(document, request)
        endpoint_record.begin(document, deployment, self.cloud.clock.now())
        arn = self.resources.insert(
            ENDPOINT, document, tags, lambda: self._check_quotas(name, Counter(), document)
        )
        self.cloud.hosting.create(name)
        return {"EndpointArn": arn}

    def _deployment(self, request: dict[str, Any]) -> Document:
        """Return what the request's configuration and its models say, as of now."""
        config = self.resources.get(ENDPOINT_CONFIG, request["EndpointConfigName"])
        self.quotas.check_memory(config["ProductionVariants"])
        names = {variant["ModelName"] for variant in config["ProductionVariants"]}
        return endpoint_record.deployment_of(
            config, {name: self.resources.get(MODEL, name) for name in names}
        )

    def _check_quotas(self, name: str, before: Counter[Quota], document: Document) -> None:
        """Check, within the transaction that stores it, that an endpoint may be so."""
        others: Counter[Quota] = Counter()
        for other in self.resources.documents(ENDPOINT):
            if other["EndpointName"].lower() != name.lower():
                others += endpoint_usage(other)
        self.quotas.check(others, before, endpoint_usage(document))

    def describe_endpoint(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return everything about an endpoint but what is the engine's."""
        document = self.resources.get(ENDPOINT, request["EndpointName"])
        described = {member: v for member, v in document.items() if not member.startswith("_")}
        deployed = document.get(DEPLOYED) or document.get(DEPLOYING, {})
        if "AsyncInferenceConfig" in deployed:
            described["AsyncInferenceConfig"] = deployed["AsyncInferenceConfig"]
        if "DataCaptureConfig" in deployed:
            described["DataCaptureConfig"] = capture_summary(deployed["DataCaptureConfig"])
        return described

    def list_endpoints(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return a page of endpoints, the newest first unless the request says otherwise."""
        return list_result("Endpoints", list_page(self.cloud.store, ENDPOINT, request), _summary)

    def update_endpoint(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Set an endpoint's change to another configuration going, and return its ARN."""
        check_deployment_config("UpdateEndpoint", request)
        deployment, name = self._deployment(request), request["EndpointName"]
        excluded = [
            excluded["VariantPropertyType"]
            for excluded in request.get("ExcludeRetainedVariantProperties", [])
        ]

        def update(document: Document) -> None:
            check_update(document, deployment, self.cloud.scaling.variants_of(name))
            if request.get("RetainAllVariantProperties"):
                endpoint_record.retain(deployment, document, excluded)
            _keep_deployment_config(document, request)
            endpoint_record.begin_update(document, deployment, self.cloud.clock.now())

        document = self._change(name, update)
        self.cloud.hosting.update(document["EndpointName"])
        return {"EndpointArn": document["EndpointArn"]}

    def update_weights_and_capacities(
        self, request: dict[str, Any], caller: AccessKey
    ) -> dict[str, Any]:
        """Set an endpoint's change to other weights and instance counts going; return its ARN."""
        desired = request["DesiredWeightsAndCapacities"]

        def scale(document: Document) -> None:
            check_weights_and_capacities(document, desired)
            endpoint_record.begin_scaling(document, desired, self.cloud.clock.now())

        document = self._change(request["EndpointName"], scale)
        self.cloud.hosting.update_weights(document["EndpointName"])
        return {"EndpointArn": document["EndpointArn"]}

    def _change(self, name: str, change: Callable[[Document], None]) -> Document:
        """Apply a change to an endpoint that is in service, and return its document.

        Raises: ValidationException, if it is not; ResourceLimitExceeded.
        """

        def checked_change(document: Document) -> None:
            _check_settled(document)
            status = document["EndpointStatus"]
            if status != "InService":
                # Source: DescribeEndpoint, EndpointStatus; the wording is a guess.
                raise ValidationException(
                    f'Cannot update endpoint "{document["EndpointArn"]}" in status {status}. It '
                    "can only be deleted."
                )
            before = endpoint_usage(document)
            change(document)
            self._check_quotas(name, before, document)

        return self.resources.update(ENDPOINT, name, checked_change)

    def delete_endpoint(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Set an endpoint's deletion going; its configuration and models stay."""

        def delete(document: Document) -> None:
            _check_settled(document)
            endpoint_record.begin_delete(document, self.cloud.clock.now())
            # Source: SageMaker guide, "Delete endpoints configured for auto scaling".
            self.cloud.scaling.records.remove_endpoint(document["EndpointName"])

        document = self.resources.update(ENDPOINT, request["EndpointName"], delete)
        self.cloud.hosting.delete(document["EndpointName"])
        return {}


def _check_settled(document: Document) -> None:
    if document["EndpointStatus"] in ("Creating", "Updating", "Deleting"):
        # Source: public reports, of deletions as well.
        raise ValidationException(
            f'Cannot update in-progress endpoint "{document["EndpointArn"]}".'
        )


def _keep_deployment_config(document: Document, request: dict[str, Any]) -> None:
    if "DeploymentConfig" in request:
        document["LastDeploymentConfig"] = request["DeploymentConfig"]
    elif not request.get("RetainDeploymentConfig"):
        document.pop("LastDeploymentConfig", None)


def _summary(document: Document) -> Document:
    return {member: document[member] for member in _SUMMARISED}
