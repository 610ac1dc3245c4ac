"""Processing jobs: CreateProcessingJob, DescribeProcessingJob, List-, Stop- and Delete-."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.engine.processing.record import RUNNING, begin, begin_stop
from maze_helpers.local_cloud.errors import ResourceInUse, ValidationException
from maze_helpers.local_cloud.services.sagemaker.listing import list_page, list_result
from maze_helpers.local_cloud.services.sagemaker.processing_request import (
    DEFAULT_MAX_RUNTIME_S,
    check_processing_request,
)
from maze_helpers.local_cloud.services.sagemaker.quota_usage import (
    check_new_job,
    processing_usage,
)
from maze_helpers.local_cloud.services.sagemaker.quotas import AccountQuotas
from maze_helpers.local_cloud.services.sagemaker.resources import (
    PROCESSING_JOB,
    Document,
    Resources,
)
from maze_helpers.local_cloud.services.sagemaker.roles import check_role
from maze_helpers.local_cloud.services.sagemaker.tags import checked_tags

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

# What Describe answers as Create was given it.
_DESCRIBED = (
    "AppSpecification",
    "Environment",
    "ExperimentConfig",
    "NetworkConfig",
    "ProcessingJobName",
    "RoleArn",
)
_SUMMARISED = (
    "CreationTime",
    "ExitMessage",
    "FailureReason",
    "LastModifiedTime",
    "ProcessingEndTime",
    "ProcessingJobArn",
    "ProcessingJobName",
    "ProcessingJobStatus",
)


class ProcessingJobs:
    """The operations on processing jobs."""

    def __init__(self, cloud: LocalCloud, resources: Resources) -> None:
        self.cloud = cloud
        self.resources = resources
        self.quotas = AccountQuotas(cloud.store)
        self.operations: dict[str, Callable[[dict[str, Any], AccessKey], dict[str, Any]]] = {
            "CreateProcessingJob": self.create_processing_job,
            "DeleteProcessingJob": self.delete_processing_job,
            "DescribeProcessingJob": self.describe_processing_job,
            "ListProcessingJobs": self.list_processing_jobs,
            "StopProcessingJob": self.stop_processing_job,
        }

    def create_processing_job(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Record a job, set it going and return its ARN."""
        check_role(self.cloud, request["RoleArn"])
        check_processing_request(request)
        tags = checked_tags(request.get("Tags", []))
        document = self._new_document(request)
        arn = self.resources.insert(
            PROCESSING_JOB, document, tags, lambda: self._check_quotas(document)
        )
        self.cloud.processing.start(request["ProcessingJobName"])
        return {"ProcessingJobArn": arn}

    def _new_document(self, request: dict[str, Any]) -> Document:
        document: Document = {member: request[member] for member in _DESCRIBED if member in request}
        document |= _with_defaults(request)
        document["ProcessingJobArn"] = self.resources.arn(
            PROCESSING_JOB, request["ProcessingJobName"]
        )
        begin(document, self.cloud.clock.now())
        return document

    def _check_quotas(self, document: Document) -> None:
        """Check, within the transaction that stores it, that a job may have its instances."""
        check_new_job(self.quotas, self.resources, PROCESSING_JOB, document, processing_usage)

    def describe_processing_job(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return everything about a job."""
        return self.resources.get(PROCESSING_JOB, request["ProcessingJobName"])

    def list_processing_jobs(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return a page of jobs, the newest first unless the request says otherwise."""
        page = list_page(self.cloud.store, PROCESSING_JOB, request)
        return list_result("ProcessingJobSummaries", page, _summary)

    def stop_processing_job(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Set a job's stop going; that of one that is stopping changes nothing."""

        def stop(document: Document) -> None:
            status = document["ProcessingJobStatus"]
            if status not in RUNNING:
                # The wording is a guess, after StopTrainingJob's.
                raise ValidationException(
                    f"The request was rejected because the processing job is in status {status}."
                )
            begin_stop(document, self.cloud.clock.now())

        job = self.resources.update(PROCESSING_JOB, request["ProcessingJobName"], stop)
        # As it was created: the request may spell it in another case.
        self.cloud.processing.stop(job["ProcessingJobName"])
        return {}

    def delete_processing_job(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Forget a job that has ended, so that its name is free; logs and outputs stay."""

        def check_ended(document: Document) -> None:
            status = document["ProcessingJobStatus"]
            if status in RUNNING:
                # The wording is a guess, after StopTrainingJob's.
                raise ResourceInUse(
                    f"The request was rejected because the processing job is in status {status}."
                )

        self.resources.delete(PROCESSING_JOB, request["ProcessingJobName"], check_ended)
        return {}


def _with_defaults(request: dict[str, Any]) -> Document:
    """Return the members that Describe fills in where Create left something out.

    Source: the SDK's integration tests, tests/integ/test_processing.py.
    """
    cluster = request["ProcessingResources"]["ClusterConfig"]
    members: Document = {
        "ProcessingResources": {"ClusterConfig": {"InstanceCount": 1, **cluster}},
        "StoppingCondition": request.get(
            "StoppingCondition", {"MaxRuntimeInSeconds": DEFAULT_MAX_RUNTIME_S}
        ),
    }
    if "ProcessingInputs" in request:
        members["ProcessingInputs"] = [_full_input(one) for one in request["ProcessingInputs"]]
    if "ProcessingOutputConfig" in request:
        outputs = request["ProcessingOutputConfig"]
        members["ProcessingOutputConfig"] = {
            **outputs,
            "Outputs": [{"AppManaged": False, **one} for one in outputs["Outputs"]],
        }
    return members


def _full_input(processing_input: dict[str, Any]) -> dict[str, Any]:
    return {
        "AppManaged": False,
        **processing_input,
        "S3Input": {
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
            "S3CompressionType": "None",
            **processing_input["S3Input"],
        },
    }


def _summary(document: Document) -> Document:
    return {member: document[member] for member in _SUMMARISED if member in document}
