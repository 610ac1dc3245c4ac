"""CreateTransformJob's request: what the local cloud refuses by name, and what AWS's rules refuse.

Nothing that would change how a job runs is ignored: it is done, or refused here. Where no source
is given, the wordings of AWS's rules are guesses.
"""

from typing import Any

from maze_helpers.local_cloud.engine.hosting.endpoint_record import container_of
from maze_helpers.local_cloud.engine.s3_uri import split_s3_uri
from maze_helpers.local_cloud.engine.transform.settings import MOST_CONCURRENT_MB
from maze_helpers.local_cloud.errors import ValidationException
from maze_helpers.local_cloud.services.s3.objects import ObjectStore
from maze_helpers.local_cloud.services.sagemaker.data_processing_request import (
    check_data_processing,
)
from maze_helpers.local_cloud.services.sagemaker.input_check import check_input_exists
from maze_helpers.local_cloud.services.sagemaker.refusals import refuse, unsupported

_OPERATION = "CreateTransformJob"
_SOURCE = "TransformInput.DataSource.S3DataSource"
# Those that are not here, of the values that the service's model knows.
_UNSUPPORTED_DATA_TYPES = ("AugmentedManifestFile", "Converse")
_UNSUPPORTED_SPLIT_TYPES = ("RecordIO", "TFRecord")
# Source: CreateTransformJob, MaxPayloadInMB.
LARGEST_PAYLOAD_MB = 100


def check_transform_request(
    request: dict[str, Any], model: dict[str, Any], objects: ObjectStore, region: str
) -> None:
    """Check all of a request that the service's model cannot state.

    model: the document of the model that the request names. Raises: ValidationException.
    """
    if "DataCaptureConfig" in request:
        _check_capture(request["DataCaptureConfig"])
    refuse(
        _OPERATION, "TransformResources", request["TransformResources"], ("TransformAmiVersion",)
    )
    _check_model(model)
    _check_source(request["TransformInput"])
    _check_payload(request)
    check_data_processing(request)
    split_s3_uri(request["TransformOutput"]["S3OutputPath"])
    source = request["TransformInput"]["DataSource"]["S3DataSource"]
    # That the manifest itself is looked for in this way is a guess.
    check_input_exists(source["S3Uri"], objects, region, model["ExecutionRoleArn"])


def _check_model(model: dict[str, Any]) -> None:
    if "ModelDataSource" in container_of(model):
        # Source: issue 4777 of the SageMaker SDK, which may not quote it to its end.
        raise ValidationException(
            "SageMaker Batch currently doesn't support Model entity with container definitions "
            "which use ModelDataSource attribute."
        )


def _check_source(source: dict[str, Any]) -> None:
    data_type = source["DataSource"]["S3DataSource"]["S3DataType"]
    if data_type in _UNSUPPORTED_DATA_TYPES:
        raise unsupported(_OPERATION, f"{_SOURCE}.S3DataType", data_type)
    split_type = source.get("SplitType")
    if split_type in _UNSUPPORTED_SPLIT_TYPES:
        raise unsupported(_OPERATION, "TransformInput.SplitType", split_type)


def _check_capture(config: dict[str, Any]) -> None:
    refuse(_OPERATION, "DataCaptureConfig", config, ("GenerateInferenceId",))
    split_s3_uri(config["DestinationS3Uri"])


def _check_payload(request: dict[str, Any]) -> None:
    payload_mb = request.get("MaxPayloadInMB", 0)
    if payload_mb > LARGEST_PAYLOAD_MB:
        raise ValidationException(
            f"MaxPayloadInMB is {payload_mb}; it can be at most {LARGEST_PAYLOAD_MB}."
        )
    concurrent = request.get("MaxConcurrentTransforms", 0)
    if concurrent * payload_mb > MOST_CONCURRENT_MB:
        raise ValidationException(
            f"MaxConcurrentTransforms * MaxPayloadInMB is {concurrent * payload_mb}; it can be at "
            f"most {MOST_CONCURRENT_MB}."
        )
