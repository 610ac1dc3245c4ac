"""The channels of CreateTrainingJob: what is refused by name, and what AWS's rules refuse."""

from typing import Any

from maze_helpers.local_cloud.engine.training_channels import input_mode
from maze_helpers.local_cloud.errors import ValidationException
from maze_helpers.local_cloud.services.s3.objects import ObjectStore
from maze_helpers.local_cloud.services.sagemaker.input_check import check_input_exists
from maze_helpers.local_cloud.services.sagemaker.refusals import missing, refuse, unsupported

_OPERATION = "CreateTrainingJob"
_DATA_SOURCE = "InputDataConfig.DataSource"
_S3_SOURCE = f"{_DATA_SOURCE}.S3DataSource"
_UNSUPPORTED_SOURCES = ("DatasetSource", "FileSystemDataSource")
_UNSUPPORTED = ("AttributeNames", "HubAccessConfig", "ModelAccessConfig")
_DATA_TYPES = ("S3Prefix", "ManifestFile")


def check_channels(request: dict[str, Any], objects: ObjectStore, region: str) -> None:
    """Check the request's InputDataConfig. objects: as the job's role may use them.

    Raises: ValidationException.
    """
    channels = request.get("InputDataConfig", [])
    _check_names([channel["ChannelName"] for channel in channels])
    for channel in channels:
        _check_source(channel, request["ResourceConfig"])
        _check_mode(channel, input_mode(request, channel))
        source = channel["DataSource"]["S3DataSource"]
        check_input_exists(source["S3Uri"], objects, region, request["RoleArn"])


def _check_names(names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValidationException(f"Channel names must be unique; '{name}' is there twice.")
        if name in (".", ".."):
            raise ValidationException(f"'{name}' cannot be the name of a channel: it is a folder.")


def _check_source(channel: dict[str, Any], resources: dict[str, Any]) -> None:
    refuse(_OPERATION, _DATA_SOURCE, channel["DataSource"], _UNSUPPORTED_SOURCES)
    source = channel["DataSource"].get("S3DataSource")
    if source is None:
        raise missing("inputDataConfig.dataSource.s3DataSource")
    if source["S3DataType"] not in _DATA_TYPES:
        raise unsupported(_OPERATION, f"{_S3_SOURCE}.S3DataType", source["S3DataType"])
    refuse(_OPERATION, _S3_SOURCE, source, _UNSUPPORTED)
    groups = [group["InstanceGroupName"] for group in resources.get("InstanceGroups", [])]
    for name in source.get("InstanceGroupNames", []):
        if name not in groups:
            raise ValidationException(
                f"The channel '{channel['ChannelName']}' is for the instance group '{name}', which "
                "ResourceConfig.InstanceGroups does not have."
            )


def _check_mode(channel: dict[str, Any], mode: str) -> None:
    """Check what is for Pipe mode alone.

    Source: API reference, Channel, which asks to leave these out in File mode. That AWS refuses
    them there, and the wording, are guesses.
    """
    if mode == "Pipe":
        return
    for member in ("CompressionType", "RecordWrapperType"):
        value = channel.get(member, "None")
        if value != "None":
            raise ValidationException(
                f"{member} '{value}' of the channel '{channel['ChannelName']}' is for Pipe input "
                f"mode; leave it out in {mode} mode."
            )
