"""The operators of a policy's Condition.

Source: IAM guide, "IAM JSON policy elements: Condition operators" and "Single-valued vs.
multivalued context keys".
"""

import base64
import binascii
import ipaddress
import math
import operator
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from maze_helpers.local_cloud.iam_policies.context import Context
from maze_helpers.local_cloud.iam_policies.matching import (
    Piece,
    expanded,
    matches,
    matches_arn,
    pieces,
)

# Whether a request's value is what a policy's value, in parts, describes.
Test = Callable[[str, Sequence[Piece]], bool]
FOR_ALL, FOR_ANY = "ForAllValues", "ForAnyValue"
IF_EXISTS = "IfExists"
NULL = "null"


def _text(pattern: Sequence[Piece]) -> str:
    return "".join(piece.text for piece in pattern)


def _equals_ignoring_case(value: str, pattern: Sequence[Piece]) -> bool:
    return value.casefold() == _text(pattern).casefold()


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _moment_s(text: str) -> float | None:
    """Return a moment, in ISO 8601 or in seconds since the epoch, as the latter."""
    try:
        seconds = float(text)
        return seconds if math.isfinite(seconds) else None
    except ValueError:
        pass
    try:
        # Python before 3.11 reads neither a Z nor a day alone with one.
        moment = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text.strip()))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


def _comparison(
    read: Callable[[str], Decimal | float | None], compare: Callable[..., bool]
) -> Test:
    def test(value: str, pattern: Sequence[Piece]) -> bool:
        left, right = read(value), read(_text(pattern))
        return left is not None and right is not None and compare(left, right)

    return test


def _same_bool(value: str, pattern: Sequence[Piece]) -> bool:
    return value.lower() == _text(pattern).lower()


def _same_bytes(value: str, pattern: Sequence[Piece]) -> bool:
    try:
        left, right = (base64.b64decode(text, validate=True) for text in (value, _text(pattern)))
    except binascii.Error:
        return False
    return left == right


def _in_network(value: str, pattern: Sequence[Piece]) -> bool:
    try:
        address = ipaddress.ip_address(value)
        return address in ipaddress.ip_network(_text(pattern), strict=False)
    except ValueError:
        return False


class Operator(NamedTuple):
    """An operator's test of one value, and whether it holds where the test fails."""

    test: Test
    negated: bool = False


def _equals(value: str, pattern: Sequence[Piece]) -> bool:
    return value == _text(pattern)


def _matches(value: str, pattern: Sequence[Piece]) -> bool:
    return matches(pattern, value)


def _matches_arn(value: str, pattern: Sequence[Piece]) -> bool:
    return matches_arn(pattern, value)


_COMPARISONS = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}
OPERATORS: dict[str, Operator] = {
    "StringEquals": Operator(_equals),
    "StringNotEquals": Operator(_equals, negated=True),
    "StringEqualsIgnoreCase": Operator(_equals_ignoring_case),
    "StringNotEqualsIgnoreCase": Operator(_equals_ignoring_case, negated=True),
    "StringLike": Operator(_matches),
    "StringNotLike": Operator(_matches, negated=True),
    **{f"Numeric{name}": Operator(_comparison(_number, c)) for name, c in _COMPARISONS.items()},
    "NumericNotEquals": Operator(_comparison(_number, operator.eq), negated=True),
    **{f"Date{name}": Operator(_comparison(_moment_s, c)) for name, c in _COMPARISONS.items()},
    "DateNotEquals": Operator(_comparison(_moment_s, operator.eq), negated=True),
    "Bool": Operator(_same_bool),
    "BinaryEquals": Operator(_same_bytes),
    "IpAddress": Operator(_in_network),
    "NotIpAddress": Operator(_in_network, negated=True),
    # Both ARN operators know wildcards.
    "ArnEquals": Operator(_matches_arn),
    "ArnLike": Operator(_matches_arn),
    "ArnNotEquals": Operator(_matches_arn, negated=True),
    "ArnNotLike": Operator(_matches_arn, negated=True),
}
_OPERATORS_IN_LOWER_CASE = {name.lower(): found for name, found in OPERATORS.items()}


class Condition(NamedTuple):
    """One operator on one key.

    quantifier: ForAllValues, ForAnyValue or "". has_variables: whether the policy's version
    knows variables.
    """

    operator: Operator | None
    key: str
    values: tuple[str, ...]
    quantifier: str = ""
    if_exists: bool = False
    has_variables: bool = True

    def holds(self, context: Context) -> bool:
        """Return whether a request meets it."""
        found = context.values(self.key)
        if self.operator is None:
            return any((found is None) is (value.lower() == "true") for value in self.values)
        if found is None and self.if_exists:
            return True
        if self.quantifier == FOR_ALL:
            return all(self._meets(value, context) for value in found or ())
        if self.quantifier == FOR_ANY:
            return any(self._meets(value, context) for value in found or ())
        if self.operator.negated:
            return all(self._meets(value, context) for value in found or ())
        return any(self._meets(value, context) for value in found or ())

    def _meets(self, value: str, context: Context) -> bool:
        """Return whether one of the request's values is what the policy asks for."""
        found = False
        for wanted in self.values:
            pattern = expanded(wanted, context) if self.has_variables else pieces(wanted)
            found = found or (pattern is not None and self.operator.test(value, pattern))
        return found is not self.operator.negated


def condition(name: str, key: str, values: tuple[str, ...], has_variables: bool) -> Condition:
    """Return the condition of an operator's name, such as 'ForAnyValue:StringLikeIfExists'.

    Raises: ValueError, if there is no such operator.
    """
    quantifier, _, rest = name.rpartition(":")
    base = rest.removesuffix(IF_EXISTS)
    found = _OPERATORS_IN_LOWER_CASE.get(base.lower())
    is_known = found is not None or base.lower() == NULL
    if quantifier not in ("", FOR_ALL, FOR_ANY) or not is_known:
        raise ValueError(f"Invalid Condition type : {name}.")
    return Condition(found, key, values, quantifier, base != rest, has_variables)
