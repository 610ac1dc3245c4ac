"""What an endpoint's calls have left in CloudWatch: its metrics, and the lines of its log."""

import re
from datetime import datetime
from functools import cached_property

from maze_helpers.checks.chapter_2.endpoint import Endpoint
from maze_helpers.checks.check import Work
from maze_helpers.checks.endpoints import calls_counted, metric_sum
from maze_helpers.endpoint_bills import LOG_GROUPS

# What is refused, such as throttled calls; and what the model fails at.
REFUSED, FAILED = "Invocation4XXErrors", "Invocation5XXErrors"
# What the server in front of a model writes of a call that it answered.
_ANSWERED = re.compile(r'/invocations[^"]*" 200\b')


class Traces:
    """The traces of an endpoint since the work began."""

    def __init__(self, work: Work, endpoint: Endpoint) -> None:
        self._work, self._endpoint = work, endpoint
        self._group = f"{LOG_GROUPS}{endpoint.name}"
        self._logs = work.session.client("logs")
        self._cloudwatch = work.session.client("cloudwatch")

    def answers(self) -> int:
        """Return how many calls it has answered well.

        The log counts, where the metrics, which come minutes late on AWS, know less.
        """
        errors = self._sum(REFUSED) + self._sum(FAILED)
        return max(round(self._sum("Invocations") - errors), self._logged)

    def answers_as_it_is(self) -> int:
        """Return how many calls an endpoint that is there has answered well since its last change.

        The log alone tells: metrics are by the minute.
        """
        return self._logged_since(self._endpoint.described["LastModifiedTime"])

    def failures(self) -> int:
        """Return how many calls the model failed at, as CloudWatch knows now."""
        return round(self._sum(FAILED))

    def calls(self, enough: int) -> int:
        """Return how many calls there have been, refused ones included.

        Of an endpoint that is there, CloudWatch is waited for, unless the log knows of enough.
        """
        wanted = enough if self._endpoint.is_there and self._logged < enough else 0
        session, name, since = self._work.session, self._endpoint.name, self._work.since
        counted = sum(
            calls_counted(session, "Invocations", name, variant, wanted, since)
            for variant in self._variant_names
        )
        return max(round(counted), self._logged)

    def had_instances(self) -> bool | None:
        """Return whether it ran on instances, as the metrics tell; None, if nobody called it.

        Source: SageMaker guide, "Endpoint invocation metrics": serverless endpoints have no
        InvocationsPerInstance.
        """
        if not self._sum("Invocations"):
            return None
        return bool(self._sum("InvocationsPerInstance"))

    def _sum(self, metric: str) -> float:
        return sum(
            metric_sum(self._cloudwatch, metric, self._endpoint.name, variant, self._work.since)
            for variant in self._variant_names
        )

    @cached_property
    def _variant_names(self) -> list[str]:
        if self._endpoint.variants:
            return [variant["VariantName"] for variant in self._endpoint.variants]
        pages = self._logs.get_paginator("describe_log_streams").paginate(logGroupName=self._group)
        streams = [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
        return sorted({stream.partition("/")[0] for stream in streams})

    @cached_property
    def _logged(self) -> int:
        return self._logged_since(self._work.since)

    def _logged_since(self, since: datetime) -> int:
        """Return how many answers the log tells of."""
        pages = self._logs.get_paginator("filter_log_events").paginate(
            logGroupName=self._group,
            startTime=int(since.timestamp() * 1000),
            filterPattern='"/invocations"',
        )
        try:
            lines = [event["message"] for page in pages for event in page["events"]]
        except self._logs.exceptions.ResourceNotFoundException:
            return 0
        return sum(bool(_ANSWERED.search(line)) for line in lines)


def had_instances(work: Work, endpoint: Endpoint) -> bool | None:
    """Return whether an endpoint runs or ran on instances; None, where nothing tells."""
    if endpoint.is_serverless is None:
        return Traces(work, endpoint).had_instances()
    return not endpoint.is_serverless
