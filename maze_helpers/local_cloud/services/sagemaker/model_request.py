"""CreateModel's request: what the local cloud refuses by name, and what AWS's rules refuse.

Nothing that would change how a model is served is ignored: it is done, or refused here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maze_helpers.local_cloud.engine.hosting.model_data import data_url
from maze_helpers.local_cloud.engine.images import runtime_for
from maze_helpers.local_cloud.engine.s3_uri import split_s3_uri
from maze_helpers.local_cloud.errors import ValidationException
from maze_helpers.local_cloud.services.s3.errors import AccessDenied, NoSuchBucket, NoSuchKey
from maze_helpers.local_cloud.services.s3.objects import ObjectStore
from maze_helpers.local_cloud.services.sagemaker.refusals import missing, refuse, unsupported
from maze_helpers.local_cloud.services.sagemaker.roles import check_role

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

_OPERATION = "CreateModel"
# Members of a container definition that would change what is served, and are not here.
_UNSUPPORTED = (
    "AdditionalModelDataSources",
    "ContainerMetricsConfig",
    "InferenceSpecificationName",
    "ModelPackageName",
    "MultiModelConfig",
)
_UNSUPPORTED_OF_MODEL_DATA = ("ETag", "HubAccessConfig", "ManifestEtag", "ManifestS3Uri")
# What ModelDataSource may be: an archive, or a prefix whose objects are the model as they are.
_ARCHIVE = ("S3Object", "Gzip")
_PREFIX = ("S3Prefix", "None")


def check_model_request(request: dict[str, Any], cloud: LocalCloud) -> None:
    """Check all of a request that the service's model cannot state.

    Raises: ValidationException; AccessDeniedException, for another account's role.
    """
    path, container = _only_container(request)
    refuse(_OPERATION, path, container, _UNSUPPORTED)
    # Each with the one value that is implemented, and is AWS's default.
    settings = [
        (f"{path}.Mode", container.get("Mode", "SingleModel"), "SingleModel"),
        (
            f"{path}.ImageConfig.RepositoryAccessMode",
            container.get("ImageConfig", {}).get("RepositoryAccessMode", "Platform"),
            "Platform",
        ),
        (
            "InferenceExecutionConfig.Mode",
            request.get("InferenceExecutionConfig", {}).get("Mode", "Serial"),
            "Serial",
        ),
    ]
    for member, value, supported in settings:
        if value != supported:
            raise unsupported(_OPERATION, member, value)
    _check_image(container)
    role_arn = request.get("ExecutionRoleArn")
    if not role_arn:
        raise missing("executionRoleArn")
    check_role(cloud, role_arn)
    try:
        _check_model_data(container, cloud.objects_as(role_arn))
    except AccessDenied as error:
        raise _no_access(container, role_arn, cloud.region) from error


def _only_container(request: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the model's one container definition, and where the request has it."""
    primary, others = request.get("PrimaryContainer"), request.get("Containers", [])
    # The wordings are guesses.
    if primary and others:
        raise ValidationException("Specify either PrimaryContainer or Containers, not both.")
    if not primary and not others:
        raise ValidationException("Specify one of PrimaryContainer and Containers.")
    if len(others) > 1:
        raise unsupported(_OPERATION, f"{len(others)} Containers")
    return ("PrimaryContainer", primary) if primary else ("Containers", others[0])


def _check_image(container: dict[str, Any]) -> None:
    if not container.get("Image"):
        # Source: public code that quotes it.
        raise ValidationException(
            "Specify one of either Image and Model Data URL or ModelPackageName in container "
            "definition."
        )
    runtime_for(container["Image"], "inference")


def _check_model_data(container: dict[str, Any], objects: ObjectStore) -> None:
    url, source = container.get("ModelDataUrl"), container.get("ModelDataSource")
    if url and source is not None:
        # The wording is a guess.
        raise ValidationException("Specify either ModelDataUrl or ModelDataSource, not both.")
    if url:
        _check_object(url, objects)
    elif source is not None:
        _check_source(source, objects)


def _check_source(source: dict[str, Any], objects: ObjectStore) -> None:
    s3 = source.get("S3DataSource")
    if s3 is None:
        raise missing("primaryContainer.modelDataSource.s3DataSource")
    path = "ModelDataSource.S3DataSource"
    refuse(_OPERATION, path, s3, _UNSUPPORTED_OF_MODEL_DATA)
    url, kind = s3["S3Uri"], (s3["S3DataType"], s3["CompressionType"])
    if kind == _ARCHIVE:
        _check_object(url, objects)
    elif kind != _PREFIX:
        raise unsupported(
            _OPERATION, f"{path} of S3DataType and CompressionType", " and ".join(kind)
        )
    elif not url.endswith("/"):
        # Source: S3ModelDataSource, S3Uri; the wording is a guess.
        raise ValidationException(f"The S3Uri of an S3Prefix must end with a slash: {url}")
    else:
        bucket, prefix = split_s3_uri(url)
        if not objects.bucket_exists(bucket) or not any(objects.list_objects(bucket, prefix)):
            raise _no_model_data(url)


def _check_object(url: str, objects: ObjectStore) -> None:
    try:
        objects.head(*split_s3_uri(url))
    except (NoSuchBucket, NoSuchKey) as error:
        raise _no_model_data(url) from error


def _no_access(container: dict[str, Any], role_arn: str, region: str) -> ValidationException:
    # Source: public reports, issue 2 of philschmid/llm-sagemaker-sample among them.
    return ValidationException(
        f"Could not access model data at {data_url(container)}. Please ensure that the role "
        f'"{role_arn}" exists and that its trust relationship policy allows the action '
        '"sts:AssumeRole" for the service principal "sagemaker.amazonaws.com". Also ensure that '
        f'the role has "s3:GetObject" permissions and that the object is located in {region}. If '
        "your Model uses multiple models or uncompressed models, please ensure that the role has "
        '"s3:ListBucket" permission.'
    )


def _no_model_data(url: str) -> ValidationException:
    # Source: public reports of CreateModel's ValidationException.
    return ValidationException(f"Could not find model data at {url}.")
