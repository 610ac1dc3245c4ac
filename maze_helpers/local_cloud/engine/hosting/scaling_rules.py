"""When target tracking changes an instance count, and to how many: functions of data and time.

Sources: SageMaker guide, "Automatic scaling", on scaling in without traffic and on the bounds;
Application Auto Scaling guide, "Target tracking scaling policies", on cooldowns and on several
policies; public reports that quote the two alarms of such a policy (3 and 15 datapoints, 90 %).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

# Differs from AWS: auto scaling's minute lasts ten seconds, so that a workshop sees it scale. All
# of its times are shortened by the same factor: periods, and the cooldowns that policies ask for.
MINUTE_S = 10
_SECONDS_OF_A_MINUTE = 60
HIGH_DATAPOINTS, LOW_DATAPOINTS = 3, 15
# An endpoint scales in only when it is this far below its target.
LOW_SHARE = 0.9
DEFAULT_COOLDOWN = 300


@dataclass(frozen=True)
class Bounds:
    """What a scalable target's instance count may be."""

    least: int
    most: int

    def clamp(self, count: int) -> int:
        """Return the count within the bounds that is the nearest."""
        return min(max(count, self.least), self.most)


@dataclass(frozen=True)
class Tracking:
    """What a target tracking policy asks for; its cooldowns in real seconds."""

    target: float
    scale_out_cooldown_s: float = DEFAULT_COOLDOWN * MINUTE_S / _SECONDS_OF_A_MINUTE
    scale_in_cooldown_s: float = DEFAULT_COOLDOWN * MINUTE_S / _SECONDS_OF_A_MINUTE
    disable_scale_in: bool = False


@dataclass(frozen=True)
class Change:
    """A change that policies made. ended_s: seconds since the epoch."""

    before: int
    after: int
    ended_s: float


@dataclass(frozen=True)
class History:
    """The last change out, and the last one in, if there were any."""

    out: Change | None = None
    inward: Change | None = None


def shortened_s(seconds: float) -> float:
    """Return how long a time of auto scaling's lasts here."""
    return seconds * MINUTE_S / _SECONDS_OF_A_MINUTE


def is_high(tracking: Tracking, datapoints: Sequence[float]) -> bool:
    """Return whether a policy's AlarmHigh is in ALARM. datapoints: one a minute, oldest first."""
    last = datapoints[-HIGH_DATAPOINTS:]
    return len(last) == HIGH_DATAPOINTS and min(last) > tracking.target


def is_low(tracking: Tracking, datapoints: Sequence[float]) -> bool:
    """Return whether a policy's AlarmLow is in ALARM. datapoints: one a minute, oldest first."""
    last = datapoints[-LOW_DATAPOINTS:]
    return len(last) == LOW_DATAPOINTS and max(last) < tracking.target * LOW_SHARE


def wanted_out(
    tracking: Tracking,
    datapoints: Sequence[float],
    current: int,
    history: History,
    now_s: float,
) -> int | None:
    """Return the larger count that a policy wants by now, None if it wants none."""
    if not is_high(tracking, datapoints):
        return None
    base, last = current, history.out
    if last and now_s < last.ended_s + tracking.scale_out_cooldown_s:
        # What the last change added counts towards this one: only a larger one goes on.
        base = min(last.before, current)
    count = math.ceil(base * datapoints[-1] / tracking.target)
    return count if count > current else None


def wanted_in(
    tracking: Tracking,
    datapoints: Sequence[float],
    current: int,
    history: History,
    now_s: float,
) -> int | None:
    """Return the smaller count that a policy would do with by now, None if there is none.

    The busiest of the datapoints decides. A guess: AWS says only that it scales in more gradually.
    """
    if tracking.disable_scale_in or not is_low(tracking, datapoints):
        return None
    last = history.inward
    if last and now_s < last.ended_s + tracking.scale_in_cooldown_s:
        return None
    count = math.ceil(current * max(datapoints[-LOW_DATAPOINTS:]) / tracking.target)
    return count if count < current else None


@dataclass(frozen=True)
class Decision:
    """A new instance count. policy: which of the policies decided, by its place among them."""

    count: int
    policy: int


def decide(
    policies: Sequence[tuple[Tracking, Sequence[float]]],
    bounds: Bounds,
    current: int,
    history: History,
    now_s: float,
) -> Decision | None:
    """Return what an instance count shall be changed to, None if it stays.

    policies: each with its metric's datapoints. One that wants more instances is enough to scale
    out, to the most that any wants; to scale in, all must be ready that scale in at all.
    """
    out = _largest(
        [wanted_out(tracking, data, current, history, now_s) for tracking, data in policies]
    )
    if out is not None:
        count = bounds.clamp(out.count)
        return Decision(count, out.policy) if count > current else None
    inward = [wanted_in(tracking, data, current, history, now_s) for tracking, data in policies]
    blocked = any(
        count is None and not tracking.disable_scale_in
        for count, (tracking, _) in zip(inward, policies, strict=True)
    )
    least = _largest(inward)
    if blocked or least is None:
        return None
    count = bounds.clamp(least.count)
    return Decision(count, least.policy) if count < current else None


def _largest(counts: Sequence[int | None]) -> Decision | None:
    found = [Decision(count, place) for place, count in enumerate(counts) if count is not None]
    return max(found, key=lambda decision: decision.count, default=None)
