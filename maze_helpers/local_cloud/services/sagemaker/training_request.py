"""CreateTrainingJob's request: what the local cloud refuses by name, and what AWS's rules refuse.

Nothing that would change how a job runs is ignored: it is done, or refused here.
"""

import posixpath
from typing import Any

from maze_helpers.local_cloud.engine.checkpoints import local_path
from maze_helpers.local_cloud.engine.images import runtime_for
from maze_helpers.local_cloud.engine.job_environment import role_name
from maze_helpers.local_cloud.engine.metric_scraper import MetricRegexError, compile_regex
from maze_helpers.local_cloud.engine.s3_uri import split_s3_uri
from maze_helpers.local_cloud.errors import ValidationException
from maze_helpers.local_cloud.services.s3.objects import ObjectStore
from maze_helpers.local_cloud.services.sagemaker.refusals import missing, refuse, unsupported
from maze_helpers.local_cloud.services.sagemaker.training_channels_request import check_channels

# Source: CreateTrainingJob, StoppingCondition: one day unless given, 28 days at most.
DEFAULT_MAX_RUNTIME_S = 24 * 3600
LONGEST_MAX_RUNTIME_S = 28 * DEFAULT_MAX_RUNTIME_S

_OPERATION = "CreateTrainingJob"
# Members that would change how a job runs, and that are not here (yet).
_UNSUPPORTED = {
    "": ("MlflowConfig", "ModelPackageConfig", "ServerlessJobConfig"),
    "AlgorithmSpecification": ("AlgorithmName",),
    "ResourceConfig": (
        "InstancePlacementConfig",
        "InstancePreferences",
        "KeepAlivePeriodInSeconds",
        "TrainingPlanArn",
    ),
}


def check_training_request(request: dict[str, Any], objects: ObjectStore, region: str) -> None:
    """Check all of a request that the service's model cannot state.

    Raises: ValidationException.
    """
    _refuse(request, "")
    role_name(request["RoleArn"])
    _check_algorithm(request.get("AlgorithmSpecification"))
    _check_resources(request.get("ResourceConfig"))
    _check_time_limits(request)
    split_s3_uri(request["OutputDataConfig"]["S3OutputPath"])
    _check_checkpoints(request.get("CheckpointConfig"))
    check_channels(request, objects, region)


def _refuse(members: dict[str, Any], path: str) -> None:
    refuse(_OPERATION, path, members, _UNSUPPORTED[path])


def _check_algorithm(algorithm: dict[str, Any] | None) -> None:
    if algorithm is None:
        raise missing("algorithmSpecification")
    _refuse(algorithm, "AlgorithmSpecification")
    if not algorithm.get("TrainingImage"):
        raise missing("algorithmSpecification.trainingImage")
    runtime_for(algorithm["TrainingImage"])
    for definition in algorithm.get("MetricDefinitions", []):
        try:
            compile_regex(definition["Regex"])
        except MetricRegexError as error:
            raise ValidationException(
                f"The regex of the metric definition '{definition['Name']}' is invalid: {error}"
            ) from error


def _check_resources(resources: dict[str, Any] | None) -> None:
    if resources is None:
        raise missing("resourceConfig")
    _refuse(resources, "ResourceConfig")
    groups = resources.get("InstanceGroups")
    if groups:
        _check_groups(resources, [group["InstanceGroupName"] for group in groups])
    for members in groups or [resources]:
        for member in ("InstanceType", "InstanceCount"):
            if member not in members:
                raise missing(f"resourceConfig.{member[0].lower()}{member[1:]}")
        if members["InstanceCount"] < 1:
            raise ValidationException(
                "1 validation error detected: Value '0' at 'resourceConfig.instanceCount' failed "
                "to satisfy constraint: Member must have value greater than or equal to 1"
            )


def _check_groups(resources: dict[str, Any], names: list[str]) -> None:
    """Check a cluster of several kinds of instances. The wordings are guesses."""
    for member in ("InstanceType", "InstanceCount"):
        if resources.get(member):
            raise ValidationException(
                f"ResourceConfig has both {member} and InstanceGroups: leave one of them out."
            )
    for name in names:
        if names.count(name) > 1:
            raise ValidationException(f"The instance group '{name}' is there twice.")


def _check_time_limits(request: dict[str, Any]) -> None:
    limits = request.get("StoppingCondition", {})
    max_runtime_s = limits.get("MaxRuntimeInSeconds", DEFAULT_MAX_RUNTIME_S)
    max_wait_s = limits.get("MaxWaitTimeInSeconds")
    if max_runtime_s > LONGEST_MAX_RUNTIME_S:
        raise ValidationException(
            f"MaxRuntimeInSeconds is {max_runtime_s}; it can be at most {LONGEST_MAX_RUNTIME_S}, "
            "which is 28 days."
        )
    # Source: public reports, kubeflow/pipelines and Kenza-AI/sagify (issue 111) among them.
    if not request.get("EnableManagedSpotTraining"):
        if max_wait_s is not None:
            raise ValidationException(
                "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining "
                "is set to true"
            )
    elif max_wait_s is None or max_wait_s < max_runtime_s:
        raise ValidationException(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to "
            "MaxRuntimeInSeconds"
        )


def _check_checkpoints(config: dict[str, Any] | None) -> None:
    if config is None:
        return
    split_s3_uri(config["S3Uri"])
    path = local_path(config)
    # Differs from AWS: nothing of the container is its own but for what is below /opt/ml.
    if not path.startswith("/opt/ml/") or posixpath.normpath(path) != path:
        raise unsupported(_OPERATION, "CheckpointConfig.LocalPath", config["LocalPath"])
