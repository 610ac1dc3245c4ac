"""Requests to CloudWatch that its tests share."""

from datetime import datetime, timedelta, timezone

import pytest
from botocore.exceptions import ClientError


def minute(ago: int = 0) -> datetime:
    """Return the start of the minute that many minutes ago."""
    moment = datetime.now(timezone.utc).replace(second=0, microsecond=0)
    return moment - timedelta(minutes=ago)


def put(cloudwatch, namespace, *data):
    """Put data; a name is added where there is none."""
    cloudwatch.put_metric_data(
        Namespace=namespace, MetricData=[{"MetricName": "m"} | datum for datum in data]
    )


def statistics(cloudwatch, namespace, *names, **changes) -> list[dict]:
    request = {
        "Namespace": namespace,
        "MetricName": "m",
        "StartTime": minute(30),
        "EndTime": minute(-30),
        "Period": 60,
        "Statistics": list(names),
    } | changes
    return cloudwatch.get_metric_statistics(**{k: v for k, v in request.items() if v})["Datapoints"]


def query(namespace, stat="Average", **changes) -> dict:
    """Return a MetricDataQuery."""
    metric = {"Namespace": namespace, "MetricName": "m"}
    return {"Id": "q", "MetricStat": {"Metric": metric, "Period": 60, "Stat": stat}} | changes


def data(cloudwatch, *queries, **changes) -> dict:
    times = {"StartTime": minute(30), "EndTime": minute(-30)}
    return cloudwatch.get_metric_data(MetricDataQueries=list(queries), **(times | changes))


def refusal(call, *arguments, **parameters) -> dict:
    with pytest.raises(ClientError) as raised:
        call(*arguments, **parameters)
    return raised.value.response["Error"]
