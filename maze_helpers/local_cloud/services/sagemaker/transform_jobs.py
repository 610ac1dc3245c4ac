"""Transform jobs: CreateTransformJob, DescribeTransformJob, List- and StopTransformJob."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.engine.transform.record import RUNNING, begin, begin_stop
from maze_helpers.local_cloud.errors import ValidationException
from maze_helpers.local_cloud.services.sagemaker.listing import list_page, list_result
from maze_helpers.local_cloud.services.sagemaker.quota_usage import (
    check_new_job,
    transform_usage,
)
from maze_helpers.local_cloud.services.sagemaker.quotas import AccountQuotas
from maze_helpers.local_cloud.services.sagemaker.resources import (
    MODEL,
    TRANSFORM_JOB,
    Document,
    Resources,
)
from maze_helpers.local_cloud.services.sagemaker.roles import check_role
from maze_helpers.local_cloud.services.sagemaker.tags import checked_tags
from maze_helpers.local_cloud.services.sagemaker.transform_request import (
    check_transform_request,
)

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

# What Describe answers as Create was given it.
_DESCRIBED = (
    "BatchStrategy",
    "DataCaptureConfig",
    "Environment",
    "ExperimentConfig",
    "MaxConcurrentTransforms",
    "MaxPayloadInMB",
    "ModelClientConfig",
    "ModelName",
    "TransformJobName",
    "TransformResources",
)
_SUMMARISED = (
    "CreationTime",
    "FailureReason",
    "LastModifiedTime",
    "TransformEndTime",
    "TransformJobArn",
    "TransformJobName",
    "TransformJobStatus",
)
# What Describe has no members for: the model as it was, and what lists are sorted by.
_HIDDEN = ("_Model", "LastModifiedTime")


class TransformJobs:
    """The operations on transform jobs."""

    def __init__(self, cloud: LocalCloud, resources: Resources) -> None:
        self.cloud = cloud
        self.resources = resources
        self.quotas = AccountQuotas(cloud.store)
        self.operations: dict[str, Callable[[dict[str, Any], AccessKey], dict[str, Any]]] = {
            "CreateTransformJob": self.create_transform_job,
            "DescribeTransformJob": self.describe_transform_job,
            "ListTransformJobs": self.list_transform_jobs,
            "StopTransformJob": self.stop_transform_job,
        }

    def create_transform_job(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Record a job, set it going and return its ARN."""
        model = self.resources.get(MODEL, request["ModelName"])
        check_role(self.cloud, model["ExecutionRoleArn"])
        objects = self.cloud.objects_as(model["ExecutionRoleArn"])
        check_transform_request(request, model, objects, self.cloud.region)
        tags = checked_tags(request.get("Tags", []))
        document = self._new_document(request, model)
        arn = self.resources.insert(
            TRANSFORM_JOB, document, tags, lambda: self._check_quotas(document)
        )
        self.cloud.transforms.start(request["TransformJobName"])
        return {"TransformJobArn": arn}

    def _new_document(self, request: dict[str, Any], model: Document) -> Document:
        document: Document = {member: request[member] for member in _DESCRIBED if member in request}
        document |= _with_defaults(request)
        # The job is not troubled when the model is deleted.
        document["_Model"] = model
        document["TransformJobArn"] = self.resources.arn(TRANSFORM_JOB, request["TransformJobName"])
        begin(document, self.cloud.clock.now())
        return document

    def _check_quotas(self, document: Document) -> None:
        """Check, within the transaction that stores it, that a job may have its instances."""
        check_new_job(self.quotas, self.resources, TRANSFORM_JOB, document, transform_usage)

    def describe_transform_job(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return everything about a job."""
        document = self.resources.get(TRANSFORM_JOB, request["TransformJobName"])
        return {member: value for member, value in document.items() if member not in _HIDDEN}

    def list_transform_jobs(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return a page of jobs, the newest first unless the request says otherwise."""
        page = list_page(self.cloud.store, TRANSFORM_JOB, request)
        return list_result("TransformJobSummaries", page, _summary)

    def stop_transform_job(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Set a job's stop going; that of one that is stopping changes nothing."""

        def stop(document: Document) -> None:
            status = document["TransformJobStatus"]
            if status not in RUNNING:
                raise ValidationException(
                    f"The request was rejected because the transform job is in status {status}."
                )
            begin_stop(document, self.cloud.clock.now())

        document = self.resources.update(TRANSFORM_JOB, request["TransformJobName"], stop)
        # The name as the job has it: that of the request may differ in case.
        self.cloud.transforms.stop(document["TransformJobName"])
        return {}


def _with_defaults(request: dict[str, Any]) -> Document:
    """Return the members that Describe fills in where Create left something out.

    Source: SageMaker guide, "Deploy Autopilot models for batch inference", and what the tests of
    aws-controllers-k8s/sagemaker-controller keep of its answers.
    """
    return {
        "TransformInput": {
            "CompressionType": "None",
            "SplitType": "None",
            **request["TransformInput"],
        },
        "TransformOutput": {"AssembleWith": "None", "KmsKeyId": "", **request["TransformOutput"]},
        "DataProcessing": {
            "InputFilter": "$",
            "OutputFilter": "$",
            "JoinSource": "None",
            **request.get("DataProcessing", {}),
        },
    }


def _summary(document: Document) -> Document:
    return {member: document[member] for member in _SUMMARISED if member in document}
