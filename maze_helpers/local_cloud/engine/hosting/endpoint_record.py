"""How an endpoint's document tells what happens to it, and what it keeps to be run again.

Members that begin with "_" are the engine's, and no Describe shows them. Each holds a deployment:
what an endpoint configuration and its models said when they were deployed, since both may be
deleted while the endpoint lives.

    _Deployed     what answers requests, as its variants' weights and instance counts are by now
    _Deploying    what is being brought up
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

Document = dict[str, Any]

DEPLOYED = "_Deployed"
DEPLOYING = "_Deploying"
# Source: botocore's model of FailureReason.
MAX_REASON_CHARACTERS = 1024
# What UpdateEndpoint's ExcludeRetainedVariantProperties may name, and the member it stands for.
_RETAINED = {
    "DesiredInstanceCount": "InitialInstanceCount",
    "DesiredWeight": "InitialVariantWeight",
}


def deployment_of(config: Document, models: Mapping[str, Document]) -> Document:
    """Return the deployment of an endpoint configuration.

    models: the documents of at least the models that it names, by name.
    """
    variants = config["ProductionVariants"]
    deployment = {
        "EndpointConfigName": config["EndpointConfigName"],
        "ProductionVariants": [{"InitialVariantWeight": 1.0, **variant} for variant in variants],
        "Models": {variant["ModelName"]: models[variant["ModelName"]] for variant in variants},
    }
    for member in ("AsyncInferenceConfig", "DataCaptureConfig"):
        if member in config:
            deployment[member] = config[member]
    return deployment


def retain(deployment: Document, document: Document, excluded: Iterable[str] = ()) -> None:
    """Give a deployment's variants the weights and instance counts that they have by now.

    document: of the endpoint that it will be deployed to. excluded: VariantPropertyTypes.
    Source: UpdateEndpoint, RetainAllVariantProperties.
    """
    earlier = {v["VariantName"]: v for v in document[DEPLOYED]["ProductionVariants"]}
    kept = [member for name, member in _RETAINED.items() if name not in excluded]
    for variant in deployment["ProductionVariants"]:
        same = earlier.get(variant["VariantName"], {})
        # A serverless variant has no instances, nor gets any from one that had.
        variant |= {m: same[m] for m in kept if m in same and m in variant}


def container_of(model: Document) -> Document:
    """Return a model's one container definition."""
    return model.get("PrimaryContainer") or model["Containers"][0]


def begin(document: Document, deployment: Document, now: datetime) -> None:
    """Make a new endpoint's document Creating."""
    document["CreationTime"] = now
    document["EndpointConfigName"] = deployment["EndpointConfigName"]
    _begin_deploying(document, "Creating", deployment, now)


def begin_update(document: Document, deployment: Document, now: datetime) -> None:
    """Make an endpoint Updating, towards another deployment."""
    _begin_deploying(document, "Updating", deployment, now)


def begin_scaling(document: Document, desired: Iterable[Mapping[str, Any]], now: datetime) -> None:
    """Make an endpoint Updating, towards other weights and instance counts.

    desired: as UpdateEndpointWeightsAndCapacities has DesiredWeightsAndCapacities; each names a
    variant that is there.
    """
    by_name = {change["VariantName"]: change for change in desired}
    for summary in document["ProductionVariants"]:
        change = by_name.get(summary["VariantName"], {})
        for member in ("DesiredWeight", "DesiredInstanceCount"):
            if member in change:
                summary[member] = change[member]
    _enter(document, "Updating", now)


def begin_delete(document: Document, now: datetime) -> None:
    """Make an endpoint Deleting."""
    _enter(document, "Deleting", now)


def deployed(document: Document, now: datetime) -> None:
    """Make an endpoint InService with what was being brought up."""
    deployment = document.pop(DEPLOYING)
    del document["PendingDeploymentSummary"]
    document[DEPLOYED] = deployment
    document["EndpointConfigName"] = deployment["EndpointConfigName"]
    document["ProductionVariants"] = _summaries(deployment, now)
    _enter(document, "InService", now)


