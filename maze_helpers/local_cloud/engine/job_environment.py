"""The environment variables of a training job's container."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.engine.base_environment import base_environment
from maze_helpers.local_cloud.engine.cluster import Cluster
from maze_helpers.local_cloud.engine.container_folder import ContainerFolder
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
    cloud: LocalCloud, job: Document, cluster: Cluster, folder: ContainerFolder, lifetime_s: float
) -> dict[str, str]:
    """Return the whole environment of the container of one of a job's hosts.

    The role's temporary credentials last for lifetime_s; under network isolation there are none.
    The request's Environment comes last, so that it wins.
    Source: SageMaker guide, "How Amazon SageMaker Provides Training Information" and "Run Training
    and Inference Containers in Internet-Free Mode".
    """
    role_arn = None if job.get("EnableNetworkIsolation") else job["RoleArn"]
    return {
        **host_environment(cloud, role_arn, cluster, folder, lifetime_s),
        **cluster.variables(),
        "TRAINING_JOB_NAME": job["TrainingJobName"],
        "TRAINING_JOB_ARN": job["TrainingJobArn"],
        **job.get("Environment", {}),
    }


def host_environment(
    cloud: LocalCloud,
    role_arn: str | None,
    cluster: Cluster,
    folder: ContainerFolder,
    lifetime_s: float,
) -> dict[str, str]:
    """Return what the container of any job's host has in its environment, before what is the job's.

    role_arn: whose temporary credentials it has, for lifetime_s; None for no credentials.
    """
    base = base_environment(folder.home)
    hosts = ",".join([base["NO_PROXY"], *cluster.names])
    access = {"AWS_REGION": cloud.region, "AWS_DEFAULT_REGION": cloud.region}
    if role_arn is not None:
        key = cloud.credentials.lend(role_name(role_arn), SESSION_NAME, lifetime_s)
        access = access_variables(cloud, key)
    return {
        **base,
        "NO_PROXY": hosts,
        "no_proxy": hosts,
        "TMPDIR": str(folder.tmp),
        **access,
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
