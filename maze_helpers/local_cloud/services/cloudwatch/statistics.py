"""Statistics over periods: what a set of samples comes to."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from maze_helpers.local_cloud.services.cloudwatch.store import Samples
from maze_helpers.local_cloud.services.cloudwatch.trimmed_statistics import (
    Counted,
    compute,
    trimmed_statistic,
    value_at,
)

STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100(?:\.0{1,10})?)", re.ASCII)


def is_extended_statistic(name: str) -> bool:
    """Return whether a statistic is of single values, such as p50, p99.9, tm90 or PR(:300)."""
    return _PERCENTILE.fullmatch(name) is not None or trimmed_statistic(name) is not None


def is_statistic(name: str) -> bool:
    """Return whether CloudWatch has such a statistic."""
    return name in STATISTICS or is_extended_statistic(name)


def by_period(
    samples: Iterable[Samples], start_s: int, period_s: int
) -> Iterable[tuple[int, list[Samples]]]:
    """Yield each period's start, in seconds since the epoch, and its samples.

    Periods are counted from start_s; those without samples are left out.
    """
    periods = groupby(samples, key=lambda sample: (sample.timestamp_s - start_s) // period_s)
    return ((start_s + number * period_s, list(group)) for number, group in periods)


def statistic(name: str, samples: Sequence[Samples]) -> float | None:
    """Return a statistic of samples, or None where CloudWatch has none for them."""
    if name == "SampleCount":
        return sum(sample.sample_count for sample in samples)
    if name == "Sum":
        return sum(sample.sum for sample in samples)
    if name == "Average":
        return statistic("Sum", samples) / statistic("SampleCount", samples)
    if name == "Minimum":
        return min(sample.minimum for sample in samples)
    if name == "Maximum":
        return max(sample.maximum for sample in samples)
    values = _single_values(samples)
    if values is None:
        return None
    trimmed = trimmed_statistic(name)
    if trimmed:
        return compute(trimmed, values)
    return _percentile(float(name.removeprefix("p")), values)


def _percentile(percent: float, values: Counted) -> float:
    """Return the least value that at least this share of the values does not exceed.

    That CloudWatch takes the nearest rank is a guess.
    """
    return value_at(percent / 100 * sum(count for _, count in values), values)


def _single_values(samples: Sequence[Samples]) -> Counted | None:
    """Return the samples' values, the least first.

    None, if a value is negative or statistic sets hide the values.
    Source: GetMetricStatistics, ExtendedStatistics; PutMetricData, on statistic sets.
    """
    for sample in samples:
        equal_sum = sample.minimum * sample.sample_count
        if sample.minimum < 0 or sample.minimum != sample.maximum:
            return None
        if not math.isclose(sample.sum, equal_sum, rel_tol=1e-9):
            return None
    return sorted((sample.minimum, sample.sample_count) for sample in samples)
