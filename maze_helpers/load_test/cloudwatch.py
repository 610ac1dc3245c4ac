"""What CloudWatch knows of an endpoint while it was tested."""

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import boto3
import pandas as pd

from maze_helpers.load_test.outcomes import MODEL_ERROR, OK
from maze_helpers.load_test.result import LoadTestResult
from maze_helpers.local_cloud.startup.local_only import AWS_DOMAINS

NAMESPACE = "AWS/SageMaker"
# By name, with the statistic that says most. Latencies are in microseconds, utilisation is a
# share of MaxConcurrency (1 is all of it).
# Source: Amazon SageMaker AI metrics in Amazon CloudWatch; the metrics of serverless endpoints.
STATISTICS = {
    "Invocations": "Sum",
    "Invocation4XXErrors": "Sum",
    "Invocation5XXErrors": "Sum",
    "ModelLatency": "Average",
    "OverheadLatency": "Average",
    "ModelSetupTime": "Maximum",
    "ServerlessConcurrentExecutionsUtilization": "Maximum",
}
# AWS keeps an endpoint's metrics by the minute; the local cloud by the second.
AWS_PERIOD_S, LOCAL_PERIOD_S = 60, 1
# CloudWatch lags behind: what ended is complete after so long (a guess on AWS's), and is not
# waited for any longer than so many periods.
AWS_LAG_S, LOCAL_LAG_S = 120, 1
WAIT_PERIODS = 5


@dataclass(frozen=True, eq=False)
class EndpointMetrics:
    """CloudWatch's metrics of an endpoint.

    period_s: how many seconds a row sums up. table: a row a period, by its begin (UTC), a column
    a metric that has data, as CloudWatch has it: latencies in microseconds.
    """

    period_s: int
    table: pd.DataFrame


def endpoint_metrics(
    session: boto3.Session, result: LoadTestResult, variant: str = "AllTraffic"
) -> EndpointMetrics:
    """Return what CloudWatch has of the tested endpoint for the time of the test.

    Waits until it counts the calls that were answered: on AWS two minutes after the test at the
    least and five at the most, locally one second and five.
    Raises: MazeError, if it was a URL that was tested.
    """
    endpoint_name = result.require_endpoint()
    cloudwatch = session.client("cloudwatch")
    is_aws = (urlsplit(cloudwatch.meta.endpoint_url).hostname or "").endswith(AWS_DOMAINS)
    period_s, lag_s = (AWS_PERIOD_S, AWS_LAG_S) if is_aws else (LOCAL_PERIOD_S, LOCAL_LAG_S)
    request = _request(endpoint_name, variant, result, period_s)
    answered = result.calls["outcome"].isin([OK, MODEL_ERROR]).sum()
    ended_s = result.began_at.timestamp() + result.duration_s
    while True:
        age_s = time.time() - ended_s
        table = _table(cloudwatch, request)
        counted = table["Invocations"].sum() if "Invocations" in table else 0
        is_complete = counted >= answered and age_s >= lag_s
        if is_complete or age_s >= WAIT_PERIODS * period_s:
            return EndpointMetrics(period_s, table)
        time.sleep(period_s / 4)


def _request(
    endpoint_name: str, variant: str, result: LoadTestResult, period_s: int
) -> dict[str, Any]:
    dimensions = [
        {"Name": "EndpointName", "Value": endpoint_name},
        {"Name": "VariantName", "Value": variant},
    ]
    queries = [
        {
            "Id": f"m{number}",
            "Label": name,
            "MetricStat": {
                "Metric": {"Namespace": NAMESPACE, "MetricName": name, "Dimensions": dimensions},
                "Period": period_s,
                "Stat": statistic,
            },
        }
        for number, (name, statistic) in enumerate(STATISTICS.items())
    ]
    begin = pd.Timestamp(result.began_at).floor(f"{period_s}s")
    end = pd.Timestamp(result.began_at) + timedelta(seconds=result.duration_s + period_s)
    return {"MetricDataQueries": queries, "StartTime": begin, "EndTime": end.ceil(f"{period_s}s")}


def _table(cloudwatch: Any, request: dict[str, Any]) -> pd.DataFrame:
    columns: dict[str, pd.Series] = {}
    for page in cloudwatch.get_paginator("get_metric_data").paginate(**request):
        for found in page["MetricDataResults"]:
            values = pd.Series(found["Values"], pd.DatetimeIndex(found["Timestamps"]), dtype=float)
            if len(values):
                columns[found["Label"]] = pd.concat([columns.get(found["Label"]), values])
    return pd.DataFrame(columns).sort_index()
