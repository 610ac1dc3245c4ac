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
        ({"stat": "tm90"}, "UnknownOperationException", "does not implement the statistic tm90"),
        ({"Expression": "q * 2"}, "ValidationError", "Exactly one of the parameters"),
        ({"MetricStat": None, "Expression": "q * 2"}, "UnknownOperationException",
         "does not implement metric math: MetricDataQueries.member.1.Expression is 'q * 2'"),
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


@pytest.mark.parametrize("token", ["nonsense", "W10=", "WzksIG51bGxd"])
def test_a_token_that_was_never_given_is_refused(cloudwatch, namespace, token):
    error = refusal(data, cloudwatch, query(namespace), NextToken=token)
    assert error["Code"] == "InvalidNextToken"
