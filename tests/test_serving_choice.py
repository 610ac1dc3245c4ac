"""What serving costs a month, and which way is chosen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze_helpers import serving_cost_plots
from maze_helpers.serving_choice import LIMITS, WAYS, Measured, Workload, break_even, choose

REAL_TIME = Measured("real-time", 0.02, 0.03, 1.0, 0.115)
SERVERLESS = Measured("serverless", 0.02, 0.03, 6.0, 0.144)
ASYNC = Measured("asynchronous", 0.02, 0.08, 1.0, 0.115)
ALL = [REAL_TIME, SERVERLESS, ASYNC]


def test_an_instance_bills_each_hour_of_the_month():
    assert REAL_TIME.usd_a_month(0, 0) == pytest.approx(0.115 * 24 * 30)


def test_serverless_bills_what_it_computes():
    assert SERVERLESS.usd_a_month(1000, 5) == pytest.approx(20 / 3600 * 0.144 * 30)


def test_an_asynchronous_heap_bills_its_work_and_twenty_minutes():
    assert ASYNC.usd_a_month(1000, 1) == pytest.approx((20 + 1200) / 3600 * 0.115 * 30)
    assert ASYNC.usd_a_month(0, 4) == 0


@given(st.integers(0, 10**8), st.integers(0, 10**8), st.integers(1, 500))
def test_more_requests_never_cost_less(some, more, bursts):
    for way in ALL:
        assert way.usd_a_month(some, bursts) <= way.usd_a_month(some + more, bursts) + 1e-6
    assert ASYNC.usd_a_month(some, bursts) <= REAL_TIME.usd_a_month(some, bursts) + 1e-6


def test_the_break_even_is_where_both_cost_the_same():
    crossing = break_even(SERVERLESS, REAL_TIME, 4)
    assert SERVERLESS.usd_a_month(crossing, 4) == pytest.approx(82.8, rel=0.01)


def test_the_cheapest_that_will_do_is_chosen():
    chosen = choose(
        [
            Workload("chat", 500_000, 24, answer_within_s=1),
            Workload("tool", 200, 20, answer_within_s=30),
            Workload("scans", 50, 5, answer_within_s=3600, request_mb=60),
            Workload("miracle", 50, 5, answer_within_s=0.001),
        ],
        ALL,
    )
    answers = ["real-time", "serverless", "asynchronous", "none of these"]
    assert list(chosen["choice"]) == answers
    assert chosen.loc["chat", "serverless"] == "a wait of 6 s"
    assert chosen.loc["scans", "real-time"] == "60 MB are over 25 MB"


def test_each_way_has_its_limits():
    assert tuple(LIMITS.index) == WAYS


def test_the_figure_has_a_line_a_way_and_marks_where_they_cross():
    (axes,) = serving_cost_plots.monthly(ALL, 4, "costs").axes
    assert [line.get_label() for line in axes.lines[:3]] == list(WAYS)
    assert any("a day" in text.get_text() for text in axes.texts)
