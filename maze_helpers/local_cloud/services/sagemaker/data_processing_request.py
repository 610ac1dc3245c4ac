"""CreateTransformJob's DataProcessing: what it demands of itself and of the rest of the request.

Source: SageMaker guide, "Associate Prediction Results with Input Records". Where nothing else is
said, the wordings are guesses.
"""

from typing import Any

from maze_helpers.local_cloud.engine.transform.data_processing import (
    CSV,
    JSON,
    JSON_LINES,
    media_type,
)
from maze_helpers.local_cloud.engine.transform.json_path import OPERATORS, unexpected_character
from maze_helpers.local_cloud.errors import ValidationException
from maze_helpers.local_cloud.services.sagemaker.refusals import unsupported

_WHOLE = ("", "$")
_FILTERS = ("InputFilter", "OutputFilter")
_FORMATS = (CSV, JSON, JSON_LINES)


def check_data_processing(request: dict[str, Any]) -> None:
    """Check what a request says of filters and joins.

    One that only spells out the defaults is free to have any types. Raises: ValidationException.
    """
    processing = request.get("DataProcessing", {})
    paths = {name: processing[name] for name in _FILTERS if processing.get(name, "$") not in _WHOLE}
    changes_output = "OutputFilter" in paths or processing.get("JoinSource", "None") != "None"
    if not paths and not changes_output:
        return
    source, target = request["TransformInput"], request["TransformOutput"]
    content_type = _content_type(source.get("ContentType", ""))
    _check_splits(content_type, source.get("SplitType", "None"))
    if changes_output:
        _check_target(source, target)
    for name, path in paths.items():
        _check_path(name, path, content_type)


def _content_type(content_type: str) -> str:
    """Return the media type that the records have."""
    if media_type(content_type) not in _FORMATS:
        found = f"'{content_type}'" if content_type else "not there"
        raise ValidationException(
            f"ContentType is {found}; with DataProcessing it must be one of {', '.join(_FORMATS)}."
        )
    return media_type(content_type)


def _check_splits(content_type: str, split_type: str) -> None:
    if split_type == "Line" or content_type == JSON:
        return
    if content_type == CSV:
        raise ValidationException(f"SplitType must be 'Line' with DataProcessing of {CSV}.")
    # AWS's guide says only that it may be Line.
    raise unsupported(
        "CreateTransformJob", f"SplitType '{split_type}' with DataProcessing of {JSON_LINES}"
    )


def _check_target(source: dict[str, Any], target: dict[str, Any]) -> None:
    """Check that answers are what records are. Without an Accept, the model is believed to be."""
    content_type, accept = source["ContentType"], target.get("Accept")
    family = (CSV,) if media_type(content_type) == CSV else (JSON, JSON_LINES)
    if accept and media_type(accept) not in family:
        raise ValidationException(
            f"ContentType '{content_type}' and Accept '{accept}' must be of one format with "
            "JoinSource or OutputFilter."
        )
    split_type, assemble_with = (
        source.get("SplitType", "None"),
        target.get("AssembleWith", "None"),
    )
    if split_type != assemble_with:
        raise ValidationException(
            f"SplitType '{split_type}' and AssembleWith '{assemble_with}' must be the same with "
            "JoinSource or OutputFilter."
        )


def _check_path(member: str, path: str, content_type: str) -> None:
    character = unexpected_character(path)
    if character is not None:
        # Source: issue 3136 of boto3; that the operators are the same for all types is a guess.
        operators = ", ".join(f"'{operator}'" for operator in OPERATORS)
        raise ValidationException(
            f'Invalid {member}: "{path}". Unexpected "{character}" in JsonPath. Supported '
            f'operators for "{content_type}" are [{operators}].'
        )
