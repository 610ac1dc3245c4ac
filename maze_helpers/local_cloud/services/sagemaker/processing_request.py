"""CreateProcessingJob's request: what the local cloud refuses by name, and what AWS's rules refuse.

Nothing that would change how a job runs is ignored: it is done, or refused here. Where no source
is given, the wordings of AWS's rules are guesses.
"""

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from maze_helpers.local_cloud.engine.images import runtime_for
from maze_helpers.local_cloud.engine.s3_uri import split_s3_uri
from maze_helpers.local_cloud.errors import ValidationException
from maze_helpers.local_cloud.services.sagemaker.refusals import missing, refuse, unsupported

# Source: the SDK's integration tests: what Describe answers where Create had none.
DEFAULT_MAX_RUNTIME_S = 24 * 3600
# Source: SageMaker guide, "How Amazon SageMaker Processing Configures Input and Output For Your
# Processing Container".
PROCESSING_FOLDER = "/opt/ml/processing"

_OPERATION = "CreateProcessingJob"
# Members that would change how a job runs, and that are not here.
_UNSUPPORTED_CLUSTER = ("InstancePreferences", "SelectedInstanceCount", "SelectedInstanceType")


def check_processing_request(request: dict[str, Any]) -> None:
    """Check all of a request that the service's model cannot state.

    Raises: ValidationException.
    """
    _check_application(request["AppSpecification"])
    _check_cluster(request["ProcessingResources"]["ClusterConfig"])
    inputs = request.get("ProcessingInputs", [])
    outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", [])
    for one in inputs:
        _check_input(one)
    for one in outputs:
        _check_output(one)
    _check_unique("InputName", [one["InputName"] for one in inputs])
    _check_unique("OutputName", [one["OutputName"] for one in outputs])
    _check_unique("LocalPath", local_paths(inputs, outputs))


def local_paths(inputs: list[dict[str, Any]], outputs: list[dict[str, Any]]) -> list[str]:
    """Return the folders in the container that inputs and outputs name."""
    transfers = [one["S3Input"] for one in inputs] + [one["S3Output"] for one in outputs]
    return [str(PurePosixPath(one["LocalPath"])) for one in transfers if one.get("LocalPath")]


def _check_application(application: dict[str, Any]) -> None:
    runtime_for(application["ImageUri"], "processing")
    for member in ("ContainerEntrypoint", "ContainerArguments"):
        for index, text in enumerate(application.get(member, [])):
            if not text:
                # Source: issue 3758 of the SageMaker SDK.
                raise ValidationException(
                    f"Found null or empty string in {member} at index {index}. ContainerArguments "
                    "and ContainerEntrypoint may not contain null or empty strings."
                )


def _check_cluster(cluster: dict[str, Any]) -> None:
    refuse(_OPERATION, "ProcessingResources.ClusterConfig", cluster, _UNSUPPORTED_CLUSTER)
    if "InstanceType" not in cluster:
        raise missing("processingResources.clusterConfig.instanceType")


def _check_input(processing_input: dict[str, Any]) -> None:
    refuse(_OPERATION, "ProcessingInputs", processing_input, ("DatasetDefinition",))
    source = processing_input.get("S3Input")
    if source is None:
        raise missing("processingInputs.s3Input")
    mode = source.get("S3InputMode", "File")
    if source.get("S3CompressionType", "None") == "Gzip" and mode != "Pipe":
        # Source: botocore's model of S3CompressionType has the rule.
        raise ValidationException("Data can only be gzipped when the S3InputMode is Pipe.")
    if mode != "File":
        raise unsupported(_OPERATION, "ProcessingInputs.S3Input.S3InputMode", mode)
    split_s3_uri(source["S3Uri"])
    _check_local_path("processingInputs.s3Input", source, processing_input)


def _check_output(output: dict[str, Any]) -> None:
    refuse(_OPERATION, "ProcessingOutputConfig.Outputs", output, ("FeatureStoreOutput",))
    target = output.get("S3Output")
    if target is None:
        raise missing("processingOutputConfig.outputs.s3Output")
    split_s3_uri(target["S3Uri"])
    _check_local_path("processingOutputConfig.outputs.s3Output", target, output)


def _check_local_path(path: str, transfer: dict[str, Any], owner: dict[str, Any]) -> None:
    """Check an input's or output's LocalPath; an AppManaged one can do without."""
    local_path = transfer.get("LocalPath")
    if local_path is None:
        if owner.get("AppManaged"):
            return
        raise missing(f"{path}.localPath")
    inside = local_path.startswith(f"{PROCESSING_FOLDER}/")
    if not inside or ".." in PurePosixPath(local_path).parts or "\0" in local_path:
        raise ValidationException(
            f"The LocalPath '{local_path}' is invalid: it must begin with {PROCESSING_FOLDER}/."
        )


def _check_unique(member: str, values: Iterable[str]) -> None:
    # Sources: issues 4939 and 1950 of the SageMaker SDK have the rule for LocalPath, of inputs and
    # of an input and an output; AWS refuses those without a word.
    seen = set()
    for value in values:
        if value in seen:
            raise ValidationException(f"Each {member} must be unique; '{value}' is there twice.")
        seen.add(value)
