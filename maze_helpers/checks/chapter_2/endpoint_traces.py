"""What an endpoint's calls have left in CloudWatch: its metrics, and the lines of its log."""

import re

from maze_helpers.checks.chapter_2.found_endpoints import Endpoint
from maze_helpers.checks.check import Work
from maze_helpers.checks.endpoints import calls_counted, metric_sum
from maze_helpers.endpoint_bills import LOG_GROUPS

ERRORS = ("Invocation4XXErrors", "Invocation5XXErrors")
# What the server in front of a model writes of a call that it answered.
_ANSWERED = re.compile(r'/invocations[^"]*" 200\b')


def answers(work: Work, endpoint: Endpoint) -> int:
    """Return how many calls an endpoint has answered well since the work began.

    The log counts, where the metrics, which come minutes late on AWS, know less.
    """
    refused = sum(_sum(work, endpoint, metric) for metric in ERRORS)
    counted = _sum(work, endpoint, "Invocations") - refused
    return max(round(counted), _answers_logged(work, endpoint))


def calls(work: Work, endpoint: Endpoint, enough: int) -> int:
    """Return how many calls there have been since the work began, refused ones included.

    Of an endpoint that is there, CloudWatch is waited for, unless the log knows of enough.
    """
    logged = _answers_logged(work, endpoint)
    wanted = enough if endpoint.is_there and logged < enough else 0
    counted = sum(
        calls_counted(work.session, "Invocations", endpoint.name, variant, wanted, work.since)
        for variant in _variant_names(work, endpoint)
    )
    return max(round(counted), logged)


def had_instances(work: Work, endpoint: Endpoint) -> bool | None:
    """Return whether it ran on instances, as its metrics tell; None, if nobody called it.

    Source: SageMaker guide, "Endpoint invocation metrics": those of serverless ones know no
    InvocationsPerInstance.
    """
    if endpoint.is_serverless is not None:
        return not endpoint.is_serverless
    if not _sum(work, endpoint, "Invocations"):
        return None
    return bool(_sum(work, endpoint, "InvocationsPerInstance"))


def _sum(work: Work, endpoint: Endpoint, metric: str) -> float:
    cloudwatch = work.session.client("cloudwatch")
    return sum(
        metric_sum(cloudwatch, metric, endpoint.name, variant, work.since)
        for variant in _variant_names(work, endpoint)
    )


def _variant_names(work: Work, endpoint: Endpoint) -> list[str]:
    if endpoint.variants:
        return [variant["VariantName"] for variant in endpoint.variants]
    logs = work.session.client("logs")
    pages = logs.get_paginator("describe_log_streams").paginate(
        logGroupName=f"{LOG_GROUPS}{endpoint.name}"
    )
    streams = [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
    return sorted({stream.partition("/")[0] for stream in streams})


def _answers_logged(work: Work, endpoint: Endpoint) -> int:
    logs = work.session.client("logs")
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=f"{LOG_GROUPS}{endpoint.name}",
        startTime=int(work.since.timestamp() * 1000),
        filterPattern='"/invocations"',
    )
    try:
        return sum(
            bool(_ANSWERED.search(event["message"])) for page in pages for event in page["events"]
        )
    except logs.exceptions.ResourceNotFoundException:
        return 0
