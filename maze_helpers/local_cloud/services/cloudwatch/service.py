"""The operations of CloudWatch: put metric data, read it back, list what there is."""

from __future__ import annotations

from datetime import datetime, timezone
from itertools import islice
from typing import TYPE_CHECKING, Any

from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.errors import (
    InvalidNextToken,
    InvalidParameterCombination,
    InvalidParameterValue,
    ValidationError,
)
from maze_helpers.local_cloud.protocol import ServiceProtocol
from maze_helpers.local_cloud.services.cloudwatch.labels import check_timezone, label_of
from maze_helpers.local_cloud.services.cloudwatch.metric_data import data_of
from maze_helpers.local_cloud.services.cloudwatch.metric_queries import (
    MAX_DATAPOINTS,
    check_queries,
    metric_data_page,
)
from maze_helpers.local_cloud.services.cloudwatch.statistics import (
    by_period,
    is_extended_statistic,
    statistic,
)
from maze_helpers.local_cloud.services.cloudwatch.store import Metric, Samples
from maze_helpers.local_cloud.services.cloudwatch.time_range import (
    DAY_S,
    is_kept,
    is_period,
    time_range,
)

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

MAX_STATISTICS_DATAPOINTS = 1440
LIST_PAGE_SIZE = 500
RECENTLY_ACTIVE_S = 3 * 3600
LISTED_S = 14 * DAY_S


