"""CloudWatch metrics: putting data, reading statistics, listing what there is."""

import uuid
from datetime import datetime, timedelta, timezone

import pytest
from cloudwatch_requests import minute, put, refusal, statistics

from maze_helpers.local_cloud.services.cloudwatch.time_range import is_kept


@pytest.fixture(scope="module")
def cloudwatch(local_cloud):
    return local_cloud.client("cloudwatch")


@pytest.fixture
def namespace():
    return f"Test/{uuid.uuid4().hex}"


def test_values_come_back_as_statistics(cloudwatch, namespace):
    put(cloudwatch, namespace, *({"Value": value, "Timestamp": minute(5)} for value in (1, 2, 6)))
    (point,) = statistics(
        cloudwatch, namespace, "Average", "Sum", "Minimum", "Maximum", "SampleCount"
    )
    assert point == {
        "Timestamp": minute(5),
        "Unit": "None",
        "Average": 3.0,
        "Sum": 9.0,
        "Minimum": 1.0,
        "Maximum": 6.0,
        "SampleCount": 3.0,
    }


def test_arrays_and_statistic_sets_count_with_their_weight(cloudwatch, namespace):
    put(
        cloudwatch,
        namespace,
        {"Values": [1.0, 2.0], "Counts": [3.0, 1.0]},
        {"StatisticValues": {"SampleCount": 2, "Sum": 10, "Minimum": 4, "Maximum": 6}},
    )
    (point,) = statistics(cloudwatch, namespace, "Average", "Maximum", "SampleCount", Period=3600)
    assert (point["SampleCount"], point["Average"], point["Maximum"]) == (6.0, 2.5, 6.0)


def test_without_a_time_it_is_now(cloudwatch, namespace):
    put(cloudwatch, namespace, {"Value": 1})
    (point,) = statistics(cloudwatch, namespace, "Sum")
    assert abs(point["Timestamp"] - datetime.now(timezone.utc)) < timedelta(minutes=2)


def test_what_was_put_a_moment_ago_is_found_up_to_now(cloudwatch, namespace):
    put(cloudwatch, namespace, {"Value": 1, "StorageResolution": 1})
    now = datetime.now(timezone.utc) + timedelta(seconds=1)
    assert statistics(cloudwatch, namespace, "Sum", EndTime=now)


def test_periods_are_counted_from_the_start(cloudwatch, namespace):  # observed, public reports
    for ago in range(1, 8):
        put(cloudwatch, namespace, {"Value": ago, "Timestamp": minute(ago)})
    points = statistics(cloudwatch, namespace, "Sum", StartTime=minute(7), Period=180)
    assert [point["Timestamp"] for point in points] == [minute(7), minute(4), minute(1)]
    assert [point["Sum"] for point in points] == [18.0, 9.0, 1.0]


def test_the_start_is_rounded_down_to_a_minute(cloudwatch, namespace):  # documented
    put(cloudwatch, namespace, {"Value": 1, "Timestamp": minute(5)})
    start = minute(5) + timedelta(seconds=42)
    assert len(statistics(cloudwatch, namespace, "Sum", StartTime=start)) == 1


def test_a_high_resolution_metric_has_periods_of_a_second(cloudwatch, namespace):
    for second in range(4):
        moment = minute(5) + timedelta(seconds=second)
        put(cloudwatch, namespace, {"Value": second, "Timestamp": moment, "StorageResolution": 1})
    points = statistics(
        cloudwatch, namespace, "Sum", StartTime=minute(6), EndTime=minute(4), Period=1
    )
    assert [point["Sum"] for point in points] == [0.0, 1.0, 2.0, 3.0]
    points = statistics(
        cloudwatch, namespace, "Sum", StartTime=minute(6), EndTime=minute(4), Period=30
    )
    assert [point["Sum"] for point in points] == [6.0]


@pytest.mark.parametrize(("hours", "period", "found"), [(2, 30, 1), (4, 30, 0), (4, 60, 1)])
def test_after_three_hours_periods_are_of_minutes(  # documented
    cloudwatch, namespace, hours, period, found
):
    moment = minute(60 * hours)
    put(cloudwatch, namespace, {"Value": 1, "Timestamp": moment, "StorageResolution": 1})
    times = {"StartTime": moment, "EndTime": minute(60 * hours - 5)}
    assert len(statistics(cloudwatch, namespace, "Sum", Period=period, **times)) == found


@pytest.mark.parametrize(
    ("days", "fits"),
    [(1, (60, 300, 3600)), (16, (300, 3600)), (64, (3600,))],
)
def test_the_older_data_are_the_longer_their_periods(days, fits):  # documented
    start = minute(days * 24 * 60)
    now_s = minute().timestamp()
    assert (
        tuple(period for period in (1, 30, 60, 300, 3600) if is_kept(start, period, now_s)) == fits
    )


def test_a_standard_metric_is_kept_by_the_minute(cloudwatch, namespace):  # documented
    put(cloudwatch, namespace, {"Value": 1, "Timestamp": minute(5) + timedelta(seconds=30)})
    (point,) = statistics(
        cloudwatch, namespace, "Sum", StartTime=minute(6), EndTime=minute(4), Period=1
    )
    assert point["Timestamp"] == minute(5)


