"""Tests of when target tracking changes an instance count: laws over datapoints and time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze_helpers.local_cloud.engine.hosting.scaling_rules import (
    HIGH_DATAPOINTS,
    LOW_DATAPOINTS,
    LOW_SHARE,
    Bounds,
    Change,
    History,
    Tracking,
    decide,
    is_high,
    is_low,
)

NOW_S = 10_000.0
TARGET = 100.0
WIDE, NOTHING_YET = Bounds(1, 100), History()
values = st.floats(0, 1000, allow_nan=False)
trackings = st.builds(
    Tracking,
    target=st.floats(0.01, 500),
    scale_out_cooldown_s=st.floats(0, 100),
    scale_in_cooldown_s=st.floats(0, 100),
    disable_scale_in=st.booleans(),
)
policies = st.lists(
    st.tuples(trackings, st.lists(values, max_size=LOW_DATAPOINTS)), min_size=0, max_size=3
)
bounds = st.tuples(st.integers(1, 20), st.integers(0, 20)).map(
    lambda pair: Bounds(pair[0], pair[0] + pair[1])
)
changes = st.none() | st.builds(
    Change, st.integers(1, 20), st.integers(1, 20), st.floats(NOW_S - 200, NOW_S)
)
histories = st.builds(History, changes, changes)
counts = st.integers(1, 50)


def silence(value=0.0):
    return [value] * LOW_DATAPOINTS


def busy(value):
    return [value] * HIGH_DATAPOINTS


def count_after(data, current, history=NOTHING_YET, within=WIDE, **tracking):
    """Return the count that one policy with a target of 100 leads to."""
    decision = decide([(Tracking(TARGET, **tracking), data)], within, current, history, NOW_S)
    return current if decision is None else decision.count


@given(policies, bounds, counts, histories)
def test_a_new_count_is_another_one_within_the_bounds(policies, bounds, current, history):
    decision = decide(policies, bounds, current, history, NOW_S)
    if decision is not None:
        assert bounds.least <= decision.count <= bounds.most
        assert decision.count != current


@given(policies, bounds, counts, histories)
def test_it_scales_out_only_for_a_policy_that_is_above_its_target(
    policies, bounds, current, history
):
    decision = decide(policies, bounds, current, history, NOW_S)
    if decision is not None and decision.count > current:
        tracking, data = policies[decision.policy]
        assert min(data[-HIGH_DATAPOINTS:]) > tracking.target


@given(policies, bounds, counts, histories)
def test_it_scales_in_only_while_every_policy_is_far_below_its_target(
    policies, bounds, current, history
):
    decision = decide(policies, bounds, current, history, NOW_S)
    if decision is not None and decision.count < current:
        assert not any(is_high(tracking, data) for tracking, data in policies)
        for tracking, data in policies:
            if not tracking.disable_scale_in:
                assert len(data) == LOW_DATAPOINTS
                assert max(data) < tracking.target * LOW_SHARE


@given(policies, bounds, counts, changes)
def test_it_does_not_scale_in_within_a_cooldown(policies, bounds, current, change):
    decision = decide(policies, bounds, current, History(inward=change), NOW_S)
    if change and decision is not None and decision.count < current:
        tracking, _ = policies[decision.policy]
        assert NOW_S >= change.ended_s + tracking.scale_in_cooldown_s


@given(st.lists(values, max_size=LOW_DATAPOINTS), trackings)
def test_both_alarms_are_never_there_at_once(data, tracking):
    assert not (is_high(tracking, data) and is_low(tracking, data))


@given(st.integers(1, 20), st.floats(101, 1000))
def test_the_new_count_brings_an_instance_to_its_target(current, load):
    after = count_after(busy(load), current, within=Bounds(1, 1000))
    assert after > current
    assert current * load / after <= TARGET * (1 + 1e-9)
    assert current * load / (after - 1) > TARGET * (1 - 1e-9)


@pytest.mark.parametrize(
    ("data", "after"),
    [
        (busy(150), 2),
        (busy(100), 1),
        ([99, 150, 150], 1),
        ([150, 150], 1),
        ([], 1),
        ([0] * 12 + busy(901), 10),
    ],
    ids=["above", "at target", "two of three", "two", "none", "ten times"],
)
def test_three_datapoints_above_the_target_scale_out(data, after):
    assert count_after(data, current=1) == after


@pytest.mark.parametrize(
    ("data", "after"),
    [
        (silence(), 1),
        (silence(30), 2),
        (silence()[:-1], 4),
        (silence()[:-1] + [90], 4),
        ([80] + silence()[:-1], 4),
        ([70] + silence()[:-1], 3),
    ],
    ids=["silence", "some", "fourteen", "one near the target", "too busy", "less busy"],
)
def test_fifteen_datapoints_below_scale_in_as_far_as_the_busiest_allows(data, after):
    assert count_after(data, current=4) == after


def test_the_bounds_hold_whatever_the_load():
    assert count_after(busy(10_000), current=2, within=Bounds(1, 3)) == 3
    assert count_after(silence(), current=3, within=Bounds(2, 3)) == 2
    assert count_after(busy(10_000), current=3, within=Bounds(1, 3)) == 3


def test_a_count_that_was_set_beyond_the_bounds_is_not_lowered_by_a_busy_alarm():
    assert count_after(busy(150), current=5, within=Bounds(1, 3)) == 5


def test_scaling_in_can_be_disabled():
    assert count_after(silence(), current=3, disable_scale_in=True) == 3


def test_within_a_cooldown_only_a_larger_scale_out_goes_on():
    history = History(out=Change(before=1, after=3, ended_s=NOW_S - 1))
    assert count_after(busy(250), current=3, history=history) == 3
    assert count_after(busy(450), current=3, history=history) == 5
    assert count_after(busy(250), current=3, history=history, scale_out_cooldown_s=0.5) == 8


def test_one_policy_that_is_not_ready_keeps_others_from_scaling_in():
    idle, working = (Tracking(TARGET), silence()), (Tracking(TARGET), silence(95))
    assert decide([idle, working], WIDE, 3, History(), NOW_S) is None
    decision = decide([idle, (Tracking(TARGET, disable_scale_in=True), [])], WIDE, 3, History(), 0)
    assert decision is not None and decision.count == 1


def test_of_policies_that_scale_out_the_one_that_wants_most_decides():
    asked = [(Tracking(TARGET), busy(150)), (Tracking(10.0), busy(50)), (Tracking(TARGET), [])]
    decision = decide(asked, WIDE, 1, History(), NOW_S)
    assert decision is not None
    assert (decision.count, decision.policy) == (5, 1)
