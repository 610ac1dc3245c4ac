"""CloudWatch's DescribeAlarms: the alarms of target tracking policies, the only ones that are here.

Source: public reports that show such alarms. The wording of their reasons is a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.engine.hosting.scaling import HIGH, LOW, variant_of
from maze_helpers.local_cloud.engine.hosting.scaling_metrics import tracked_metric
from maze_helpers.local_cloud.engine.hosting.scaling_rules import (
    HIGH_DATAPOINTS,
    LOW_DATAPOINTS,
    LOW_SHARE,
    MINUTE_S,
    is_high,
    is_low,
)
from maze_helpers.local_cloud.engine.hosting.scaling_store import Document
from maze_helpers.local_cloud.errors import InvalidNextToken, UnknownOperation

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

# Source: DescribeAlarms, MaxRecords; the default is a guess.
DEFAULT_PAGE_SIZE = 50
_UNSUPPORTED = ("ChildrenOfAlarmName", "ParentsOfAlarmName")
_METRIC_ALARM = "MetricAlarm"

Operation = Callable[[dict[str, Any], AccessKey], dict[str, Any]]


class ScalingAlarms:
    """Answers CloudWatch's operation on alarms."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._scaling = cloud.scaling
        self.operations: dict[str, Operation] = {"DescribeAlarms": self.describe_alarms}

    def describe_alarms(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return a page of the alarms that the request asks for, each in its state by now."""
        for member in _UNSUPPORTED:
            if request.get(member):
                raise UnknownOperation(
                    f"The local cloud does not implement {member} of DescribeAlarms."
                )
        token = request.get("NextToken", "0")
        if not (token.isascii() and token.isdigit() and len(token) < 19):
            raise InvalidNextToken("The next token is invalid.")
        found = [alarm for alarm in self._alarms() if _is_wanted(alarm, request)]
        if _METRIC_ALARM not in request.get("AlarmTypes", [_METRIC_ALARM]):
            found = []
        start, size = int(token), request.get("MaxRecords", DEFAULT_PAGE_SIZE)
        page: dict[str, Any] = {"MetricAlarms": found[start : start + size], "CompositeAlarms": []}
        if len(found) > start + size:
            page["NextToken"] = str(start + size)
        return page

    def _alarms(self) -> Iterator[Document]:
        """Yield every policy's AlarmHigh and AlarmLow."""
        for policy in self._scaling.records.policies():
            tracking, data = self._scaling.tracked(policy)
            rings = is_high(tracking, data)
            yield _alarm(policy, HIGH, data, tracking.target, HIGH_DATAPOINTS, rings)
            threshold, rings = tracking.target * LOW_SHARE, is_low(tracking, data)
            yield _alarm(policy, LOW, data, threshold, LOW_DATAPOINTS, rings)


def _alarm(
    policy: Document,
    which: int,
    datapoints: list[float],
    threshold: float,
    periods: int,
    is_in_alarm: bool,
) -> Document:
    """Return an alarm as DescribeAlarms shows it. datapoints: of its metric, the oldest first."""
    configuration = policy["TargetTrackingScalingPolicyConfiguration"]
    metric = tracked_metric(configuration, *variant_of(policy["ResourceId"]))
    state, reason = _state(datapoints[-periods:], periods, threshold, is_in_alarm)
    operator = "GreaterThanThreshold" if which == HIGH else "LessThanThreshold"
    return {
        "AlarmName": policy["Alarms"][which]["AlarmName"],
        "AlarmArn": policy["Alarms"][which]["AlarmARN"],
        "AlarmDescription": "DO NOT EDIT OR DELETE. For TargetTrackingScaling policy "
        f"{policy['PolicyARN']}.",
        "AlarmConfigurationUpdatedTimestamp": policy["_UpdatedTime"],
        "ActionsEnabled": True,
        "OKActions": [],
        "AlarmActions": [policy["PolicyARN"]],
        "InsufficientDataActions": [],
        "StateValue": state,
        "StateReason": reason,
        "MetricName": metric.name,
        "Namespace": metric.namespace,
        "Statistic": metric.statistic,
        "Dimensions": [{"Name": name, "Value": v} for name, v in metric.dimensions.items()],
        # Differs from AWS: its minute here, which is shorter.
        "Period": MINUTE_S,
        "EvaluationPeriods": periods,
        "Threshold": threshold,
        "ComparisonOperator": operator,
    }


def _state(
    datapoints: list[float], periods: int, threshold: float, is_in_alarm: bool
) -> tuple[str, str]:
    if len(datapoints) < periods:
        return (
            "INSUFFICIENT_DATA",
            f"Insufficient Data: {len(datapoints)} of {periods} datapoints were there.",
        )
    shown = f"{periods} datapoints [{', '.join(map(str, datapoints))}]"
    if is_in_alarm:
        return "ALARM", f"Threshold Crossed: {shown} crossed the threshold ({threshold})."
    return "OK", f"{shown} did not all cross the threshold ({threshold})."


def _is_wanted(alarm: Document, request: dict[str, Any]) -> bool:
    names = request.get("AlarmNames", [])
    action = request.get("ActionPrefix", "")
    return (
        (not names or alarm["AlarmName"] in names)
        and alarm["AlarmName"].startswith(request.get("AlarmNamePrefix", ""))
        and alarm["StateValue"] == request.get("StateValue", alarm["StateValue"])
        and alarm["AlarmActions"][0].startswith(action)
    )