def test_each_unit_has_its_own_datapoint(cloudwatch, namespace):  # documented
    put(cloudwatch, namespace, {"Value": 1, "Unit": "Seconds"}, {"Value": 2, "Unit": "Bytes"})
    points = statistics(cloudwatch, namespace, "Sum", Period=3600)
    assert {point["Unit"]: point["Sum"] for point in points} == {"Seconds": 1.0, "Bytes": 2.0}
    (point,) = statistics(cloudwatch, namespace, "Sum", Unit="Bytes", Period=3600)
    assert point["Sum"] == 2.0


def test_dimensions_tell_metrics_apart_whatever_their_order(cloudwatch, namespace):
    first, second = {"Name": "a", "Value": "1"}, {"Name": "b", "Value": "2"}
    put(
        cloudwatch,
        namespace,
        {"Value": 1, "Dimensions": [first, second]},
        {"Value": 2, "Dimensions": [first]},
        {"Value": 4},
    )
    for dimensions, expected in [([second, first], 1.0), ([first], 2.0), ([], 4.0), ([second], 0)]:
        points = statistics(cloudwatch, namespace, "Sum", Dimensions=dimensions, Period=3600)
        assert sum(point["Sum"] for point in points) == expected


def test_percentiles_are_of_the_values_with_their_weight(cloudwatch, namespace):
    put(cloudwatch, namespace, {"Values": [float(v) for v in range(1, 101)]})
    put(cloudwatch, namespace, {"Values": [500.0], "Counts": [1.0]})
    names = ["p0", "p50", "p99", "p100"]
    (point,) = statistics(
        cloudwatch, namespace, Statistics=None, ExtendedStatistics=names, Period=3600
    )
    assert point["ExtendedStatistics"] == {"p0": 1.0, "p50": 51.0, "p99": 100.0, "p100": 500.0}


@pytest.mark.parametrize(
    "hidden",
    [
        {"Value": -1},
        {"StatisticValues": {"SampleCount": 2, "Sum": 3, "Minimum": 1, "Maximum": 2}},
    ],
)
def test_there_are_no_percentiles_of_what_is_negative_or_hidden(cloudwatch, namespace, hidden):
    put(cloudwatch, namespace, {"Value": 1}, hidden)  # documented
    assert not statistics(
        cloudwatch, namespace, Statistics=None, ExtendedStatistics=["p50"], Period=3600
    )


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"Period": 61}, "InvalidParameterValue", "multiple of 60"),
        ({"Statistics": None}, "InvalidParameterCombination", "Must specify either Statistics"),
        ({"ExtendedStatistics": ["p50"]}, "InvalidParameterCombination", "either Statistics or"),
        ({"StartTime": minute(-600)}, "InvalidParameterValue", "StartTime must be less than"),
        (
            {"StartTime": minute(1441), "EndTime": minute(0)},
            "InvalidParameterCombination",
            "You have requested up to 1441 datapoints, which exceeds the limit of 1440.",
        ),
        (
            {"Statistics": None, "ExtendedStatistics": ["p101"]},
            "InvalidParameterValue",
            "The value p101 for parameter ExtendedStatistics.member.1 is invalid.",
        ),
    ],
)
def test_statistics_that_break_a_rule_are_refused(cloudwatch, namespace, changes, code, words):
    error = refusal(statistics, cloudwatch, namespace, "Sum", **changes)
    assert error["Code"] == code
    assert words in error["Message"]


@pytest.mark.parametrize(
    ("datum", "code", "message"),
    [
        ({}, "InvalidParameterCombination",
         "At least one of the parameters MetricData.member.1.Value and "
         "MetricData.member.1.StatisticValues must be specified."),
        ({"Value": 1, "Values": [1]}, "InvalidParameterCombination",
         "The parameters MetricData.member.1.Value and MetricData.member.1.Values are mutually "
         "exclusive and you have specified both."),
        ({"Value": float("nan")}, "InvalidParameterValue",
         "The value NaN for parameter MetricData.member.1.Value is invalid."),
        ({"Values": [1, 2], "Counts": [1]}, "InvalidParameterValue",
         "The parameters MetricData.member.1.Values and MetricData.member.1.Counts must be of "
         "the same size."),
        ({"Values": [1] * 151}, "InvalidParameterValue",
         "The collection MetricData.member.1.Values must not have a size greater than 150."),
        ({"Value": 1, "Timestamp": datetime(2020, 1, 1)}, "InvalidParameterValue",
         "The parameter MetricData.member.1.Timestamp must specify a time within the past two "
         "weeks."),
        ({"Value": 1, "Unit": "Furlongs"}, "InvalidParameterValue", None),
        ({"Value": 1, "StorageResolution": 7}, "InvalidParameterValue", None),
        ({"Value": 1, "Dimensions": [{"Name": "n", "Value": ""}]}, None, None),
        ({"Value": 1e200}, "InvalidParameterValue", None),
        ({"Values": [1], "Counts": [0]}, "InvalidParameterValue", None),
        ({"StatisticValues": {"SampleCount": 0, "Sum": 0, "Minimum": 0, "Maximum": 0}},
         "InvalidParameterValue", None),
        ({"StatisticValues": {"SampleCount": 1, "Sum": 0, "Minimum": 1, "Maximum": 0}},
         "InvalidParameterValue", None),
    ],
)  # fmt: skip
def test_data_that_break_a_rule_are_refused(local_cloud, namespace, datum, code, message):
    client = local_cloud.client("cloudwatch", parameter_validation=False)
    error = refusal(put, client, namespace, datum)
    assert error["Code"] == (code or "MissingParameter")
    assert message in (None, error["Message"])


