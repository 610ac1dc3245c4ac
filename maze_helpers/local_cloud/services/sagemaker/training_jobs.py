"""Training jobs: CreateTrainingJob, DescribeTrainingJob, List-, Stop- and DeleteTrainingJob."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.engine.artifacts import model_uri
from maze_helpers.local_cloud.engine.job_record import begin, begin_stop
from maze_helpers.local_cloud.errors import ResourceInUse, ValidationException
from maze_helpers.local_cloud.services.sagemaker.listing import list_page, list_result
from maze_helpers.local_cloud.services.sagemaker.quota_usage import (
    check_new_job,
    training_usage,
)
from maze_helpers.local_cloud.services.sagemaker.quotas import AccountQuotas
from maze_helpers.local_cloud.services.sagemaker.resources import (
    TRAINING_JOB,
    Document,
    Resources,
)
from maze_helpers.local_cloud.services.sagemaker.roles import check_role
from maze_helpers.local_cloud.services.sagemaker.tags import checked_tags
from maze_helpers.local_cloud.services.sagemaker.training_request import (
    DEFAULT_MAX_RUNTIME_S,
    check_training_request,
)

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

# What Describe answers as Create was given it.
_DESCRIBED = (
    "AlgorithmSpecification",
    "CheckpointConfig",
    "DebugHookConfig",
    "DebugRuleConfigurations",
    "Environment",
    "ExperimentConfig",
    "HyperParameters",
    "InfraCheckConfig",
    "InputDataConfig",
    "OutputDataConfig",
    "ProfilerConfig",
    "ProfilerRuleConfigurations",
    "RemoteDebugConfig",
    "ResourceConfig",
    "RetryStrategy",
    "RoleArn",
    "TensorBoardOutputConfig",
    "TrainingJobName",
    "VpcConfig",
)
_FLAGS = (
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "EnableNetworkIsolation",
)
_SUMMARISED = (
    "CreationTime",
    "LastModifiedTime",
    "SecondaryStatus",
    "TrainingEndTime",
    "TrainingJobArn",
    "TrainingJobName",
    "TrainingJobStatus",
)
# What a list cannot be filtered by, as nothing here has it.
_UNSUPPORTED_FILTERS = ("TrainingPlanArnEquals", "WarmPoolStatusEquals")


class TrainingJobs:
    """The operations on training jobs."""

    def __init__(self, cloud: LocalCloud, resources: Resources) -> None:
        self.cloud = cloud
        self.resources = resources
        self.quotas = AccountQuotas(cloud.store)
        self.operations: dict[str, Callable[[dict[str, Any], AccessKey], dict[str, Any]]] = {
            "CreateTrainingJob": self.create_training_job,
            "DeleteTrainingJob": self.delete_training_job,
            "DescribeTrainingJob": self.describe_training_job,
            "ListTrainingJobs": self.list_training_jobs,
            "StopTrainingJob": self.stop_training_job,
        }

    def create_training_job(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Record a job, set it going and return its ARN."""
        check_role(self.cloud, request["RoleArn"])
        objects = self.cloud.objects_as(request["RoleArn"])
        check_training_request(request, objects, self.cloud.region)
        tags = checked_tags(request.get("Tags", []))
        document = self._new_document(request)
        arn = self.resources.insert(
            TRAINING_JOB, document, tags, lambda: self._check_quotas(document)
        )
        self.cloud.training.start(request["TrainingJobName"])
        return {"TrainingJobArn": arn}

    def _new_document(self, request: dict[str, Any]) -> Document:
        name = request["TrainingJobName"]
        output = request["OutputDataConfig"]
        document: Document = {member: request[member] for member in _DESCRIBED if member in request}
        document |= {flag: request.get(flag, False) for flag in _FLAGS}
        document |= _with_defaults(request)
        document["TrainingJobArn"] = self.resources.arn(TRAINING_JOB, name)
        document["StoppingCondition"] = {
            "MaxRuntimeInSeconds": DEFAULT_MAX_RUNTIME_S,
            **request.get("StoppingCondition", {}),
        }
        document["ModelArtifacts"] = {
            "S3ModelArtifacts": model_uri(
                output["S3OutputPath"], name, output.get("CompressionType", "GZIP")
            )
        }
        profiler = request.get("ProfilerConfig", {"DisableProfiler": True})
        document["ProfilingStatus"] = (
            "Disabled" if profiler.get("DisableProfiler", False) else "Enabled"
        )
        begin(document, self.cloud.clock.now())
        return document

    def _check_quotas(self, document: Document) -> None:
        """Check, within the transaction that stores it, that a job may have its instances."""
        check_new_job(self.quotas, self.resources, TRAINING_JOB, document, training_usage)

    def describe_training_job(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return everything about a job."""
        return self.resources.get(TRAINING_JOB, request["TrainingJobName"])

    def list_training_jobs(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return a page of jobs, the newest first unless the request says otherwise."""
        for filter_name in _UNSUPPORTED_FILTERS:
            if filter_name in request:
                raise ValidationException(
                    f"The local cloud does not support {filter_name} in ListTrainingJobs."
                )
        page = list_page(self.cloud.store, TRAINING_JOB, request)
        return list_result("TrainingJobSummaries", page, _summary)

    def stop_training_job(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Set a job's stop going; that of one that is stopping changes nothing."""
        name = request["TrainingJobName"]

        def stop(document: Document) -> None:
            status = document["TrainingJobStatus"]
            if status not in ("InProgress", "Stopping"):
                raise ValidationException(
                    f"The request was rejected because the training job is in status {status}."
                )
            begin_stop(document, self.cloud.clock.now())

        job = self.resources.update(TRAINING_JOB, name, stop)
        # As it was created: the request may spell it in another case.
        self.cloud.training.stop(job["TrainingJobName"])
        return {}

    def delete_training_job(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Forget a job that has ended, so that its name is free; logs and artifacts stay."""

        def check_ended(document: Document) -> None:
            status = document["TrainingJobStatus"]
            if status in ("InProgress", "Stopping"):
                # The wording is a guess, after StopTrainingJob's.
                raise ResourceInUse(
                    f"The request was rejected because the training job is in status {status}."
                )

        self.resources.delete(TRAINING_JOB, request["TrainingJobName"], check_ended)
        return {}


def _with_defaults(request: dict[str, Any]) -> Document:
    """Return the members that Describe fills in where Create left something out.

    Source: the SDK's attach(), which reads them all, and AWS's examples of Describe.
    """
    algorithm = request["AlgorithmSpecification"]
    members: Document = {
        "AlgorithmSpecification": {
            "EnableSageMakerMetricsTimeSeries": bool(algorithm.get("MetricDefinitions")),
            **algorithm,
        },
        "OutputDataConfig": {"KmsKeyId": "", **request["OutputDataConfig"]},
    }
    if "InputDataConfig" in request:
        members["InputDataConfig"] = [_full_channel(c) for c in request["InputDataConfig"]]
    return members


def _full_channel(channel: dict[str, Any]) -> dict[str, Any]:
    source = channel["DataSource"]["S3DataSource"]
    return {
        "CompressionType": "None",
        "RecordWrapperType": "None",
        **channel,
        "DataSource": {"S3DataSource": {"S3DataDistributionType": "FullyReplicated", **source}},
    }


def _summary(document: Document) -> Document:
    return {member: document[member] for member in _SUMMARISED if member in document}
