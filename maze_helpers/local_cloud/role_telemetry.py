"""Logs and metrics as a role may write them.

What a container prints goes to CloudWatch by its role. Where the role may not write, the job
runs all the same and nothing appears: AWS does not say so anywhere either.
Source: SageMaker guide, "How to use SageMaker AI execution roles" and "Logs".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from maze_helpers.local_cloud.access.logs import log_arn
from maze_helpers.local_cloud.access.target import Account
from maze_helpers.local_cloud.authorization import Authorization
from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.services.cloudwatch import Datum, MetricStore
from maze_helpers.local_cloud.services.logs import LogStore


class RoleLogs(LogStore):
    """The log store, in which only what a role may write is kept."""

    def __init__(
        self, logs: LogStore, authorization: Authorization, caller: AccessKey, account: Account
    ) -> None:
        """caller: whose policies are asked, at each call."""
        # Not a store of its own: the same tables.
        self.__dict__.update(vars(logs))
        self._authorization = authorization
        self._caller = caller
        self._account = account

    def create_stream(self, group: str, stream: str) -> None:
        """Make a stream, and its group, where they are missing and the role may make them."""
        if self._may_have(group, stream):
            super().create_stream(group, stream)

    def put(self, group: str, stream: str, events: Sequence[tuple[int, str]]) -> None:
        """Append events, (timestamp in ms, message), if the role may."""
        if self._may("logs:PutLogEvents", group, stream) and self._may_have(group, stream):
            super().put(group, stream, events)

    def _may_have(self, group: str, stream: str) -> bool:
        """Return whether a stream is there, or the role may make it."""
        if self.stream(group, stream) is not None:
            return True
        has_group = self.group(group) is not None or self._may("logs:CreateLogGroup", group, "")
        return has_group and self._may("logs:CreateLogStream", group, stream)

    def _may(self, action: str, group: str, stream: str) -> bool:
        resource = log_arn(self._account, group, stream)
        return self._authorization.decide(self._caller, action, resource).allowed


class RoleMetrics(MetricStore):
    """The metric store, in which only what a role may write is kept."""

    def __init__(
        self, metrics: MetricStore, authorization: Authorization, caller: AccessKey
    ) -> None:
        """caller: whose policies are asked, at each call."""
        self.__dict__.update(vars(metrics))
        self._authorization = authorization
        self._caller = caller

    def put_many(self, namespace: str, data: Iterable[Datum]) -> None:
        """Record data, if the role may."""
        keys = {"cloudwatch:namespace": namespace}
        decision = self._authorization.decide(self._caller, "cloudwatch:PutMetricData", keys=keys)
        if decision.allowed:
            super().put_many(namespace, data)
