"""The environment variables of a processing job's containers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maze_helpers.local_cloud.engine.base_environment import base_environment
from maze_helpers.local_cloud.engine.job_environment import (
    SESSION_NAME,
    access_variables,
    role_name,
)
from maze_helpers.local_cloud.engine.processing.folder import ProcessingFolder
from maze_helpers.local_cloud.engine.processing.record import Document

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud


def processing_environment(
    cloud: LocalCloud, job: Document, folder: ProcessingFolder, lifetime_s: float
) -> dict[str, str]:
    """Return the whole environment of a host's container.

    The role's temporary credentials last for lifetime_s; under network isolation there are none.
    The request's Environment comes last, so that it wins. None tells of the job: that is in
    processingjobconfig.json.
    Source: SageMaker guide, "How Amazon SageMaker Processing Provides Configuration to Your
    Processing Container".
    """
    access = {"AWS_REGION": cloud.region, "AWS_DEFAULT_REGION": cloud.region}
    if not is_isolated(job):
        key = cloud.credentials.lend(role_name(job["RoleArn"]), SESSION_NAME, lifetime_s)
        access = access_variables(cloud, key)
    return {
        **base_environment(folder.home),
        "TMPDIR": str(folder.tmp),
        **access,
        **job.get("Environment", {}),
    }


def is_isolated(job: Document) -> bool:
    """Return whether a job's containers are to reach nothing but each other."""
    return job.get("NetworkConfig", {}).get("EnableNetworkIsolation", False)
