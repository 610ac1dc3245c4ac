"""GetMetricData: several metrics in one request, page by page."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timezone
from itertools import islice
from typing import Any

from maze_helpers.local_cloud.errors import InvalidNextToken, UnknownOperation, ValidationError
from maze_helpers.local_cloud.services.cloudwatch.statistics import (
    by_period,
    is_statistic,
    statistic,
)
from maze_helpers.local_cloud.services.cloudwatch.store import MetricStore
from maze_helpers.local_cloud.services.cloudwatch.time_range import (
    is_kept,
    is_period,
    time_range,
)

MAX_QUERIES = 500
MAX_DATAPOINTS = 100_800
_INSIGHTS = re.compile(r"\s*SELECT\s", re.IGNORECASE)
_ID = re.compile(r"[a-z][a-zA-Z0-9_]*", re.ASCII)


def check_queries(queries: list[dict[str, Any]], account_id: str) -> None:
    """Check what queries may hold.

    account_id: whose metrics there are.
    Raises: ValidationError; UnknownOperation, for metric math and Metrics Insights.
    """
    if len(queries) > MAX_QUERIES:
        raise ValidationError(
            f"The collection MetricDataQueries must not have a size greater than {MAX_QUERIES}."
        )
    ids = [query["Id"] for query in queries]
    if len(set(ids)) < len(ids):
        raise ValidationError("The values for parameter id in MetricDataQueries are not unique.")
    for number, query in enumerate(queries, 1):
        _check_query(query, f"MetricDataQueries.member.{number}", account_id)


def _check_query(query: dict[str, Any], place: str, account_id: str) -> None:
    if not _ID.fullmatch(query["Id"]):
        raise ValidationError(
            f"The value {query['Id']} for parameter {place}.Id is not matching the expected "
            f"pattern ^[a-z][a-zA-Z0-9_]*$."
        )
    if ("Expression" in query) == ("MetricStat" in query):
        raise ValidationError(
            f"Exactly one of the parameters {place}.Expression and {place}.MetricStat must be "
            f"specified."
        )
    if "Expression" in query:
        kind = "Metrics Insights" if _INSIGHTS.match(query["Expression"]) else "metric math"
        raise UnknownOperation(
            f"The local cloud does not implement {kind}: {place}.Expression is "
            f"'{query['Expression']}'. Query the metrics with MetricStat and compute from those."
        )
    if query.get("AccountId", account_id) != account_id:
        # The wording is a guess.
        raise ValidationError(
            f"The account {query['AccountId']} of parameter {place}.AccountId is not linked to "
            f"this one."
        )
    for name in ("Namespace", "MetricName"):
        if name not in query["MetricStat"]["Metric"]:
            raise ValidationError(f"The parameter {place}.MetricStat.Metric.{name} is required.")
    if not is_statistic(query["MetricStat"]["Stat"]):
        raise ValidationError(
            f"The value for parameter {place}.MetricStat.Stat is not a valid statistic."
        )
    if not is_period(query["MetricStat"]["Period"]):
        raise ValidationError(
            f"The value for parameter {place}.MetricStat.Period must be 1, 5, 10, 20, 30 or a "
            f"multiple of 60."
        )


def metric_data_page(
    store: MetricStore, request: dict[str, Any], labels: Mapping[str, str]
) -> tuple[list[dict[str, Any]], str | None]:
    """Return a page's MetricDataResults and the token of the next one, None on the last.

    labels: the queries' labels by their ids.
    Raises: InvalidNextToken.
    """
    queries = [query for query in request["MetricDataQueries"] if query.get("ReturnData", True)]
    first, after_s = _read_token(request.get("NextToken"), len(queries))
    left = request.get("MaxDatapoints", MAX_DATAPOINTS)
    results = []
    for number in range(first, len(queries)):
        points = _points_after(_points(store, request, queries[number]), after_s)
        page = list(islice(points, left))
        left -= len(page)
        more = next(iter(points), None) is not None
        status = "PartialData" if more else "Complete"
        results.append(_result(queries[number], page, status, labels))
        if more:
            return results, _make_token(number, page[-1][0] if page else after_s)
        after_s = None
    return results, None


def _points(
    store: MetricStore, request: dict[str, Any], query: dict[str, Any]
) -> list[tuple[int, float]]:
    """Return a query's periods, in seconds since the epoch, and values, in the order asked for."""
    wanted, metric = query["MetricStat"], query["MetricStat"]["Metric"]
    dimensions = {found["Name"]: found["Value"] for found in metric.get("Dimensions", ())}
    metric_id = store.find(metric["Namespace"], metric["MetricName"], dimensions)
    now_s = store.clock.time_s()
    if metric_id is None or not is_kept(request["StartTime"], wanted["Period"], now_s):
        return []
    span = time_range(request["StartTime"], request["EndTime"], wanted["Period"], now_s)
    samples = store.samples(metric_id, span.start_s, span.end_s)
    if "Unit" in wanted:
        samples = (sample for sample in samples if sample.unit == wanted["Unit"])
    points = [
        (start_s, value)
        for start_s, group in by_period(samples, span.start_s, wanted["Period"])
        if (value := statistic(wanted["Stat"], group)) is not None
    ]
    ascending = request.get("ScanBy") == "TimestampAscending"
    return points if ascending else points[::-1]


def _points_after(
    points: Iterable[tuple[int, float]], after_s: int | None
) -> Iterator[tuple[int, float]]:
    """Yield the points behind the one of a time; all of them for None."""
    rest = iter(points)
    if after_s is not None:
        for start_s, _ in rest:
            if start_s == after_s:
                break
    return rest


def _result(
    query: dict[str, Any], points: list[tuple[int, float]], status: str, labels: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "Id": query["Id"],
        "Label": labels[query["Id"]],
        "Timestamps": [datetime.fromtimestamp(start_s, timezone.utc) for start_s, _ in points],
        "Values": [float(value) for _, value in points],
        "StatusCode": status,
    }


def _make_token(number: int, after_s: int | None) -> str:
    return base64.urlsafe_b64encode(json.dumps([number, after_s]).encode()).decode()


def _read_token(token: str | None, query_count: int) -> tuple[int, int | None]:
    """Return the number of the query to go on with, and the time of its last point so far."""
    if token is None:
        return 0, None
    try:
        number, after_s = json.loads(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise InvalidNextToken("The next token is invalid.") from None
    if not isinstance(number, int) or not 0 <= number < query_count:
        raise InvalidNextToken("The next token is invalid.")
    return number, after_s
