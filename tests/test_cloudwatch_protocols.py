"""CloudWatch for clients other than boto3's own: compressed, query, JSON, the AWS CLI."""

import json
import subprocess
import sys
import time
import urllib.request
import uuid
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from cloudwatch_requests import minute, put, query, statistics
from cloudwatch_wire import PROTOCOLS, call
from hypothesis import given, settings
from hypothesis import strategies as st

QUERY_NAMESPACE = "{http://monitoring.amazonaws.com/doc/2010-08-01/}"


@pytest.fixture
def namespace():
    return f"Test/{uuid.uuid4().hex}"


def test_a_compressed_request_is_unpacked(local_cloud, namespace):
    client = local_cloud.client("cloudwatch", request_min_compression_size_bytes=1)
    sent = []
    client.meta.events.register("before-send.*", lambda request, **_: sent.append(request))
    put(client, namespace, {"Values": [1.0] * 150})
    assert sent[0].headers["Content-Encoding"] == b"gzip"
    (point,) = statistics(client, namespace, "SampleCount", Period=3600)
    assert point["SampleCount"] == 150.0


def signed(local_cloud, headers: dict, body: bytes) -> urllib.request.Request:
    """Return a signed POST of a client that speaks another protocol than boto3 does."""
    request = AWSRequest("POST", f"{local_cloud.endpoint_url}/", headers, body)
    credentials = local_cloud.session.get_credentials()
    SigV4Auth(credentials, "monitoring", "us-east-1").add_auth(request)
    return urllib.request.Request(request.url, body, dict(request.headers), method="POST")


def test_the_query_protocol_of_older_clients_is_spoken(local_cloud, namespace):
    def call(action, **parameters):
        form = {"Action": action, "Version": "2010-08-01", **parameters}
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        body = urlencode(form).encode()
        with urllib.request.urlopen(signed(local_cloud, headers, body)) as response:
            return ElementTree.fromstring(response.read())

    datum = {
        "MetricData.member.1.MetricName": "m",
        "MetricData.member.1.Value": "4.5",
        "MetricData.member.1.Timestamp": minute(5).isoformat(),
        "MetricData.member.1.Dimensions.member.1.Name": "Host",
        "MetricData.member.1.Dimensions.member.1.Value": "a&b",
    }
    call("PutMetricData", Namespace=namespace, **datum)
    found = call("ListMetrics", Namespace=namespace)
    assert found.find(f".//{QUERY_NAMESPACE}Value").text == "a&b"
    found = call(
        "GetMetricStatistics",
        Namespace=namespace,
        MetricName="m",
        Period="60",
        StartTime=minute(10).isoformat(),
        EndTime=minute(0).isoformat(),
        **{
            "Statistics.member.1": "Average",
            "Dimensions.member.1.Name": "Host",
            "Dimensions.member.1.Value": "a&b",
        },
    )
    assert found.find(f".//{QUERY_NAMESPACE}Average").text == "4.5"
    stamp = found.find(f".//{QUERY_NAMESPACE}Timestamp").text
    assert stamp == minute(5).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_the_json_protocol_is_spoken_too(local_cloud, namespace):
    def call(operation, **parameters):
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"GraniteServiceVersion20100801.{operation}",
        }
        body = json.dumps(parameters).encode()
        with urllib.request.urlopen(signed(local_cloud, headers, body)) as response:
            return response.headers["Content-Type"], response.read()

    datum = {"MetricName": "m", "Value": 1, "Timestamp": time.time()}
    call("PutMetricData", Namespace=namespace, MetricData=[datum])
    content_type, body = call("ListMetrics", Namespace=namespace)
    assert content_type == "application/x-amz-json-1.0"
    (metric,) = json.loads(body)["Metrics"]
    assert metric["MetricName"] == "m"


def test_the_cli_puts_and_reads_metrics(local_cloud, namespace):
    def aws(*arguments):
        command = [sys.executable, "-m", "awscli", "cloudwatch", *arguments, "--output", "json"]
        run = subprocess.run(command, env=local_cloud.env, capture_output=True, check=True)
        return json.loads(run.stdout) if run.stdout else None

    named = ("--namespace", namespace, "--metric-name", "m")
    aws("put-metric-data", *named, "--value", "7", "--dimensions", "Host=a")
    times = ("--start-time", minute(5).isoformat(), "--end-time", minute(-5).isoformat())
    found = aws(
        "get-metric-statistics",
        *named,
        *times,
        *("--period", "60", "--statistics", "Maximum", "--dimensions", "Name=Host,Value=a"),
    )
    assert [point["Maximum"] for point in found["Datapoints"]] == [7.0]
    assert len(aws("list-metrics", "--namespace", namespace)["Metrics"]) == 1


