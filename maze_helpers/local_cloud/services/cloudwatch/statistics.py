"""Statistics over periods: what a set of samples comes to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from maze_helpers.local_cloud.errors import UnknownOperation
from maze_helpers.local_cloud.services.cloudwatch.store import Samples

STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")

# The other statistics of the CloudWatch User Guide: trimmed means and their like.
_UNIMPLEMENTED = re.compile(r"IQM|(?:tm|wm|tc|ts)\d.*|(?:TM|WM|PR|TC|TS)\(.*\)")


def is_percentile(statistic: str) -> bool:
    """Return whether a statistic is a percentile, such as p50 or p99.9."""
    return _PERCENTILE.fullmatch(statistic) is not None


def is_statistic(statistic: str) -> bool:
    """Return whether CloudWatch has such a statistic.

    Raises: UnknownOperation, if it has, but the local cloud has not.
    """
    if _UNIMPLEMENTED.fullmatch(statistic):
        raise UnknownOperation(f"The local cloud does not implement the statistic {statistic}.")
    return statistic in STATISTICS or is_percentile(statistic)


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
    return _percentile(float(name.removeprefix("p")), samples)


def _percentile(percent: float, samples: Sequence[Samples]) -> float | None:
    """Return the least value that at least this share of the values does not exceed.

    None, if a value is negative or statistic sets hide the values.
    Source: GetMetricStatistics, ExtendedStatistics; PutMetricData, on statistic sets. That
    CloudWatch takes the nearest rank is a guess.
    """
    if any(sample.minimum < 0 or sample.minimum != sample.maximum for sample in samples):
        return None
    ordered = sorted((sample.minimum, sample.sample_count) for sample in samples)
    rank = percent / 100 * sum(count for _, count in ordered)
    passed = 0.0
    for value, count in ordered:
        passed += count
        # Counts add up with rounding errors; a hair below the rank is at the rank.
        if passed >= rank * (1 - 1e-12):
            return value
    return ordered[-1][0]
