"""The environment variables of a training job's container."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.engine.base_environment import base_environment
from maze_helpers.local_cloud.engine.job_folder import JobFolder
from maze_helpers.local_cloud.engine.job_record import Document
from maze_helpers.local_cloud.errors import ValidationException

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

SESSION_NAME = "SageMaker"
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/(?:.*/)?([^/]+)")


def role_name(role_arn: str) -> str:
    """Return the role's name.

    Example: 'arn:aws:iam::111122223333:role/service-role/Trainer' gives 'Trainer'.
    Raises: ValidationException, if it is not a role's ARN.
    """
    match = _ROLE_ARN.fullmatch(role_arn)
    if match is None:
        raise ValidationException(f"Invalid role ARN: {role_arn}")
    return match[1]


def job_environment(
    cloud: LocalCloud, job: Document, folder: JobFolder, lifetime_s: float
) -> dict[str, str]:
    """Return the whole environment of a job's container.

    The role's temporary credentials last for lifetime_s. The request's Environment comes last,
    so that it wins.
    Source: SageMaker guide, "How Amazon SageMaker Provides Training Information".
    """
    key = cloud.credentials.lend(role_name(job["RoleArn"]), SESSION_NAME, lifetime_s)
    return {
        **base_environment(folder.home),
        "TMPDIR": str(folder.tmp),
        **access_variables(cloud, key),
        "TRAINING_JOB_NAME": job["TrainingJobName"],
        "TRAINING_JOB_ARN": job["TrainingJobArn"],
        **job.get("Environment", {}),
    }


def access_variables(cloud: LocalCloud, key: AccessKey) -> dict[str, str]:
    """Return the variables by which AWS's tools in a container find the cloud and a role's key."""
    return {
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
        "AWS_SESSION_TOKEN": key.session_token or "",
        "AWS_REGION": cloud.region,
        "AWS_DEFAULT_REGION": cloud.region,
        "AWS_ENDPOINT_URL": cloud.endpoint_url,
    }
