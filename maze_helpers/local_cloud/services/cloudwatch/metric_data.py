"""PutMetricData: what a datum may hold."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from maze_helpers.local_cloud.errors import (
    InvalidParameterCombination,
    InvalidParameterValue,
    MissingParameter,
)
from maze_helpers.local_cloud.services.cloudwatch.store import (
    HIGH_RESOLUTION_S,
    STANDARD_RESOLUTION_S,
    Datum,
)

MAX_DATA = 1000
MAX_VALUES = 150
MAX_MAGNITUDE = 2.0**360
MAX_AGE_S = 14 * 86_400
MAX_LEAD_S = 2 * 3600


def data_of(request: dict[str, Any], now_s: float) -> list[Datum]:
    """Return the data of a PutMetricData request.

    Raises: MissingParameter, InvalidParameterValue, InvalidParameterCombination.
    """
    if request["Namespace"].startswith("AWS/"):
        raise InvalidParameterValue(
            f"The value {request['Namespace']} for parameter Namespace is invalid."
        )
    collections = [("MetricData", request.get("MetricData", []))] + [
        (f"EntityMetricData.member.{number}.MetricData", entity.get("MetricData", []))
        for number, entity in enumerate(request.get("EntityMetricData", []), 1)
    ]
    if not any(metric_data for _, metric_data in collections):
        raise MissingParameter("The parameter MetricData is required.")
    # Together, where there are several. Source: PutMetricData.
    everything = [datum for _, metric_data in collections for datum in metric_data]
    _check_size("MetricData", everything, MAX_DATA)
    data = []
    for place, metric_data in collections:
        for number, datum in enumerate(metric_data, 1):
            data += _data(datum, f"{place}.member.{number}", now_s)
    return data


def _data(datum: dict[str, Any], place: str, now_s: float) -> Iterator[Datum]:
    """Yield what one MetricDatum comes to: one Datum a distinct value, or one statistic set."""
    timestamp_s = datum["Timestamp"].timestamp() if "Timestamp" in datum else now_s
    if not now_s - MAX_AGE_S <= timestamp_s <= now_s + MAX_LEAD_S:
        raise InvalidParameterValue(
            f"The parameter {place}.Timestamp must specify a time within the past two weeks."
        )
    resolution_s = datum.get("StorageResolution", STANDARD_RESOLUTION_S)
    if resolution_s not in (HIGH_RESOLUTION_S, STANDARD_RESOLUTION_S):
        raise InvalidParameterValue(f"The parameter {place}.StorageResolution must be 1 or 60.")
    for count, total, minimum, maximum in _samples(datum, place):
        yield Datum(
            metric_name=datum["MetricName"],
            dimensions={found["Name"]: found["Value"] for found in datum.get("Dimensions", ())},
            timestamp_s=timestamp_s,
            sample_count=count,
            sum=total,
            minimum=minimum,
            maximum=maximum,
            unit=datum.get("Unit", "None"),
            storage_resolution_s=resolution_s,
        )


def _samples(datum: dict[str, Any], place: str) -> list[tuple[float, float, float, float]]:
    """Return counts, sums, minimums and maximums."""
    given = [
        name for name in ("Value", "Values", "StatisticValues") if datum.get(name) not in (None, [])
    ]
    if not given:
        raise InvalidParameterCombination(
            f"At least one of the parameters {place}.Value and {place}.StatisticValues must be "
            f"specified."
        )
    if len(given) > 1:
        raise InvalidParameterCombination(
            f"The parameters {place}.{given[0]} and {place}.{given[1]} are mutually exclusive "
            f"and you have specified both."
        )
    if given == ["StatisticValues"]:
        return [_statistic_set(datum["StatisticValues"], f"{place}.StatisticValues")]
    values = datum.get("Values", [datum.get("Value")])
    name = f"{place}.{given[0]}"
    _check_size(name, values, MAX_VALUES)
    counts = datum.get("Counts", [1.0] * len(values))
    if len(counts) != len(values):
        raise InvalidParameterValue(
            f"The parameters {place}.Values and {place}.Counts must be of the same size."
        )
    for value in (*values, *counts):
        _check_number(name, value)
    if any(count <= 0 for count in counts):
        raise InvalidParameterValue(f"The values of parameter {place}.Counts must be above 0.")
    return [
        (count, value * count, value, value) for value, count in zip(values, counts, strict=True)
    ]


def _statistic_set(found: dict[str, float], place: str) -> tuple[float, float, float, float]:
    for name, value in found.items():
        _check_number(f"{place}.{name}", value)
    if found["Maximum"] < found["Minimum"]:
        raise InvalidParameterValue(
            f"The parameter {place}.Maximum must be greater than {place}.Minimum."
        )
    if found["SampleCount"] <= 0:
        raise InvalidParameterValue(f"The parameter {place}.SampleCount must be greater than 0.")
    return found["SampleCount"], found["Sum"], found["Minimum"], found["Maximum"]


def _check_number(name: str, value: float) -> None:
    if not math.isfinite(value) or abs(value) > MAX_MAGNITUDE:
        shown = "NaN" if math.isnan(value) else value
        raise InvalidParameterValue(f"The value {shown} for parameter {name} is invalid.")


def _check_size(name: str, collection: list[Any], most: int) -> None:
    if len(collection) > most:
        raise InvalidParameterValue(
            f"The collection {name} must not have a size greater than {most}."
        )
