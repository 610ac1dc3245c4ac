"""What a load test's result says of its calls."""

from datetime import datetime, timezone

import numpy as np
import pandas as pd

from maze_helpers.load_test import LoadTestResult
from maze_helpers.load_test.outcomes import Outcome
from maze_helpers.load_test.recorder import Row
from maze_helpers.load_test.result import Plan, table_of

BEGAN = datetime(2026, 1, 1, tzinfo=timezone.utc)


def result_of(*rows, planned=None):
    """Return a result of rows: (planned, start, end in s or None, outcome)."""
    calls = [Row(number, *times, Outcome(name)) for number, (*times, name) in enumerate(rows)]
    plan = Plan("<digits>", "digits", planned or len(calls), "by hand")
    return LoadTestResult(plan, BEGAN, table_of(BEGAN, calls))


MIXED = result_of(
    (0.0, 0.0, 0.1, "ok"),
    (0.0, 0.0, 0.3, "ok"),
    (1.0, 1.0, 1.002, "throttled"),
    (1.0, 1.0, 2.0, "other: ValidationError"),
    (1.5, None, None, "not started"),
    (1.9, 1.9, None, "unfinished"),
)


def test_the_summary_has_a_line_an_outcome_in_order_and_one_for_all():
    summary = MIXED.summary
    assert list(summary.index) == [
        "ok",
        "throttled",
        "not started",
        "unfinished",
        "other: ValidationError",
        "all",
    ]
    assert summary.loc["ok", "calls"] == 2
    assert summary.loc["all", "calls"] == 6
    assert summary.loc["ok", "share"] == 2 / 6
    assert np.isclose(summary.loc["ok", "p50_ms"], 200)
    assert np.isclose(summary.loc["all", "max_ms"], 1000)
    assert summary.loc["not started"].isna().sum() == 5


def test_calls_a_second_count_what_came_to_an_end():
    assert MIXED.duration_s == 2
    assert MIXED.requests_per_s == 4 / 2
    assert MIXED.summary.loc["ok", "per_s"] == 2 / 2
    assert MIXED.summary.loc["not started", "per_s"] == 0


def test_what_did_not_happen_is_missing_and_not_zero():
    not_started, unfinished = MIXED.calls.loc[4], MIXED.calls.loc[5]
    assert not_started[["start", "end", "latency_ms", "status"]].isna().all()
    assert not_started["planned"] == pd.Timestamp("2026-01-01 00:00:01.5", tz="UTC")
    assert not pd.isna(unfinished["start"])


def test_it_is_one_sentence_in_a_terminal_and_a_table_in_a_notebook():
    assert repr(MIXED) == (
        "6 calls to <digits>, by hand: 2 ok, 1 throttled, 1 not started, 1 unfinished, "
        "1 other: ValidationError in 2.0 s; ok: p50 200 ms, p95 290 ms, p99 298 ms, max 300 ms."
    )
    shown = MIXED._repr_html_()
    assert "6 calls to &lt;digits&gt;" in shown
    assert "<table" in shown and "33.3%" in shown


def test_it_says_what_was_left_out_and_that_the_machine_was_late():
    early = result_of((0.0, 0.0, 0.1, "ok"), planned=10)
    assert repr(early).endswith("ended before 9 calls began.")
    late = result_of(*[(0.0, 0.5, 0.6, "ok")] * 3)
    assert "one call in 100 began over 500 ms late" in repr(late)


def test_a_test_in_which_nothing_began_can_be_shown():
    nothing = result_of(planned=5)
    assert "none begun" in repr(nothing)
    assert nothing.requests_per_s == 0
    assert np.isnan(nothing.percentile_ms(50))
    assert "<table" in nothing._repr_html_()
