"""The labels of GetMetricData's results, with what is dynamic in them."""

from __future__ import annotations

import re
from typing import Any

from maze_helpers.local_cloud.errors import UnknownOperation, ValidationError

_DYNAMIC = re.compile(r"\$\{([^}]*)\}")
_PROPERTY = re.compile(r"PROP\(\s*'([^']*)'\s*\)")
_TIMEZONE = re.compile(r"[+-]\d{4}", re.ASCII)


def check_timezone(options: dict[str, str]) -> None:
    """Check LabelOptions: it matters to times in labels alone. Raises: ValidationError."""
    timezone = options.get("Timezone", "+0000")
    if not _TIMEZONE.fullmatch(timezone):
        # The wording is a guess.
        raise ValidationError(
            f"The value {timezone} for parameter LabelOptions.Timezone is not matching the "
            f"expected pattern [+-]\\d{{4}}."
        )


def label_of(query: dict[str, Any], account_id: str, region: str) -> str:
    """Return a result's label: the query's own, or the metric's name.

    Example: "${PROP('Dim.Host')} busy" is 'a busy', where the dimension Host is a.
    Raises: UnknownOperation, for what is dynamic and not implemented: values and times.
    Source: CloudWatch User Guide, "Use dynamic labels".
    """
    wanted = query["MetricStat"]
    metric = wanted["Metric"]
    known = {
        "AccountId": account_id,
        "MetricName": metric["MetricName"],
        "Namespace": metric["Namespace"],
        "Period": str(wanted["Period"]),
        "Region": region,
        "Stat": wanted["Stat"],
    }
    known |= {f"Dim.{found['Name']}": found["Value"] for found in metric.get("Dimensions", ())}

    def value(match: re.Match[str]) -> str:
        if match[1] == "LABEL":
            return metric["MetricName"]
        name = _PROPERTY.fullmatch(match[1])
        if name is None or name[1] not in known:
            raise UnknownOperation(f"The local cloud does not implement {match[0]} in labels.")
        return known[name[1]]

    return _DYNAMIC.sub(value, query.get("Label", metric["MetricName"]))
