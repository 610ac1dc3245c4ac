"""What is printed is what SageMaker reads: the metric definitions and their one printing form."""

import re
import subprocess
import sys

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze_helpers import metrics

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
NAMES = metrics.FINAL_METRICS + metrics.ROUND_METRICS


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [0, 1, 0.5, 1e-05, 1e22, -0.0, -3.25, 5e-324, 1.7e308])
def test_every_metric_is_read_back_as_printed(name, value, capsys):
    metrics.print_metric(name, value)
    assert metrics.scrape(capsys.readouterr().out.splitlines())[name] == [value]


@given(value=NUMBERS)
def test_any_number_survives_printing_and_reading(value):
    assert metrics.scrape([f"f1={value!r}"])["f1"] == [value]


@given(value=st.floats(0, 1), digits=st.integers(0, 9))
def test_a_rounded_number_is_read_as_rounded(value, digits):
    printed = f"{value:.{digits}f}"
    assert metrics.scrape([f"recall={printed}"])["recall"] == [float(printed)]


@given(values=st.dictionaries(st.sampled_from(NAMES), NUMBERS))
def test_metrics_on_one_line_are_told_apart(values):
    line = " ".join(f"{name}={value!r}" for name, value in values.items())
    expected = {name: [values[name]] if name in values else [] for name in NAMES}
    assert metrics.scrape([line]) == expected


def test_a_metric_is_not_read_from_one_whose_name_ends_alike():
    lines = ["validation:accuracy=0.5", "my_accuracy=0.6", "top5-accuracy=0.7"]
    assert metrics.scrape(lines)["accuracy"] == []


def test_a_metric_over_the_rounds_keeps_their_order():
    lines = [f"round {i} validation:accuracy={i / 10}" for i in range(1, 4)]
    assert metrics.scrape(lines)["validation:accuracy"] == [0.1, 0.2, 0.3]


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "n/a", ""])
def test_what_is_no_number_is_not_read(value):
    assert metrics.scrape([f"f1={value}"])["f1"] == []


def test_a_script_prints_the_same_form_without_the_package():
    # A training container has scikit-learn and numpy, but no maze_helpers.
    code = "import numpy; accuracy = numpy.float64(0.975); print(f'accuracy={accuracy}')"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert metrics.scrape(printed.stdout.splitlines())["accuracy"] == [0.975]


def test_the_definitions_satisfy_sagemaker():
    # documented: botocore's model of MetricDefinition, and one capture group.
    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.shape_for("MetricDefinition")
    for definition in metrics.metric_definitions():
        assert set(definition) == set(shape.members)
        for member, value in definition.items():
            limits = shape.members[member].metadata
            assert limits.get("min", 0) <= len(value) <= limits["max"]
            assert re.fullmatch(limits["pattern"], value)
        assert re.compile(definition["Regex"]).groups == 1


def test_definitions_can_be_asked_for_by_name():
    (definition,) = metrics.metric_definitions("loss")
    assert definition["Name"] == "loss"
    assert metrics.scrape(["loss=0.25"], [definition]) == {"loss": [0.25]}


@pytest.mark.parametrize("name", ["f1", "top-5", "a.b", "loss (mean)"])
def test_a_name_with_signs_of_regexes_is_taken_literally(name):
    assert metrics.scrape_metric(metrics.metric_regex(name), [f"{name}=2"]) == [2]
    assert metrics.scrape_metric(metrics.metric_regex("a.b"), ["axb=2"]) == []


def test_several_matches_on_a_line_are_all_taken():
    assert metrics.scrape_metric("x=([0-9])", ["x=1 x=2", "x=3"]) == [1, 2, 3]


@pytest.mark.parametrize("regex", ["loss=[0-9.]+", "(loss)=([0-9.]+)"])
def test_a_regex_needs_exactly_one_group(regex):
    with pytest.raises(metrics.MetricRegexError, match="exactly one"):
        metrics.scrape_metric(regex, ["loss=1"])
