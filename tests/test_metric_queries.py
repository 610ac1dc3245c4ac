"""GetMetricData: several metrics in one request, page by page."""

import uuid

import pytest
from cloudwatch_requests import data, minute, put, query, refusal


@pytest.fixture(scope="module")
def cloudwatch(local_cloud):
    return local_cloud.client("cloudwatch")


@pytest.fixture
def namespace():
    return f"Test/{uuid.uuid4().hex}"


def test_metric_data_come_newest_first_unless_asked(cloudwatch, namespace):  # documented
    for ago in (1, 2, 3):
        put(cloudwatch, namespace, {"Value": ago, "Timestamp": minute(ago)})
    (result,) = data(cloudwatch, query(namespace))["MetricDataResults"]
    assert result["Timestamps"] == [minute(1), minute(2), minute(3)]
    assert result["Values"] == [1.0, 2.0, 3.0]
    assert (result["Label"], result["StatusCode"]) == ("m", "Complete")
    answer = data(cloudwatch, query(namespace, Label="mine"), ScanBy="TimestampAscending")
    (result,) = answer["MetricDataResults"]
    assert (result["Values"], result["Label"]) == ([3.0, 2.0, 1.0], "mine")
    assert "NextToken" not in answer


def test_only_queries_that_return_data_are_answered(cloudwatch, namespace):
    put(cloudwatch, namespace, {"Value": 1})
    queries = [query(namespace, Id="shown"), query(namespace, Id="hidden", ReturnData=False)]
    results = data(cloudwatch, *queries)["MetricDataResults"]
    assert [result["Id"] for result in results] == ["shown"]


def test_a_metric_without_data_has_an_empty_result(cloudwatch, namespace):
    (result,) = data(cloudwatch, query(namespace))["MetricDataResults"]
    assert (result["Timestamps"], result["Values"]) == ([], [])


@pytest.mark.parametrize("page_size", [1, 2, 3, 5, 100])
@pytest.mark.parametrize("scan_by", ["TimestampAscending", "TimestampDescending"])
def test_metric_data_come_in_pages(cloudwatch, namespace, page_size, scan_by):
    for ago in range(5):
        put(cloudwatch, namespace, {"Value": ago, "Timestamp": minute(ago)})
    queries = [query(namespace, Id="a"), query("Test/None", Id="b"), query(namespace, Id="c")]
    found, token = {"a": [], "b": [], "c": []}, {}
    while True:
        answer = data(cloudwatch, *queries, MaxDatapoints=page_size, ScanBy=scan_by, **token)
        counts = [len(result["Values"]) for result in answer["MetricDataResults"]]
        assert sum(counts) <= page_size
        for result in answer["MetricDataResults"]:
            found[result["Id"]] += result["Values"]
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    expected = [0.0, 1.0, 2.0, 3.0, 4.0]
    expected = expected if scan_by == "TimestampDescending" else expected[::-1]
    assert found == {"a": expected, "b": [], "c": expected}


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"Id": "Capital"}, "ValidationError",
         "The value Capital for parameter MetricDataQueries.member.1.Id is not matching the "
         "expected pattern ^[a-z][a-zA-Z0-9_]*$."),
        ({"stat": "Medium"}, "ValidationError",
         "The value for parameter MetricDataQueries.member.1.MetricStat.Stat is not a valid"),
        ({"stat": "TM(90%:10%)"}, "ValidationError", "is not a valid statistic"),
        ({"Expression": "q * 2"}, "ValidationError", "Exactly one of the parameters"),
        ({"MetricStat": None, "Expression": "q * 2"}, "UnknownOperationException",
         "does not implement metric math: MetricDataQueries.member.1.Expression is 'q * 2'"),
        ({"MetricStat": None, "Expression": "SELECT AVG(m) FROM n"}, "UnknownOperationException",
         "does not implement Metrics Insights: MetricDataQueries.member.1.Expression is"),
        ({"Label": "${AVG}"}, "UnknownOperationException",
         "The local cloud does not implement ${AVG} in labels."),
        ({"Label": "${PROP('Dim.Port')}"}, "UnknownOperationException", "${PROP('Dim.Port')}"),
        ({"AccountId": "999999999999"}, "ValidationError", "999999999999"),
    ],
)  # fmt: skip
def test_queries_that_cannot_be_answered_are_refused(cloudwatch, namespace, changes, code, words):
    changed = {name: value for name, value in query(namespace, **changes).items() if value}
    error = refusal(data, cloudwatch, changed)
    assert error["Code"] == code
    assert words in error["Message"]


def test_ids_are_unique(cloudwatch, namespace):  # observed in public reports
    error = refusal(data, cloudwatch, query(namespace), query(namespace))
    assert error["Code"] == "ValidationError"
    assert error["Message"] == ("The values for parameter id in MetricDataQueries are not unique.")


@pytest.mark.parametrize(
    "token",
    ["nonsense", "W10=", "WzksIG51bGxd", pytest.param("W1tb" * 1666, id="deep")],
)
def test_a_token_that_was_never_given_is_refused(cloudwatch, namespace, token):
    error = refusal(data, cloudwatch, query(namespace), NextToken=token)
    assert error["Code"] == "InvalidNextToken"


def test_labels_name_the_metrics_properties(cloudwatch, namespace):  # documented
    host = [{"Name": "Host", "Value": "a"}]
    metric = {"Namespace": namespace, "MetricName": "m", "Dimensions": host}
    label = "${LABEL} of ${PROP('Dim.Host')}: ${PROP('Stat')} by ${PROP('Period')} s"
    wanted = {"Metric": metric, "Period": 60, "Stat": "p99"}
    answer = data(cloudwatch, query(namespace, MetricStat=wanted, Label=label))
    assert answer["MetricDataResults"][0]["Label"] == "m of a: p99 by 60 s"


def test_a_time_zone_is_four_digits(cloudwatch, namespace):  # documented
    options = {"LabelOptions": {"Timezone": "+0130"}}
    assert data(cloudwatch, query(namespace), **options)["MetricDataResults"]
    error = refusal(data, cloudwatch, query(namespace), LabelOptions={"Timezone": "CET"})
    assert error["Code"] == "ValidationError"


@pytest.mark.parametrize(
    ("stat", "value"),
    [
        ("p50", 5.0),
        ("p99.9", 10.0),
        ("tm90", 5.0),
        ("IQM", 5.5),
        ("TC(2:8)", 6.0),
        ("PR(:3)", 30.0),
    ],
)
def test_a_query_may_ask_for_any_statistic(cloudwatch, namespace, stat, value):
    put(cloudwatch, namespace, {"Values": [float(n) for n in range(1, 11)]})
    (result,) = data(cloudwatch, query(namespace, stat, Id="q"), EndTime=minute(-1))[
        "MetricDataResults"
    ]
    assert result["Values"] == [pytest.approx(value)]


def test_a_query_counts_the_data_of_its_unit_alone(cloudwatch, namespace):
    put(cloudwatch, namespace, {"Value": 1, "Unit": "Seconds"}, {"Value": 4, "Unit": "Bytes"})
    metric = {"Namespace": namespace, "MetricName": "m"}
    sums = {}
    for unit in ("Seconds", "Bytes", "Bits", None):
        wanted = {"Metric": metric, "Period": 3600, "Stat": "Sum"} | (
            {"Unit": unit} if unit else {}
        )
        (result,) = data(cloudwatch, query(namespace, MetricStat=wanted))["MetricDataResults"]
        sums[unit] = sum(result["Values"])
    assert sums == {"Seconds": 1.0, "Bytes": 4.0, "Bits": 0, None: 5.0}