class CloudWatch:
    """CloudWatch metrics."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.metrics = cloud.metrics
        self.protocol = ServiceProtocol("cloudwatch")
        self.operations = {
            "GetMetricData": self.get_metric_data,
            "GetMetricStatistics": self.get_metric_statistics,
            "ListMetrics": self.list_metrics,
            "PutMetricData": self.put_metric_data,
        }

    def put_metric_data(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Record data, all of it or none."""
        data = data_of(request, self.cloud.clock.time_s())
        self.metrics.put_many(request["Namespace"], data)
        return {}

    def get_metric_statistics(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return one metric's statistics by period, in order of time; AWS keeps no order."""
        statistics, percentiles = self._check_statistics(request)
        period_s = request["Period"]
        dimensions = {found["Name"]: found["Value"] for found in request.get("Dimensions", ())}
        metric_id = self.metrics.find(request["Namespace"], request["MetricName"], dimensions)
        datapoints = []
        now_s = self.cloud.clock.time_s()
        if metric_id is not None and is_kept(request["StartTime"], period_s, now_s):
            span = time_range(request["StartTime"], request["EndTime"], period_s, now_s)
            samples = self.metrics.samples(metric_id, span.start_s, span.end_s)
            for start_s, group in by_period(samples, span.start_s, period_s):
                datapoints += _datapoints(start_s, group, statistics, percentiles)
        if "Unit" in request:
            datapoints = [found for found in datapoints if found["Unit"] == request["Unit"]]
        return {"Label": request["MetricName"], "Datapoints": datapoints}

    def _check_statistics(self, request: dict[str, Any]) -> tuple[list[str], list[str]]:
        """Return the statistics and the percentiles that are asked for.

        Raises: InvalidParameterValue, InvalidParameterCombination.
        """
        statistics = request.get("Statistics", [])
        percentiles = request.get("ExtendedStatistics", [])
        if bool(statistics) == bool(percentiles):
            raise InvalidParameterCombination(
                "Must specify either Statistics or ExtendedStatistics"
            )
        for number, name in enumerate(percentiles, 1):
            if not is_extended_statistic(name):
                raise InvalidParameterValue(
                    f"The value {name} for parameter ExtendedStatistics.member.{number} is invalid."
                )
        period_s, start, end = request["Period"], request["StartTime"], request["EndTime"]
        if not is_period(period_s):
            raise InvalidParameterValue(
                "The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60."
            )
        if start >= end:
            raise InvalidParameterValue(
                "The parameter StartTime must be less than the parameter EndTime."
            )
        count = int((end - start).total_seconds() // period_s)
        if count > MAX_STATISTICS_DATAPOINTS:
            raise InvalidParameterCombination(
                f"You have requested up to {count} datapoints, which exceeds the limit of "
                f"{MAX_STATISTICS_DATAPOINTS}. You may reduce the datapoints requested by "
                f"increasing Period, or decreasing the time range."
            )
        return statistics, percentiles

    def get_metric_data(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return a page of several metrics' statistics, each query's in order of time."""
        if request["StartTime"] >= request["EndTime"]:
            raise ValidationError(
                "The parameter StartTime must be less than the parameter EndTime."
            )
        if not 1 <= request.get("MaxDatapoints", MAX_DATAPOINTS) <= MAX_DATAPOINTS:
            raise ValidationError(
                f"The parameter MaxDatapoints must be between 1 and {MAX_DATAPOINTS}."
            )
        check_queries(request["MetricDataQueries"], self.cloud.account_id)
        check_timezone(request.get("LabelOptions", {}))
        labels = {
            query["Id"]: label_of(query, self.cloud.account_id, self.cloud.region)
            for query in request["MetricDataQueries"]
        }
        results, token = metric_data_page(self.metrics, request, labels)
        return {"MetricDataResults": results, "NextToken": token, "Messages": []}

    def list_metrics(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return a page of the metrics of two weeks that have all the dimensions asked for."""
        token = request.get("NextToken", "0")
        if not (token.isascii() and token.isdigit() and len(token) < 19):
            raise InvalidNextToken("The next token is invalid.")
        if request.get("OwningAccount", self.cloud.account_id) != self.cloud.account_id:
            # No other account's metrics are linked to this one's.
            return {"Metrics": []}
        recent_s = RECENTLY_ACTIVE_S if "RecentlyActive" in request else LISTED_S
        since_s = self.cloud.clock.time_s() - recent_s
        metrics = self.metrics.metrics(
            request.get("Namespace"), request.get("MetricName"), int(token)
        )
        found = (
            metric
            for metric in metrics
            if metric.last_s >= since_s and _has_dimensions(metric, request.get("Dimensions", []))
        )
        page = list(islice(found, LIST_PAGE_SIZE + 1))
        answer: dict[str, Any] = {"Metrics": [_listed(metric) for metric in page[:LIST_PAGE_SIZE]]}
        if request.get("IncludeLinkedAccounts"):
            answer["OwningAccounts"] = [self.cloud.account_id] * len(answer["Metrics"])
        if len(page) > LIST_PAGE_SIZE:
            answer["NextToken"] = str(page[LIST_PAGE_SIZE - 1].id)
        return answer


def _datapoints(
    start_s: int, samples: list[Samples], statistics: list[str], percentiles: list[str]
) -> list[dict[str, Any]]:
    """Return a period's datapoints: one a unit, with what there is of the statistics."""
    datapoints = []
    for unit in dict.fromkeys(sample.unit for sample in samples):
        own = [sample for sample in samples if sample.unit == unit]
        values: dict[str, Any] = {name: statistic(name, own) for name in statistics}
        ranks = {name: value for name in percentiles if (value := statistic(name, own)) is not None}
        if ranks:
            values["ExtendedStatistics"] = ranks
        if values:
            moment = datetime.fromtimestamp(start_s, timezone.utc)
            datapoints.append({"Timestamp": moment, "Unit": unit, **values})
    return datapoints


def _has_dimensions(metric: Metric, filters: list[dict[str, str]]) -> bool:
    return all(
        wanted["Name"] in metric.dimensions
        and wanted.get("Value", metric.dimensions[wanted["Name"]])
        == metric.dimensions[wanted["Name"]]
        for wanted in filters
    )


def _listed(metric: Metric) -> dict[str, Any]:
    return {
        "Namespace": metric.namespace,
        "MetricName": metric.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions.items()],
    }
