"""Search's expressions: which records satisfy one."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from botocore.model import ListShape, Shape

from maze_helpers.local_cloud.errors import SerializationException, ValidationException
from maze_helpers.local_cloud.services.sagemaker.search_properties import (
    BOOLEAN,
    GROUP,
    LOOSE,
    MOMENT,
    NUMBER,
    TEXT,
    Property,
    property_of,
)
from maze_helpers.local_cloud.wire import timestamps

Condition = Callable[[dict[str, Any]], bool]

# Source: SearchRequest, SearchExpression.
MAX_CONDITIONS = 50
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}
_OF_TEXT = ("Contains", "In")
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


def condition_of(expression: dict[str, Any], shape: Shape) -> Condition:
    """Return what tells whether a record satisfies an expression.

    shape: of the records. Raises: ValidationException. The wordings are guesses but for Contains'.
    """
    parts = list(_parts(expression))
    if len(parts) > MAX_CONDITIONS:
        raise ValidationException(
            f"The search expression has {len(parts)} filters, nested filters and subexpressions; "
            f"the limit is {MAX_CONDITIONS}."
        )
    if sum(part.get("Operator") == "Contains" for part in parts) > 1:
        # Source: Filter, Operator.
        raise ValidationException("'CONTAINS' operator usage limit of 1 exceeded.")
    return _expression(expression, shape)


def _parts(expression: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield all filters, nested filters and subexpressions of an expression, at any depth."""
    yield from expression.get("Filters", [])
    for nested in expression.get("NestedFilters", []):
        yield nested
        yield from nested["Filters"]
    for inner in expression.get("SubExpressions", []):
        yield inner
        yield from _parts(inner)


def _expression(expression: dict[str, Any], shape: Shape) -> Condition:
    conditions = [_filter(found, shape) for found in expression.get("Filters", [])]
    conditions += [_nested(found, shape) for found in expression.get("NestedFilters", [])]
    conditions += [_expression(found, shape) for found in expression.get("SubExpressions", [])]
    if not conditions:
        raise ValidationException(
            "A search expression must hold at least one subexpression, filter, or nested filter."
        )
    combine = any if expression.get("Operator") == "Or" else all
    return lambda record: combine(condition(record) for condition in conditions)


def _nested(nested: dict[str, Any], shape: Shape) -> Condition:
    """Return whether a single item of a list satisfies all filters."""
    name = nested["NestedPropertyName"]
    found = getattr(shape, "members", {}).get(name)
    if not isinstance(found, ListShape):
        raise ValidationException(f"The nested property name '{name}' is not that of a list.")
    conditions = []
    for each in nested["Filters"]:
        prefix, _, rest = each["Name"].partition(".")
        if prefix != name or not rest:
            raise ValidationException(
                f"The filter name '{each['Name']}' does not start with the nested property name "
                f"'{name}'."
            )
        conditions.append(_filter({**each, "Name": rest}, found.member))
    return lambda record: any(
        all(condition(item) for condition in conditions) for item in record.get(name, [])
    )


def _filter(found: dict[str, Any], shape: Shape) -> Condition:
    wanted = property_of(shape, found["Name"])
    name = found.get("Operator", "Equals")
    if name == "Exists":
        return lambda record: bool(wanted.read(record))
    if name == "NotExists":
        return lambda record: not wanted.read(record)
    if "Value" not in found:
        raise ValidationException(f"The operator {name} of '{wanted.name}' needs a Value.")
    _check_operator(wanted, name, found["Value"])
    if name == "NotEquals":
        # That a record without the property differs from any value is a guess.
        equals = _comparison(wanted, "Equals", found["Value"])
        return lambda record: not any(map(equals, wanted.read(record)))
    matches = _comparison(wanted, name, found["Value"])
    return lambda record: any(map(matches, wanted.read(record)))


def _check_operator(wanted: Property, name: str, value: str) -> None:
    """Check that a property's type knows an operator. Source: Filter, Operator."""
    is_text = wanted.kind in (TEXT, LOOSE)
    orders_text = wanted.kind == TEXT or (wanted.kind == LOOSE and _number(value) is None)
    unfit = wanted.kind == GROUP or (name in _OF_TEXT and not is_text)
    if unfit or (name in _ORDERS and orders_text):
        kind = TEXT if orders_text else wanted.kind
        raise ValidationException(
            f"The operator {name} is not supported for the {kind} property '{wanted.name}'."
        )


def _comparison(wanted: Property, name: str, value: str) -> Callable[[Any], bool]:
    """Return whether a value of a property stands to the filter's as the operator says."""
    if name == "Contains":
        return lambda found: value in found
    if name == "In":
        choices = {choice.strip() for choice in value.split(",")}
        return lambda found: found in choices
    compare = _ORDERS.get(name, operator.eq)
    if wanted.kind == LOOSE:
        return _loose_comparison(compare, value)
    parsed = _parsed(wanted, value)
    return lambda found: compare(found, parsed)


def _loose_comparison(compare: Callable[[Any, Any], bool], value: str) -> Callable[[Any], bool]:
    """Return the comparison of hyperparameters: as numbers, where both are.

    With an integer, decimals are compared as integers: 0.5 equals 0.
    Source: Filter, on HyperParameters; that they are cut, not rounded, is a guess.
    """
    number = _number(value)
    if number is None:
        return lambda found: compare(found, value)

    def matches(found: str) -> bool:
        own = _number(found)
        if own is None:
            return False
        return compare(int(own) if isinstance(number, int) else own, number)

    return matches


def _parsed(wanted: Property, value: str) -> Any:
    """Return a filter's value as one of the property's type. Raises: ValidationException."""
    parsers: dict[str, Callable[[str], Any]] = {
        TEXT: str,
        NUMBER: _number,
        BOOLEAN: {"true": True, "false": False}.get,
        MOMENT: _moment,
    }
    parsed = parsers[wanted.kind](value)
    if parsed is None:
        raise ValidationException(
            f"The value '{value}' is not valid for the {wanted.kind} property '{wanted.name}'."
        )
    return parsed


def _moment(value: str) -> datetime | None:
    try:
        return timestamps.parse(value)
    except SerializationException:
        return None


def _number(text: str) -> int | float | None:
    """Return the number that a text is, or None. Neither NaN nor the infinities are numbers."""
    if _INTEGER.fullmatch(text):
        return int(text)
    if not _DECIMAL.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def sort_property(shape: Shape, name: str) -> Property:
    """Return the property that records are to be sorted by. Raises: ValidationException."""
    wanted = property_of(shape, name)
    if wanted.kind == GROUP:
        raise ValidationException(f"The property '{name}' cannot be sorted by.")
    return wanted


def sort_key(wanted: Property, record: dict[str, Any]) -> list[Any]:
    """Return what orders records by a property, [] for one that has it not.

    Hyperparameters that are numbers come before those that are not. It can be written as JSON.
    """
    values = wanted.read(record)
    if not values:
        return []
    if wanted.kind == MOMENT:
        return [0, values[0].timestamp()]
    if wanted.kind in (BOOLEAN, NUMBER):
        return [0, values[0]]
    number = _number(values[0]) if wanted.kind == LOOSE else None
    return [1, values[0]] if number is None else [0, number]
