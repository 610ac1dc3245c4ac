"""Metric definitions: what they find on a log line, and what they must not do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze_helpers.local_cloud.engine.metric_scraper import (
    MetricRegexError,
    MetricScraper,
    compile_regex,
)


def scrape(pattern: str, line: str) -> list[float]:
    scraper = MetricScraper([{"Name": "m", "Regex": pattern}])
    return [value for _, value in scraper.scrape(line)]


@pytest.mark.parametrize(
    ("pattern", "line", "values"),
    [
        ("loss=([0-9.]+)", "epoch 1 loss=0.5", [0.5]),
        ("loss=([0-9.]+)", "loss=0.5 loss=0.4", [0.5, 0.4]),
        ("loss=([0-9.]+)", "nothing here", []),
        ("f1: (.*)", "f1:  0.97 ", [0.97]),
        ("f1: (.*)", "f1: 0.97%", []),
        ("f1: (.*)", "f1: nan", []),
        ("f1: (.*)", "f1: inf", []),
        ("f1: (.*)", "f1: 1_000", []),
        ("f1: (.*)", "f1: " + "9" * 500, []),
        ("v=(.*)", "v=-1.5e-05", [-1.5e-05]),
        ("v=(.*)", "v=+.5", [0.5]),
        (r"loss: ((\d+)\.(\d+))", "loss: 3.25", [3.25]),
        (r"(?:a=(\d+)|b=(\d+))", "b=7", [7.0]),
        (r"#011train-rmse:(\S+)", "[0]#011train-rmse:8.1", [8.1]),
        ("точность=([0-9.]+)", "точность=0.9", [0.9]),
    ],
)
def test_a_regex_finds_the_numbers_that_its_group_captures(pattern, line, values):
    assert scrape(pattern, line) == values


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_that_python_prints_is_read_back(value):
    assert scrape(r"v=(\S+)", f"v={value!r}") == [value]


def test_several_definitions_read_the_same_line():
    scraper = MetricScraper(
        [
            {"Name": "a", "Regex": "a=(.)"},
            {"Name": "b", "Regex": "b=(.)"},
            {"Name": "c", "Regex": "c=(.)"},
        ]
    )
    assert scraper.scrape("b=2 a=1") == [("a", 1.0), ("b", 2.0)]


def test_a_catastrophic_regex_is_given_up_and_the_others_go_on():
    line = "a" * 50 + "! ok=1"
    scraper = MetricScraper(
        [{"Name": "bad", "Regex": "((a|aa)+)$"}, {"Name": "ok", "Regex": r"ok=(\d)"}]
    )
    assert scraper.scrape(line) == [("ok", 1.0)]
    (warning,) = scraper.warnings
    assert "'bad'" in warning and "not tried on the lines after it" in warning
    assert scraper.scrape("aaaa") == []


def test_a_regex_without_a_group_is_warned_of():
    scraper = MetricScraper([{"Name": "m", "Regex": "m=1"}])
    assert scraper.scrape("m=1") == []
    assert "no capture group" in scraper.warnings[0]


@pytest.mark.parametrize("pattern", ["(", "a)", "[", "*", "(?P<n>x", r"\p{Nothing}(.)"])
def test_what_is_no_regex_says_so(pattern):
    with pytest.raises(MetricRegexError):
        compile_regex(pattern)
