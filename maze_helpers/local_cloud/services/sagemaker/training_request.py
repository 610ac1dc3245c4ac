"""CreateTrainingJob's request: what the local cloud refuses by name, and what AWS's rules refuse.

Nothing that would change how a job runs is ignored: it is done, or refused here.
"""

from typing import Any

from maze_helpers.local_cloud.engine.images import runtime_for
from maze_helpers.local_cloud.engine.job_environment import role_name
from maze_helpers.local_cloud.engine.metric_scraper import MetricRegexError, compile_regex
from maze_helpers.local_cloud.engine.s3_uri import split_s3_uri
from maze_helpers.local_cloud.errors import ValidationException
from maze_helpers.local_cloud.services.s3.objects import ObjectStore
from maze_helpers.local_cloud.services.sagemaker.input_check import check_input_exists
from maze_helpers.local_cloud.services.sagemaker.refusals import missing, refuse, unsupported

# Source: CreateTrainingJob, StoppingCondition: one day unless given, 28 days at most.
DEFAULT_MAX_RUNTIME_S = 24 * 3600
LONGEST_MAX_RUNTIME_S = 28 * DEFAULT_MAX_RUNTIME_S

_OPERATION = "CreateTrainingJob"
# Members that would change how a job runs, and that are not here (yet).
_UNSUPPORTED = {
    "": ("MlflowConfig", "ModelPackageConfig", "ServerlessJobConfig"),
    "AlgorithmSpecification": ("AlgorithmName", "ContainerArguments", "ContainerEntrypoint"),
    "ResourceConfig": (
        "InstanceGroups",
        "InstancePlacementConfig",
        "InstancePreferences",
        "TrainingPlanArn",
    ),
    "InputDataConfig.DataSource": ("DatasetSource", "FileSystemDataSource"),
    "InputDataConfig.DataSource.S3DataSource": (
        "AttributeNames",
        "HubAccessConfig",
        "InstanceGroupNames",
        "ModelAccessConfig",
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
    _check_channel_names(request)
    for channel in request.get("InputDataConfig", []):
        _check_channel(channel)
        source = channel["DataSource"]["S3DataSource"]
        check_input_exists(source["S3Uri"], objects, region, request["RoleArn"])


def _refuse(members: dict[str, Any], path: str) -> None:
    refuse(_OPERATION, path, members, _UNSUPPORTED[path])


def _unsupported(member: str, value: object = None) -> ValidationException:
    return unsupported(_OPERATION, member, value)


def _check_algorithm(algorithm: dict[str, Any] | None) -> None:
    if algorithm is None:
        raise missing("algorithmSpecification")
    _refuse(algorithm, "AlgorithmSpecification")
    if not algorithm.get("TrainingImage"):
        raise missing("algorithmSpecification.trainingImage")
    runtime_for(algorithm["TrainingImage"])
    if algorithm["TrainingInputMode"] != "File":
        raise _unsupported(
            "AlgorithmSpecification.TrainingInputMode", algorithm["TrainingInputMode"]
        )
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
    for member in ("InstanceType", "InstanceCount"):
        if member not in resources:
            raise missing(f"resourceConfig.{member[0].lower()}{member[1:]}")
    if resources["InstanceCount"] != 1:
        raise _unsupported("ResourceConfig.InstanceCount", resources["InstanceCount"])
    if resources.get("KeepAlivePeriodInSeconds"):
        raise _unsupported("ResourceConfig.KeepAlivePeriodInSeconds")


def _check_time_limits(request: dict[str, Any]) -> None:
    limits = request.get("StoppingCondition", {})
    max_runtime_s = limits.get("MaxRuntimeInSeconds", DEFAULT_MAX_RUNTIME_S)
    max_wait_s = limits.get("MaxWaitTimeInSeconds")
    if max_runtime_s > LONGEST_MAX_RUNTIME_S:
        raise ValidationException(
            f"MaxRuntimeInSeconds is {max_runtime_s}; it can be at most {LONGEST_MAX_RUNTIME_S}, "
            "which is 28 days."
        )
    # The wordings on managed spot training are from memory of public reports.
    if not request.get("EnableManagedSpotTraining"):
        if max_wait_s is not None:
            raise ValidationException(
                "Invalid MaxWaitTimeInSeconds. It is only for jobs with EnableManagedSpotTraining."
            )
    elif max_wait_s is None or max_wait_s < max_runtime_s:
        raise ValidationException(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to "
            "MaxRuntimeInSeconds"
        )


def _check_channel_names(request: dict[str, Any]) -> None:
    names = [channel["ChannelName"] for channel in request.get("InputDataConfig", [])]
    for name in names:
        if names.count(name) > 1:
            raise ValidationException(f"Channel names must be unique; '{name}' is there twice.")
        if name in (".", ".."):
            raise ValidationException(f"'{name}' cannot be the name of a channel: it is a folder.")


def _check_channel(channel: dict[str, Any]) -> None:
    _refuse(channel["DataSource"], "InputDataConfig.DataSource")
    source = channel["DataSource"].get("S3DataSource")
    if source is None:
        raise missing("inputDataConfig.dataSource.s3DataSource")
    path = "InputDataConfig.DataSource.S3DataSource"
    _refuse(source, path)
    # Each with the one value that is implemented, and is AWS's default.
    settings = [
        ("InputDataConfig.InputMode", channel.get("InputMode", "File"), "File"),
        ("InputDataConfig.CompressionType", channel.get("CompressionType", "None"), "None"),
        ("InputDataConfig.RecordWrapperType", channel.get("RecordWrapperType", "None"), "None"),
        (f"{path}.S3DataType", source["S3DataType"], "S3Prefix"),
        (
            f"{path}.S3DataDistributionType",
            source.get("S3DataDistributionType", "FullyReplicated"),
            "FullyReplicated",
        ),
    ]
    for member, value, supported in settings:
        if value != supported:
            raise _unsupported(member, value)
