"""What endpoints and jobs take of the account's quotas."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from maze_helpers.local_cloud.engine.hosting.endpoint_record import DEPLOYED, DEPLOYING
from maze_helpers.local_cloud.services.sagemaker.quotas import (
    ALL_INSTANCES,
    ALL_PROCESSING_INSTANCES,
    ALL_SPOT_TRAINING_INSTANCES,
    ALL_TRAINING_INSTANCES,
    ALL_TRANSFORM_INSTANCES,
    ENDPOINT,
    NOTEBOOK_INSTANCE,
    PROCESSING_JOB,
    SERVERLESS_ENDPOINTS,
    SPOT_TRAINING_JOB,
    TOTAL_CONCURRENCY,
    TRAINING_JOB,
    TRANSFORM_JOB,
    AccountQuotas,
    Quota,
    instances_of,
)
from maze_helpers.local_cloud.services.sagemaker.resources import Kind, Resources

Document = dict[str, Any]

_RUNNING = ("InProgress", "Stopping")


def check_new_job(
    quotas: AccountQuotas,
    resources: Resources,
    kind: Kind,
    document: Document,
    usage_of_job: Callable[[Document], Counter[Quota]],
) -> None:
    """Check, within the transaction that stores it, that a new job may have its instances.

    Give it to Resources.insert as its check. usage_of_job: such as training_usage.
    Raises: ResourceLimitExceeded.
    """
    running = resources.names_in_status(kind, *_RUNNING)
    quotas.check_new(
        (usage_of_job(resources.get(kind, name)) for name in running), usage_of_job(document)
    )


def training_usage(job: Document) -> Counter[Quota]:
    """Return what a training job takes of each quota, while it runs.

    On-demand and spot instances have quotas of their own.
    """
    spot = job.get("EnableManagedSpotTraining", False)
    use = SPOT_TRAINING_JOB if spot else TRAINING_JOB
    across = ALL_SPOT_TRAINING_INSTANCES if spot else ALL_TRAINING_INSTANCES
    resources = job["ResourceConfig"]
    return _instances(resources.get("InstanceGroups") or [resources], use, across)


def processing_usage(job: Document) -> Counter[Quota]:
    """Return what a processing job takes of each quota, while it runs."""
    cluster = job["ProcessingResources"]["ClusterConfig"]
    return _instances([cluster], PROCESSING_JOB, ALL_PROCESSING_INSTANCES)


def transform_usage(job: Document) -> Counter[Quota]:
    """Return what a transform job takes of each quota, while it runs."""
    return _instances([job["TransformResources"]], TRANSFORM_JOB, ALL_TRANSFORM_INSTANCES)


def notebook_usage(notebook: Document) -> Counter[Quota]:
    """Return what a notebook instance takes of each quota, while it has an instance."""
    return Counter({instances_of(notebook["InstanceType"], NOTEBOOK_INSTANCE): 1})


def _instances(groups: Iterable[Document], use: str, across: Quota) -> Counter[Quota]:
    used: Counter[Quota] = Counter()
    for group in groups:
        used[instances_of(group["InstanceType"], use)] += group["InstanceCount"]
        used[across] += group["InstanceCount"]
    return used


def usage_of(variants: Iterable[Document]) -> Counter[Quota]:
    """Return what an endpoint of these production variants takes of each quota."""
    used: Counter[Quota] = Counter()
    for variant in variants:
        if "ServerlessConfig" in variant:
            used[SERVERLESS_ENDPOINTS] += 1
            used[TOTAL_CONCURRENCY] += variant["ServerlessConfig"]["MaxConcurrency"]
        else:
            count = variant["InitialInstanceCount"]
            used[instances_of(variant["InstanceType"], ENDPOINT)] += count
            used[ALL_INSTANCES] += count
    return used


def endpoint_usage(endpoint: Document) -> Counter[Quota]:
    """Return what an endpoint takes of each quota.

    While it changes, the more of what it has and what it shall have. While it is deleted, nothing:
    a guess.
    """
    if endpoint["EndpointStatus"] == "Deleting":
        return Counter()
    deployed, deploying = (
        endpoint.get(member, {}).get("ProductionVariants", []) for member in (DEPLOYED, DEPLOYING)
    )
    return usage_of(deployed) | usage_of(_as_desired(endpoint, deployed)) | usage_of(deploying)


def _as_desired(endpoint: Document, variants: list[Document]) -> list[Document]:
    counts = {
        summary["VariantName"]: {"InitialInstanceCount": summary["DesiredInstanceCount"]}
        for summary in endpoint.get("ProductionVariants", [])
        if "DesiredInstanceCount" in summary
    }
    return [variant | counts.get(variant["VariantName"], {}) for variant in variants]