def test_a_refused_request_leaves_nothing_behind(cloudwatch, namespace):
    refusal(put, cloudwatch, namespace, {"Value": 1}, {"Value": 1, "Values": [1]})
    assert cloudwatch.list_metrics(Namespace=namespace)["Metrics"] == []


def test_a_request_holds_a_thousand_data_at_most(cloudwatch, namespace):  # documented
    put(cloudwatch, namespace, *[{"Value": 1}] * 1000)
    error = refusal(put, cloudwatch, namespace, *[{"Value": 1}] * 1001)
    assert error["Code"] == "InvalidParameterValue"
    assert "MetricData must not have a size greater than 1000." in error["Message"]
    (point,) = statistics(cloudwatch, namespace, "SampleCount", Period=3600)
    assert point["SampleCount"] == 1000.0


def test_namespaces_of_aws_are_its_own(cloudwatch):  # documented
    assert refusal(put, cloudwatch, "AWS/Mine", {"Value": 1})["Code"] == "InvalidParameterValue"


def test_data_of_entities_count_as_well(cloudwatch, namespace):
    entity = {"KeyAttributes": {"Type": "Service", "Name": "x"}}
    cloudwatch.put_metric_data(
        Namespace=namespace,
        EntityMetricData=[{"Entity": entity, "MetricData": [{"MetricName": "m", "Value": 3}]}],
    )
    assert len(statistics(cloudwatch, namespace, "Sum")) == 1


def test_metrics_are_listed_by_name_and_dimensions(cloudwatch, namespace):
    one, two = {"Name": "Host", "Value": "1"}, {"Name": "Host", "Value": "2"}
    put(cloudwatch, namespace, {"Value": 1, "Dimensions": [one]}, {"Value": 1, "Dimensions": [two]})
    put(cloudwatch, namespace, {"Value": 1, "MetricName": "other"})

    def listed(**filters):
        metrics = cloudwatch.list_metrics(Namespace=namespace, **filters)["Metrics"]
        return [(found["MetricName"], found["Dimensions"]) for found in metrics]

    assert listed() == [("m", [one]), ("m", [two]), ("other", [])]
    assert listed(MetricName="m") == [("m", [one]), ("m", [two])]
    assert listed(Dimensions=[{"Name": "Host"}]) == [("m", [one]), ("m", [two])]
    assert listed(Dimensions=[two]) == [("m", [two])]
    assert listed(Dimensions=[{"Name": "Port"}]) == []


def test_recently_active_means_the_last_three_hours(cloudwatch, namespace):  # documented
    put(cloudwatch, namespace, {"Value": 1, "Timestamp": minute(200)})
    put(cloudwatch, namespace, {"Value": 1, "MetricName": "new"})
    metrics = cloudwatch.list_metrics(Namespace=namespace, RecentlyActive="PT3H")["Metrics"]
    assert [found["MetricName"] for found in metrics] == ["new"]


def test_metrics_of_other_accounts_are_none(cloudwatch, namespace):
    put(cloudwatch, namespace, {"Value": 1})
    own = cloudwatch.list_metrics(Namespace=namespace, IncludeLinkedAccounts=True)
    assert own["OwningAccounts"] == ["111122223333"]
    other = {"IncludeLinkedAccounts": True, "OwningAccount": "999999999999"}
    assert cloudwatch.list_metrics(Namespace=namespace, **other)["Metrics"] == []


def test_metrics_are_listed_five_hundred_at_a_time(cloudwatch, namespace):
    for start in (0, 300):
        names = [{"MetricName": f"m{start + n}", "Value": 1} for n in range(300)]
        put(cloudwatch, namespace, *names)
    pages = list(cloudwatch.get_paginator("list_metrics").paginate(Namespace=namespace))
    assert [len(page["Metrics"]) for page in pages] == [500, 100]
    assert len({found["MetricName"] for page in pages for found in page["Metrics"]}) == 600
    for token in ("nonsense", "9" * 30):
        error = refusal(cloudwatch.list_metrics, NextToken=token)
        assert error["Code"] == "InvalidNextToken"


@pytest.mark.parametrize("operation", ["list_metric_streams", "list_dashboards"])
def test_what_is_not_implemented_says_so_by_name(cloudwatch, operation):
    error = refusal(getattr(cloudwatch, operation))
    name = "".join(part.title() for part in operation.split("_"))
    assert error["Message"] == f"The local cloud does not implement cloudwatch {name}."
