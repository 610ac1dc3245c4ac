"""The account's quotas on what SageMaker runs, and whether something may still be added.

Sources: the names, and the numbers of instances and memory in new accounts, as public reports and
listings of Service Quotas quote them; the message, the same reports of ResourceLimitExceeded; the
numbers of serverless endpoints and of their concurrency, the SageMaker guide, "Deploy models with
Amazon SageMaker Serverless Inference".

Differs from AWS: a new account has no instances for jobs, or few, until it asks for some; here it
has as many for transform jobs as for endpoints, and more for the other jobs.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from maze_helpers.local_cloud.errors import ResourceLimitExceeded
from maze_helpers.local_cloud.services.service_quotas.applied import AppliedQuotas
from maze_helpers.local_cloud.store import Store

Document = dict[str, Any]

SERVICE_CODE = "sagemaker"


@dataclass(frozen=True)
class Quota:
    """A quota by its name in Service Quotas.

    value: what an account starts with. unit: as the message has it.
    """

    name: str
    value: int
    unit: str


# What an account's instances are used for, as the quotas' names have it.
ENDPOINT, NOTEBOOK_INSTANCE = "endpoint", "notebook instance"
PROCESSING_JOB, TRANSFORM_JOB = "processing job", "transform job"
TRAINING_JOB, SPOT_TRAINING_JOB = "training job", "spot training job"
USES = (
    ENDPOINT,
    NOTEBOOK_INSTANCE,
    PROCESSING_JOB,
    SPOT_TRAINING_JOB,
    TRAINING_JOB,
    TRANSFORM_JOB,
)
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
_ACCELERATED = re.compile("g[0-9]|p[0-9]|inf|trn|dl")
# Differs from AWS: a new account has a few, or none, of each type.
_OF_ANY_TYPE_FOR_JOBS = 20
_GENEROUS = (PROCESSING_JOB, TRAINING_JOB, SPOT_TRAINING_JOB)


def _across(what: str) -> Quota:
    return Quota(f"Number of instances across {what}", 20, "Instances")


ALL_INSTANCES = _across("active endpoints")
ALL_TRANSFORM_INSTANCES = _across("all transform jobs")
ALL_PROCESSING_INSTANCES = _across("all processing jobs")
ALL_TRAINING_INSTANCES = _across("all training jobs")
ALL_SPOT_TRAINING_INSTANCES = _across("all spot training jobs")
# The units of the next two are guesses.
SERVERLESS_ENDPOINTS = Quota("Maximum number of serverless endpoints", 50, "Endpoints")
TOTAL_CONCURRENCY = Quota(
    "Maximum total concurrency that can be allocated across all serverless endpoints",
    1000,
    "Invocations",
)
MEMORY = Quota("Memory size in MB per serverless endpoint", 3072, "MBs")
OF_NO_TYPE = (
    ALL_INSTANCES,
    ALL_PROCESSING_INSTANCES,
    ALL_SPOT_TRAINING_INSTANCES,
    ALL_TRAINING_INSTANCES,
    ALL_TRANSFORM_INSTANCES,
    SERVERLESS_ENDPOINTS,
    TOTAL_CONCURRENCY,
    MEMORY,
)


def instances_of(instance_type: str, use: str) -> Quota:
    """Return the quota on the instances of a type, such as 'ml.m5.large for endpoint usage'.

    use: one of USES.
    """
    return Quota(f"{instance_type} for {use} usage", _value(instance_type, use), "Instances")


def _value(instance_type: str, use: str) -> int:
    _, family, size = instance_type.split(".")
    if _ACCELERATED.match(family):
        return 0
    if use in _GENEROUS:
        return _OF_ANY_TYPE_FOR_JOBS
    counts = [sizes[size] for families, sizes in _INSTANCES if family in families and size in sizes]
    return counts[0] if counts else _OF_ANY_OTHER_TYPE


class AccountQuotas:
    """The quotas with the values that the account has of them now."""

    def __init__(self, store: Store) -> None:
        self.applied = AppliedQuotas(store, SERVICE_CODE)

    def limit(self, quota: Quota) -> int:
        """Return how much the account may have: what was approved, or what it started with."""
        raised = self.applied.value(quota.name)
        return quota.value if raised is None else int(raised)

    def check(self, others: Counter[Quota], now: Counter[Quota], then: Counter[Quota]) -> None:
        """Check that an endpoint or a job may take what it asks for.

        others: what the account's others take. now, then: it, as it is and as it shall be; what it
        gives back is never refused.
        Raises: ResourceLimitExceeded.
        """
        for quota, asked in then.items():
            delta, used, limit = asked - now[quota], others[quota] + now[quota], self.limit(quota)
            if delta > 0 and used + delta > limit:
                raise exceeded(quota, limit, used, delta)

    def check_new(self, running: Iterable[Counter[Quota]], new: Counter[Quota]) -> None:
        """Check, within the transaction that stores it, that a new job may have what it takes.

        running: what each of the jobs takes that have not ended. Raises: see check.
        """
        self.check(sum(running, Counter()), Counter(), new)

    def check_memory(self, variants: Iterable[Document]) -> None:
        """Check that no serverless variant has more memory than it may. Raises: see check."""
        limit = self.limit(MEMORY)
        for variant in variants:
            memory_mb = variant.get("ServerlessConfig", {}).get("MemorySizeInMB", 0)
            if memory_mb > limit:
                raise exceeded(MEMORY, limit, 0, memory_mb)


def exceeded(quota: Quota, limit: int, used: int, delta: int) -> ResourceLimitExceeded:
    """Return the error that tells of a quota, how much of it is used and what was asked for."""
    return ResourceLimitExceeded(
        f"The account-level service limit '{quota.name}' is {limit} {quota.unit}, with "
        f"current utilization of {used} {quota.unit} and a request delta of {delta} {quota.unit}. "
        "Please use AWS Service Quotas to request an increase for this quota. If AWS Service "
        "Quotas is not available, contact AWS support to request an increase for this quota."
    )
