"""The time range of a request, rounded as CloudWatch does, and the periods within it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

MINUTE_S, FIVE_MINUTES_S, HOUR_S = 60, 300, 3600
DAY_S = 24 * HOUR_S
HIGH_RESOLUTION_PERIODS_S = (1, 5, 10, 20, 30)


@dataclass(frozen=True)
class TimeRange:
    """From start_s, which is in it, to end_s, which is not, in seconds since the epoch."""

    start_s: int
    end_s: float


def is_period(period_s: int) -> bool:
    """Return whether CloudWatch has periods of that length."""
    return period_s in HIGH_RESOLUTION_PERIODS_S or period_s % MINUTE_S == 0


def is_kept(start: datetime, period_s: int, now_s: float) -> bool:
    """Return whether there are data points of that period from a time on: older ones are coarser.

    Source: GetMetricStatistics, Period.
    """
    age_s = now_s - start.timestamp()
    if age_s <= 3 * HOUR_S:
        return True
    if age_s <= 15 * DAY_S:
        return period_s % MINUTE_S == 0
    return period_s % (FIVE_MINUTES_S if age_s <= 63 * DAY_S else HOUR_S) == 0


def time_range(start: datetime, end: datetime, period_s: int, now_s: float) -> TimeRange:
    """Return the range that a request means: the older its start, the coarser it is rounded.

    # Differs from AWS: the end is not rounded down to a minute, so that what was put a moment
    # ago is found.
    Source: GetMetricStatistics, StartTime.
    """
    start_s = start.timestamp()
    age_s = now_s - start_s
    if period_s < MINUTE_S:
        step_s = period_s
    elif age_s < 15 * DAY_S:
        step_s = MINUTE_S
    else:
        step_s = FIVE_MINUTES_S if age_s <= 63 * DAY_S else HOUR_S
    return TimeRange(int(start_s // step_s) * step_s, end.timestamp())