def scaled(document: Document, now: datetime) -> None:
    """Make an endpoint InService with the weights and instance counts that were desired."""
    summaries = {summary["VariantName"]: summary for summary in document["ProductionVariants"]}
    for variant in document[DEPLOYED]["ProductionVariants"]:
        summary = summaries[variant["VariantName"]]
        summary["CurrentWeight"] = variant["InitialVariantWeight"] = summary["DesiredWeight"]
        if "DesiredInstanceCount" in summary:
            count = summary["DesiredInstanceCount"]
            summary["CurrentInstanceCount"] = variant["InitialInstanceCount"] = count
    _enter(document, "InService", now)


def not_created(document: Document, reason: str, now: datetime) -> None:
    """Make an endpoint Failed, for it never came up."""
    document.pop(DEPLOYING, None)
    document.pop("PendingDeploymentSummary", None)
    _enter(document, "Failed", now, reason)


def not_updated(document: Document, reason: str, now: datetime) -> None:
    """Make an endpoint InService as it was before an update, or a scaling, that failed.

    Source: github.com/hashicorp/terraform-provider-aws/issues/39099: such an endpoint keeps its
    configuration, and shows a FailureReason.
    """
    document.pop(DEPLOYING, None)
    document.pop("PendingDeploymentSummary", None)
    for summary in document["ProductionVariants"]:
        summary["DesiredWeight"] = summary["CurrentWeight"]
        if "DesiredInstanceCount" in summary:
            summary["DesiredInstanceCount"] = summary["CurrentInstanceCount"]
    _enter(document, "InService", now, reason)


def not_brought_back(document: Document, reason: str, now: datetime) -> None:
    """Note why an endpoint does not answer after a restart, unless it is being changed."""
    if document["EndpointStatus"] == "InService":
        _enter(document, "InService", now, reason)


def brought_back(document: Document, now: datetime) -> None:
    """Note that an endpoint answers again after a restart, unless it is being changed."""
    if document["EndpointStatus"] == "InService":
        _enter(document, "InService", now)


def _begin_deploying(document: Document, status: str, deployment: Document, now: datetime) -> None:
    document[DEPLOYING] = deployment
    summaries = _summaries(deployment, now, with_current=False)
    for summary, variant in zip(summaries, deployment["ProductionVariants"], strict=True):
        summary["VariantStatus"] = [{"Status": "Creating", "StartTime": now}]
        if "InstanceType" in variant:
            summary["InstanceType"] = variant["InstanceType"]
    document["PendingDeploymentSummary"] = {
        "EndpointConfigName": deployment["EndpointConfigName"],
        "ProductionVariants": summaries,
        "StartTime": now,
    }
    _enter(document, status, now)


def _enter(document: Document, status: str, now: datetime, reason: str = "") -> None:
    document["EndpointStatus"] = status
    document["LastModifiedTime"] = now
    document.pop("FailureReason", None)
    if reason:
        document["FailureReason"] = reason[:MAX_REASON_CHARACTERS]


def _summaries(
    deployment: Document, now: datetime, with_current: bool = True
) -> list[dict[str, Any]]:
    """Return a deployment's variants as Describe shows them; without what is so by now if asked."""
    return [
        _summary(variant, deployment["Models"][variant["ModelName"]], now, with_current)
        for variant in deployment["ProductionVariants"]
    ]


def _summary(
    variant: Document, model: Document, now: datetime, with_current: bool
) -> dict[str, Any]:
    image = container_of(model)["Image"]
    values = {
        "Weight": variant["InitialVariantWeight"],
        "InstanceCount": variant.get("InitialInstanceCount"),
        "ServerlessConfig": variant.get("ServerlessConfig"),
    }
    given = {name: value for name, value in values.items() if value is not None}
    return {
        "VariantName": variant["VariantName"],
        # A digest in place of the tag would be the image's, which is not here.
        "DeployedImages": [
            {"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": now}
        ],
        **{f"Desired{name}": value for name, value in given.items()},
        **({f"Current{name}": value for name, value in given.items()} if with_current else {}),
    }
