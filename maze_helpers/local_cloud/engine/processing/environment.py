"""The environment variables of a processing job's containers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maze_helpers.local_cloud.engine.cluster import Cluster
from maze_helpers.local_cloud.engine.job_environment import host_environment
from maze_helpers.local_cloud.engine.processing.folder import ProcessingFolder
from maze_helpers.local_cloud.engine.processing.record import Document

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

# How long a job's credentials outlast its MaxRuntimeInSeconds: for its stop and its upload.
_CREDENTIALS_MARGIN_S = 3600


def processing_environment(
    cloud: LocalCloud, job: Document, cluster: Cluster, folder: ProcessingFolder
) -> dict[str, str]:
    """Return the whole environment of a host's container.

    Under network isolation there are no credentials. The request's Environment comes last, so that
    it wins. Nothing tells of the job: that is in processingjobconfig.json.
    Source: SageMaker guide, "How Amazon SageMaker Processing Provides Configuration to Your
    Processing Container".
    """
    lifetime_s = job["StoppingCondition"]["MaxRuntimeInSeconds"] + _CREDENTIALS_MARGIN_S
    role_arn = None if is_isolated(job) else job["RoleArn"]
    return {
        **host_environment(cloud, role_arn, cluster, folder, lifetime_s),
        **job.get("Environment", {}),
    }


def is_isolated(job: Document) -> bool:
    """Return whether a job's containers are to reach nothing but each other."""
    return job.get("NetworkConfig", {}).get("EnableNetworkIsolation", False)
