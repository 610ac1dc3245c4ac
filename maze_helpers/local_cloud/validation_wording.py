"""What AWS says of a request that breaks its model: the code and words of each service."""

from collections.abc import Mapping, Sequence
from typing import Any

from botocore.model import OperationModel, Shape

from maze_helpers.local_cloud.constraints import (
    ENUM,
    ITEMS,
    MAP_KEYS,
    MAP_VALUES,
    MAX_LENGTH,
    MAX_VALUE,
    MIN_LENGTH,
    MIN_VALUE,
    PATTERN,
    REQUIRED,
    Constraint,
    MapKey,
    Path,
    Violation,
    satisfies,
)
from maze_helpers.local_cloud.errors import (
    AWSError,
    InvalidParameterException,
    InvalidParameterValue,
    MissingParameter,
    ValidationError,
    ValidationException,
)

# Services whose code for a broken constraint is not ValidationException.
CODES: dict[str, type[AWSError]] = {
    "iam": ValidationError,
    "logs": InvalidParameterException,
    "sagemaker-runtime": ValidationError,
    "sts": ValidationError,
}

# CloudWatch's newer operations answer with one code; their words are those of the older ones.
CLOUDWATCH_NEWER = frozenset({"GetMetricData"})

DEMANDS = {
    REQUIRED: "Member must not be null",
    MAX_LENGTH: "Member must have length less than or equal to {}",
    MIN_LENGTH: "Member must have length greater than or equal to {}",
    MAX_VALUE: "Member must have value less than or equal to {}",
    MIN_VALUE: "Member must have value greater than or equal to {}",
    PATTERN: "Member must satisfy regular expression pattern: {}",
    ENUM: "Member must satisfy enum value set: [{}]",
    ITEMS: "Member must satisfy constraint: [{}]",
    MAP_KEYS: "Map keys must satisfy constraint: [{}]",
    MAP_VALUES: "Map value must satisfy constraint: [{}]",
}
CLOUDWATCH_DEMANDS = {
    MAX_LENGTH: "be no longer than {} characters",
    MIN_LENGTH: "be no shorter than {} characters",
    MAX_VALUE: "be less than or equal to {}",
    MIN_VALUE: "be greater than or equal to {}",
    PATTERN: "match the pattern {}",
    ENUM: "be a value in the set [ {} ]",
}
# Where an item is in a form, which is how CloudWatch spells places; of maps, a guess.
CLOUDWATCH_PLACES = {
    ITEMS: ".member.{}",
    MAP_KEYS: ".entry.{}.key",
    MAP_VALUES: ".entry.{}.value",
}


def validation_error(operation: OperationModel, violations: Sequence[Violation]) -> AWSError:
    """Return the error that a service raises for a request's violations."""
    service_name = operation.service_model.service_name
    if service_name == "cloudwatch":
        return _cloudwatch_error(operation.name, violations)
    code = CODES.get(service_name, ValidationException)
    noun = "error" if len(violations) == 1 else "errors"
    described = "; ".join(_describe(violation) for violation in violations)
    return code(f"{len(violations)} validation {noun} detected: {described}")


def _describe(violation: Violation) -> str:
    """Return the sentence for one violation.

    Example: Value 'a b' at 'tags.1.member.key' failed to satisfy constraint: Member must …
    """
    if violation.value is None:
        value = "Value null"
    else:
        shown = _shown(violation.shape, violation.value)
        value = "Value" if shown is None else f"Value '{shown}'"
    demand = _demand(violation.constraint)
    return f"{value} at '{_place(violation.path)}' failed to satisfy constraint: {demand}"


def _place(path: Path) -> str:
    """Return a path as AWS prints it.

    Example: ('Tags', 1, 'Key') is tags.1.member.key.
    """
    return ".".join(
        f"{part}.member" if isinstance(part, (int, MapKey)) else part[:1].lower() + part[1:]
        for part in path
    )


def _demand(constraint: Constraint) -> str:
    limit = constraint.limit
    if constraint.kind in (ITEMS, MAP_KEYS, MAP_VALUES):
        limit = ", ".join(map(_demand, limit))
    elif constraint.kind == ENUM:
        limit = ", ".join(limit)
    return DEMANDS[constraint.kind].format(limit)


def _shown(shape: Shape, value: Any) -> str | None:
    """Return a value as Java prints it, or None if it holds something sensitive or binary.

    Example: [a, b] for a list, {key=value} for a map. How a structure looks is a guess.
    """
    if shape.metadata.get("sensitive") or shape.type_name == "blob":
        return None
    if isinstance(value, list):
        items = [_shown(shape.member, item) for item in value]
        return None if None in items else f"[{', '.join(map(str, items))}]"
    if isinstance(value, Mapping):
        return _shown_mapping(shape, value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _shown_mapping(shape: Shape, value: Mapping[str, Any]) -> str | None:
    is_map = shape.type_name == "map"
    shown = {
        key: _shown(shape.value if is_map else shape.members[key], item)
        for key, item in value.items()
    }
    if None in shown.values():
        return None
    pairs = ", ".join(f"{key}={item}" for key, item in shown.items())
    return f"{{{pairs}}}" if is_map else f"{shape.name}({pairs})"


def _cloudwatch_error(operation_name: str, violations: Sequence[Violation]) -> AWSError:
    """Return CloudWatch's error: its metrics API has words of its own, a line a violation.

    One answer has one code: where something is missing, only that is told.
    """
    missing = [violation for violation in violations if _is_missing(violation)]
    message = "\n".join(map(_describe_to_cloudwatch, missing or violations))
    if operation_name in CLOUDWATCH_NEWER:
        return ValidationError(message)
    return MissingParameter(message) if missing else InvalidParameterValue(message)


def _is_missing(violation: Violation) -> bool:
    """Return whether a value is absent, or empty where it must not be, which counts the same."""
    kind = violation.constraint.kind
    return kind == REQUIRED or (kind == MIN_LENGTH and not violation.value)


def _describe_to_cloudwatch(violation: Violation) -> str:
    """Return CloudWatch's sentence for one violation.

    Example: The parameter MetricData.member.1.Unit must be a value in the set [ Seconds, … ].
    """
    constraint = violation.constraint
    place = ".".join(f"member.{part}" if isinstance(part, int) else part for part in violation.path)
    if _is_missing(violation):
        return f"The parameter {place} is required."
    if constraint.kind == MAX_LENGTH and violation.shape.type_name == "list":
        return f"The collection {place} must not have a size greater than {constraint.limit}."
    if constraint.kind in (ITEMS, MAP_KEYS, MAP_VALUES):
        number, constraint = _first_broken(violation)
        place += CLOUDWATCH_PLACES[violation.constraint.kind].format(number)
    limit = ", ".join(constraint.limit) if constraint.kind == ENUM else constraint.limit
    return f"The parameter {place} must {CLOUDWATCH_DEMANDS[constraint.kind].format(limit)}."


def _first_broken(violation: Violation) -> tuple[int, Constraint]:
    """Return the first of a list's or map's items that breaks what they must keep, and that."""
    value = violation.value
    items = value.values() if violation.constraint.kind == MAP_VALUES else value
    return next(
        (number, demand)
        for number, item in enumerate(items, 1)
        for demand in violation.constraint.limit
        if not satisfies(item, demand)
    )
