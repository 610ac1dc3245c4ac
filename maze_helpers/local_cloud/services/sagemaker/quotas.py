"""The account's quotas on endpoints and transform jobs, and what counts against them.

Sources: the names, and the numbers of instances and memory in new accounts, as public reports and
listings of Service Quotas quote them; the message, the same reports of ResourceLimitExceeded; the
numbers of serverless endpoints and of their concurrency, the SageMaker guide, "Deploy models with
Amazon SageMaker Serverless Inference".

Differs from AWS: a new account has no instances for transform jobs until it asks for some; here it
has as many as for endpoints.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from maze_helpers.local_cloud.engine.hosting.endpoint_record import DEPLOYED, DEPLOYING
from maze_helpers.local_cloud.errors import ResourceLimitExceeded

Document = dict[str, Any]


@dataclass(frozen=True)
class Quota:
    """A quota by its name in Service Quotas. unit: as the message has it."""

    name: str
    value: int
    unit: str


# What an account's instances are used for, as the quotas' names have it.
ENDPOINT, TRANSFORM_JOB = "endpoint", "transform job"
# How many instances of each size.
_INSTANCES = (
    (("t2",), {"medium": 6, "large": 6, "xlarge": 6, "2xlarge": 6}),
    (("m5", "m5d", "m6g", "m6gd"), {"large": 4, "xlarge": 2, "2xlarge": 1}),
    (("c5d", "c6gd", "c6gn"), {"large": 4, "xlarge": 2, "2xlarge": 1}),
    (("c5", "c6g", "c7g"), {"large": 4, "xlarge": 2, "2xlarge": 1, "4xlarge": 1}),
    (("r5", "r5d", "r6g", "r6gd"), {"large": 1, "xlarge": 1}),
)
# Differs from AWS: a new account has none of any other type; here, only of those with accelerators,
# so that scripts that name the types of former years run.
_OF_ANY_OTHER_TYPE = 2
_ACCELERATED = re.compile("g[0-9]|p[0-9]|inf|trn")
ALL_INSTANCES = Quota("Number of instances across active endpoints", 20, "Instances")
ALL_TRANSFORM_INSTANCES = Quota("Number of instances across all transform jobs", 20, "Instances")
# The units of the next two are guesses.
SERVERLESS_ENDPOINTS = Quota("Maximum number of serverless endpoints", 50, "Endpoints")
TOTAL_CONCURRENCY = Quota(
    "Maximum total concurrency that can be allocated across all serverless endpoints",
    1000,
    "Invocations",
)
MEMORY = Quota("Memory size in MB per serverless endpoint", 3072, "MBs")


def instances_of(instance_type: str, use: str) -> Quota:
    """Return the quota on the instances of a type, such as 'ml.m5.large for endpoint usage'.

    use: ENDPOINT or TRANSFORM_JOB.
    """
    _, family, size = instance_type.split(".")
    counts = [sizes[size] for families, sizes in _INSTANCES if family in families and size in sizes]
    value = counts[0] if counts else 0 if _ACCELERATED.match(family) else _OF_ANY_OTHER_TYPE
    return Quota(f"{instance_type} for {use} usage", value, "Instances")


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


def usage(endpoint: Document) -> Counter[Quota]:
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


def transform_usage(job: Document) -> Counter[Quota]:
    """Return what a transform job takes of each quota, while it runs."""
    resources = job["TransformResources"]
    count = resources["InstanceCount"]
    of_type = instances_of(resources["InstanceType"], TRANSFORM_JOB)
    return Counter({of_type: count, ALL_TRANSFORM_INSTANCES: count})


def _as_desired(endpoint: Document, variants: list[Document]) -> list[Document]:
    counts = {
        summary["VariantName"]: {"InitialInstanceCount": summary["DesiredInstanceCount"]}
        for summary in endpoint.get("ProductionVariants", [])
        if "DesiredInstanceCount" in summary
    }
    return [variant | counts.get(variant["VariantName"], {}) for variant in variants]


def check_quotas(others: Counter[Quota], now: Counter[Quota], then: Counter[Quota]) -> None:
    """Check that an endpoint or a job may take what it asks for.

    others: what the account's others take. now, then: it, as it is and as it shall be; what it
    gives back is never refused.
    Raises: ResourceLimitExceeded.
    """
    for quota, asked in then.items():
        delta, used = asked - now[quota], others[quota] + now[quota]
        if delta > 0 and used + delta > quota.value:
            raise exceeded(quota, used, delta)


def check_memory(variants: Iterable[Document]) -> None:
    """Check that no serverless variant has more memory than it may. Raises: see check_quotas."""
    for variant in variants:
        memory_mb = variant.get("ServerlessConfig", {}).get("MemorySizeInMB", 0)
        if memory_mb > MEMORY.value:
            raise exceeded(MEMORY, 0, memory_mb)


def exceeded(quota: Quota, used: int, delta: int) -> ResourceLimitExceeded:
    """Return the error that tells of a quota, how much of it is used and what was asked for."""
    return ResourceLimitExceeded(
        f"The account-level service limit '{quota.name}' is {quota.value} {quota.unit}, with "
        f"current utilization of {used} {quota.unit} and a request delta of {delta} {quota.unit}. "
        "Please use AWS Service Quotas to request an increase for this quota. If AWS Service "
        "Quotas is not available, contact AWS support to request an increase for this quota."
    )
