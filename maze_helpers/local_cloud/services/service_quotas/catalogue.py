"""SageMaker's quotas as Service Quotas lists them: their names, codes and first values."""

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from maze_helpers.local_cloud.services.sagemaker.quotas import (
    ENDPOINT,
    NOTEBOOK_INSTANCE,
    OF_NO_TYPE,
    PROCESSING_JOB,
    SPOT_TRAINING_JOB,
    TRAINING_JOB,
    TRANSFORM_JOB,
    Quota,
    instances_of,
)
from maze_helpers.local_cloud.wire import models

# The model's name for the instance types that there are for each use.
_TYPES = {
    ENDPOINT: "ProductionVariantInstanceType",
    NOTEBOOK_INSTANCE: "InstanceType",
    PROCESSING_JOB: "ProcessingInstanceType",
    SPOT_TRAINING_JOB: "TrainingInstanceType",
    TRAINING_JOB: "TrainingInstanceType",
    TRANSFORM_JOB: "TransformInstanceType",
}


@dataclass(frozen=True)
class ListedQuota:
    """A quota and the code that Service Quotas knows it by."""

    code: str
    quota: Quota


@functools.cache
def sagemaker_quotas() -> Mapping[str, ListedQuota]:
    """Return SageMaker's quotas by their codes, in order of their names.

    Source of the codes: public listings of Service Quotas, such as
    gruntwork-io/terraform-aws-utilities, docs/quotas.md.
    """
    known = json.loads((Path(__file__).parent / "sagemaker_codes.json").read_text())
    listed = [_listed(quota, known[""].get(quota.name)) for quota in OF_NO_TYPE]
    for use, shape_name in _TYPES.items():
        for instance_type in models.service_model("sagemaker").shape_for(shape_name).enum:
            listed.append(_listed(instances_of(instance_type, use), known[use].get(instance_type)))
    listed.sort(key=lambda found: found.quota.name)
    return {found.code: found for found in listed}


def _listed(quota: Quota, code: str | None) -> ListedQuota:
    return ListedQuota(code or _made_code(quota.name), quota)


def _made_code(quota_name: str) -> str:
    """Return a code of our own for a quota whose real one no listing tells.

    It differs from all of AWS's, which are eight hexadecimal digits after "L-".
    """
    return f"L-X{hashlib.sha256(quota_name.encode()).hexdigest()[:7].upper()}"
