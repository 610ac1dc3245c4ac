"""SageMaker's control plane: the operations of all its resources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maze_helpers.local_cloud.protocol import ServiceProtocol
from maze_helpers.local_cloud.services.sagemaker.endpoint_configs import EndpointConfigs
from maze_helpers.local_cloud.services.sagemaker.endpoints import Endpoints
from maze_helpers.local_cloud.services.sagemaker.models import Models
from maze_helpers.local_cloud.services.sagemaker.notebook_instances import NotebookInstances
from maze_helpers.local_cloud.services.sagemaker.notebook_lifecycle_configs import (
    NotebookLifecycleConfigs,
)
from maze_helpers.local_cloud.services.sagemaker.processing_jobs import ProcessingJobs
from maze_helpers.local_cloud.services.sagemaker.resources import Resources
from maze_helpers.local_cloud.services.sagemaker.search import Search
from maze_helpers.local_cloud.services.sagemaker.tags import Tags
from maze_helpers.local_cloud.services.sagemaker.training_jobs import TrainingJobs
from maze_helpers.local_cloud.services.sagemaker.transform_jobs import TransformJobs

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud


class SageMaker:
    """Answers SageMaker's operations."""

    def __init__(self, cloud: LocalCloud) -> None:
        resources = Resources(cloud.store, cloud.region, cloud.account_id)
        self.protocol = ServiceProtocol("sagemaker", "sagemaker-metrics")
        self.operations = {
            **EndpointConfigs(cloud, resources).operations,
            **Endpoints(cloud, resources).operations,
            **Models(cloud, resources).operations,
            **NotebookInstances(cloud, resources).operations,
            **NotebookLifecycleConfigs(cloud, resources).operations,
            **ProcessingJobs(cloud, resources).operations,
            **Search(cloud, resources).operations,
            **TrainingJobs(cloud, resources).operations,
            **TransformJobs(cloud, resources).operations,
            **Tags(cloud.store).operations,
        }