DATA = st.lists(
    st.fixed_dictionaries(
        {
            "Values": st.lists(st.floats(0, 1e6), min_size=1, max_size=4, unique=True),
            "Counts": st.lists(st.integers(1, 9).map(float), min_size=4, max_size=4),
            "Unit": st.sampled_from(["Seconds", "None", "Bytes/Second"]),
            "Dimensions": st.lists(
                st.fixed_dictionaries(
                    {"Name": st.just("Host"), "Value": st.text("a<&é", min_size=1)}
                ),
                max_size=1,
            ),
        }
    ),
    min_size=1,
    max_size=3,
)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_is_put_in_one_protocol_is_read_in_each(local_cloud, protocol):
    @settings(max_examples=6, derandomize=True)
    @given(DATA)
    def law(data):
        namespace = f"Test/{uuid.uuid4().hex}"
        for datum in data:
            datum["Counts"] = datum["Counts"][: len(datum["Values"])]
        sent = [{"MetricName": "m", "Timestamp": minute(5)} | datum for datum in data]
        call(local_cloud, protocol, "PutMetricData", Namespace=namespace, MetricData=sent)
        for other in PROTOCOLS:
            assert found_in(local_cloud, other, namespace) == expected_of(data)

    law()


def found_in(local_cloud, protocol: str, namespace: str) -> dict:
    """Return each metric's sum of values by its dimension and unit, as two operations tell it."""
    times = {"StartTime": minute(30), "EndTime": minute(-30)}
    listed = call(local_cloud, protocol, "ListMetrics", Namespace=namespace)["Metrics"]
    sums = {}
    for metric in listed:
        period = {"Period": 60, "Statistics": ["Sum", "SampleCount"]}
        points = call(local_cloud, protocol, "GetMetricStatistics", **metric, **times, **period)
        wanted = {"Metric": metric, "Period": 60, "Stat": "Sum"}
        queries = [{"Id": "q", "MetricStat": wanted}]
        found = call(local_cloud, protocol, "GetMetricData", MetricDataQueries=queries, **times)
        (result,) = found["MetricDataResults"]
        assert result["Timestamps"] == [minute(5)]
        host = "".join(dimension["Value"] for dimension in metric["Dimensions"])
        by_unit = {point["Unit"]: point["Sum"] for point in points["Datapoints"]}
        assert result["Values"] == pytest.approx([sum(by_unit.values())])
        sums |= {(host, unit): pytest.approx(value) for unit, value in by_unit.items()}
    return sums


def expected_of(data: list[dict]) -> dict:
    """Return the same sums, from what was put."""
    sums = {}
    for datum in data:
        host = "".join(dimension["Value"] for dimension in datum["Dimensions"])
        total = sum(value * n for value, n in zip(datum["Values"], datum["Counts"], strict=True))
        key = (host, datum["Unit"])
        sums[key] = sums.get(key, 0) + total
    return sums


REFUSALS = [
    ("ListMetrics", {"NextToken": "x"}, "InvalidNextToken", "InvalidNextToken"),
    ("PutMetricData", {"Namespace": "n"}, "MissingParameter", "MissingRequiredParameterException"),
    (
        "GetMetricStatistics",
        {
            "Namespace": "n",
            "MetricName": "m",
            "StartTime": minute(5),
            "EndTime": minute(),
            "Period": 61,
            "Statistics": ["Sum"],
        },
        "InvalidParameterValue",
        "InvalidParameterValueException",
    ),
    (
        "GetMetricStatistics",
        {
            "Namespace": "n",
            "MetricName": "m",
            "StartTime": minute(5),
            "EndTime": minute(),
            "Period": 60,
        },
        "InvalidParameterCombination",
        "InvalidParameterCombinationException",
    ),
    (
        "GetMetricData",
        {
            "MetricDataQueries": [query("n"), query("n")],
            "StartTime": minute(5),
            "EndTime": minute(),
        },
        "ValidationError",
        "ValidationException",
    ),
]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("number", range(len(REFUSALS)))
def test_errors_have_each_protocols_own_shape(local_cloud, protocol, number):  # documented
    operation, parameters, code, shape = REFUSALS[number]
    found = call(local_cloud, protocol, operation, **parameters)
    answer = found["ResponseMetadata"]
    assert answer["HTTPStatusCode"] == 400
    assert found["Error"]["Code"] == code
    assert found["Error"]["Message"]
    if protocol == "query":
        root = ElementTree.fromstring(answer["Body"])
        assert root.tag == f"{QUERY_NAMESPACE}ErrorResponse"
        assert root.find(f".//{QUERY_NAMESPACE}Type").text == "Sender"
    else:
        assert answer["Headers"]["x-amzn-query-error"] == f"{code};Sender"
        assert shape.encode() in answer["Body"]
        assert b"__type" in answer["Body"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("operation", ["GetMetricWidgetImage", "PutDashboard", "PutMetricAlarm"])
def test_what_is_not_implemented_is_named_in_each_protocol(local_cloud, protocol, operation):
    required = {
        "GetMetricWidgetImage": {"MetricWidget": "{}"},
        "PutDashboard": {"DashboardName": "d", "DashboardBody": "{}"},
        "PutMetricAlarm": {
            "AlarmName": "a",
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanThreshold",
        },
    }[operation]
    found = call(local_cloud, protocol, operation, **required)
    sentence = f"The local cloud does not implement cloudwatch {operation}."
    assert found["Error"]["Message"] == sentence
