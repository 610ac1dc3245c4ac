"""Statistics between boundaries: trimmed and winsorized means, trimmed counts and sums, ranks.

Source: CloudWatch User Guide, "CloudWatch statistics definitions". Two things are guesses: a value
that a boundary of percents falls into counts by its part between the boundaries; and the value of
such a boundary is its percentile, as `value_at` has it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

# Values with how often each was seen, the least first.
Counted = Sequence[tuple[float, float]]

_NUMBER = r"\d+(?:\.\d{1,10})?"
_UP_TO = re.compile(rf"(tm|wm|tc|ts)({_NUMBER})")
_BETWEEN = re.compile(rf"(TM|WM|TC|TS|PR)\((?:({_NUMBER})(%?))?:(?:({_NUMBER})(%?))?\)")


class Trimmed(NamedTuple):
    """A statistic of the values above one boundary and up to another.

    what: TM, WM, TC, TS or PR. lower, upper: percents of all values, or values; None for no
    boundary.
    """

    what: str
    lower: float | None
    upper: float | None
    in_percent: bool


def trimmed_statistic(name: str) -> Trimmed | None:
    """Return what a statistic's name stands for, or None if it is none of these.

    Example: 'tm90' and 'TM(:90%)' are the same, 'IQM' is 'TM(25%:75%)'; PR(100:2000) has values.
    """
    if name == "IQM":
        return Trimmed("TM", 25.0, 75.0, in_percent=True)
    if match := _UP_TO.fullmatch(name):
        found = Trimmed(match[1].upper(), None, float(match[2]), in_percent=True)
    elif match := _BETWEEN.fullmatch(name):
        found = _between(match)
    else:
        return None
    return found if found and _is_sound(found) else None


def _between(match: re.Match[str]) -> Trimmed | None:
    what, lower, lower_sign, upper, upper_sign = match.groups()
    signs = {sign for bound, sign in ((lower, lower_sign), (upper, upper_sign)) if bound}
    if len(signs) != 1:
        return None
    bounds = [None if bound is None else float(bound) for bound in (lower, upper)]
    return Trimmed(what, *bounds, in_percent=signs == {"%"})


def _is_sound(found: Trimmed) -> bool:
    if found.in_percent and (found.what == "PR" or max(found.lower or 0, found.upper or 0) > 100):
        return False
    return found.lower is None or found.upper is None or found.lower < found.upper


def compute(statistic: Trimmed, values: Counted) -> float | None:
    """Return a statistic of values, or None for the mean of none."""
    total = sum(count for _, count in values)
    if statistic.what == "WM":
        return _winsorized_sum(statistic, values, total) / total
    kept = _between_bounds(statistic, values, total)
    count = sum(weight for _, weight in kept)
    kept_sum = sum(value * weight for value, weight in kept)
    if statistic.what == "TM":
        return kept_sum / count if count else None
    return {"TC": count, "TS": kept_sum, "PR": 100 * count / total}[statistic.what]


def _between_bounds(statistic: Trimmed, values: Counted, total: float) -> list[tuple[float, float]]:
    """Return the values between the boundaries, each with how much of it is there."""
    if not statistic.in_percent:
        lower = float("-inf") if statistic.lower is None else statistic.lower
        upper = float("inf") if statistic.upper is None else statistic.upper
        return [(value, count) for value, count in values if lower < value <= upper]
    low, high = _ranks(statistic, total)
    kept, passed = [], 0.0
    for value, count in values:
        weight = min(passed + count, high) - max(passed, low)
        passed += count
        if weight > 0:
            kept.append((value, weight))
    return kept


def _ranks(statistic: Trimmed, total: float) -> tuple[float, float]:
    lower = 0 if statistic.lower is None else statistic.lower
    upper = 100 if statistic.upper is None else statistic.upper
    return lower / 100 * total, upper / 100 * total


def _winsorized_sum(statistic: Trimmed, values: Counted, total: float) -> float:
    if not statistic.in_percent:
        lower = values[0][0] if statistic.lower is None else statistic.lower
        upper = values[-1][0] if statistic.upper is None else statistic.upper
        return sum(min(max(value, lower), upper) * count for value, count in values)
    low, high = _ranks(statistic, total)
    kept = sum(value * weight for value, weight in _between_bounds(statistic, values, total))
    return kept + low * value_at(low, values) + (total - high) * value_at(high, values)


def value_at(rank: float, values: Counted) -> float:
    """Return the least value that this many values do not exceed."""
    passed = 0.0
    for value, count in values:
        passed += count
        # Counts add up with rounding errors; a hair below the rank is at the rank.
        if passed >= rank * (1 - 1e-12):
            return value
    return values[-1][0]
