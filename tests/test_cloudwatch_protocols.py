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
from cloudwatch_requests import minute, put, statistics

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
