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
    if not paths and processing.get("JoinSource", "None") == "None":
        return
    source, target = request["TransformInput"], request["TransformOutput"]
    content_type = _common_type(source.get("ContentType", ""), target.get("Accept", ""))
    _check_delimiters(
        content_type, source.get("SplitType", "None"), target.get("AssembleWith", "None")
    )
    for name, path in paths.items():
        _check_path(name, path, content_type)


def _common_type(content_type: str, accept: str) -> str:
    """Return the media type that the model both takes and answers with."""
    for member, value in (("ContentType", content_type), ("Accept", accept)):
        if media_type(value) not in _FORMATS:
            found = f"'{value}'" if value else "not there"
            raise ValidationException(
                f"{member} is {found}; with DataProcessing it must be one of {', '.join(_FORMATS)}."
            )
    if media_type(content_type) != media_type(accept):
        raise ValidationException(
            f"ContentType '{content_type}' and Accept '{accept}' must be the same with "
            "DataProcessing."
        )
    return media_type(content_type)


def _check_delimiters(content_type: str, split_type: str, assemble_with: str) -> None:
    if split_type != assemble_with:
        raise ValidationException(
            f"SplitType '{split_type}' and AssembleWith '{assemble_with}' must be the same with "
            "DataProcessing."
        )
    if content_type == CSV and split_type != "Line":
        raise ValidationException(
            f"SplitType and AssembleWith must be 'Line' with DataProcessing of {CSV}."
        )
    if content_type == JSON_LINES and split_type != "Line":
        # AWS's guide says only that it may be Line.
        raise unsupported(
            "CreateTransformJob",
            f"SplitType '{split_type}' with DataProcessing of {JSON_LINES}",
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
