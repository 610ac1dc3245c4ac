"""Statistics of single values: percentiles against numpy, trimmed ones against plain arithmetic."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze_helpers.local_cloud.services.cloudwatch.statistics import is_statistic, statistic
from maze_helpers.local_cloud.services.cloudwatch.store import Samples

WEIGHTED = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 5)), min_size=1, max_size=12)
# Percents that divide: numbers of values are multiplied so that boundaries fall between values.
TENTHS = st.integers(0, 10)


def samples(weighted) -> list[Samples]:
    return [Samples(0, "None", n, value * n, value, value) for value, n in weighted]


def expanded(weighted, times: int = 1) -> list[float]:
    """Return each value as often as it was seen, in order."""
    return sorted(float(value) for value, n in weighted for _ in range(n * times))


@given(WEIGHTED, st.integers(0, 1000))
def test_percentiles_are_numpys_inverted_distribution(weighted, per_mille):
    values = expanded(weighted)
    name = f"p{per_mille / 10:.1f}"
    assert is_statistic(name)
    # In whole numbers: neither numpy's rounding nor ours decides.
    rank = max(1, -(-per_mille * len(values) // 1000))
    expected = np.percentile(values, 100 * (rank - 0.5) / len(values), method="inverted_cdf")
    assert statistic(name, samples(weighted)) == expected


@given(WEIGHTED, TENTHS, TENTHS)
def test_trimmed_statistics_are_those_of_what_is_left(weighted, low, high):
    low, high = sorted((low, high))
    if low == high:
        return
    times_ten = [(value, 10 * n) for value, n in weighted]
    values = expanded(times_ten)
    count = len(values)
    first, last = count * low // 10, count * high // 10
    kept = values[first:last]
    bounds = f"({10 * low}%:{10 * high}%)"
    found = {
        what: statistic(what + bounds, samples(times_ten)) for what in ("TM", "TC", "TS", "WM")
    }
    edge = values[max(first - 1, 0)]
    winsorized = [edge] * first + kept + [values[last - 1]] * (count - last)
    assert found["TC"] == pytest.approx(len(kept))
    assert found["TS"] == pytest.approx(sum(kept))
    assert found["TM"] == pytest.approx(sum(kept) / len(kept))
    assert found["WM"] == pytest.approx(sum(winsorized) / count)


@given(WEIGHTED, st.integers(0, 50), st.integers(0, 50))
def test_boundaries_of_values_are_above_one_and_up_to_the_other(weighted, low, high):
    low, high = min(low, high), max(low, high) + 1
    values = expanded(weighted)
    kept = [value for value in values if low < value <= high]
    found = {
        what: statistic(f"{what}({low}:{high})", samples(weighted))
        for what in ("TM", "TC", "TS", "PR", "WM")
    }
    assert found["TC"] == len(kept)
    assert found["TS"] == sum(kept)
    assert found["PR"] == pytest.approx(100 * len(kept) / len(values))
    assert found["TM"] == (pytest.approx(np.mean(kept)) if kept else None)
    assert found["WM"] == pytest.approx(np.clip(values, low, high).mean())


@pytest.mark.parametrize(
    ("name", "same"),
    [("tm90", "TM(:90%)"), ("IQM", "TM(25%:75%)"), ("wm98.5", "WM(0%:98.5%)"), ("ts100", "Sum")],
)
def test_short_names_stand_for_long_ones(name, same):
    of_ten = samples([(n * n, 1) for n in range(1, 11)])
    assert statistic(name, of_ten) == pytest.approx(statistic(same, of_ten))


@pytest.mark.parametrize(
    "name",
    ["p", "p101", "p-1", "P50", "p50.12345678901", "tm", "tm101", "TM()", "TM(:)", "TM(90%:10%)",
     "TM(1:2%)", "PR(10%:20%)", "iqm", "TX(1:2)", "Mean"],
)  # fmt: skip
def test_what_is_no_statistic_is_none(name):
    assert not is_statistic(name)


@pytest.mark.parametrize(
    "hidden",
    [
        Samples(0, "None", 1, -1, -1, -1),
        Samples(0, "None", 2, 3, 1, 2),
        Samples(0, "None", 1, 5, 2, 2),
    ],
)
@pytest.mark.parametrize("name", ["p50", "tm90", "PR(:3)", "IQM"])
def test_there_are_none_of_what_is_negative_or_hidden(hidden, name):  # documented
    assert statistic(name, [*samples([(1, 1)]), hidden]) is None
    shown = Samples(0, "None", 4, 8, 2, 2)
    assert statistic(name, [shown]) is not None
