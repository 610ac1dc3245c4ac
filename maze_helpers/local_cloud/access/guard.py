"""The check in front of every operation: may the caller do it?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from starlette.requests import Request

from maze_helpers.local_cloud.access import iam, logs, sagemaker
from maze_helpers.local_cloud.access.target import Account, Parameters, Target
from maze_helpers.local_cloud.authorization import Keys, refusal
from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.errors import AccessDenied, AccessDeniedException
from maze_helpers.local_cloud.request_head import RequestHead
from maze_helpers.local_cloud.wire.query import Query

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

# The prefixes of actions, where they are not botocore's names of the services.
_PREFIXES = {"service-quotas": "servicequotas"}
_SAGEMAKER = ("sagemaker", "sagemaker-runtime", "sagemaker-metrics")
# Everybody may ask who they are; AssumeRole asks the role's trust policy as well, in STS itself.
_UNGUARDED = frozenset({("sts", "GetCallerIdentity"), ("sts", "AssumeRole")})
_ALWAYS_FORMS = ("iam", "sts")


class Guard:
    """Lets callers through whom policies allow what they ask for."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._authorization = cloud.authorization
        self._store = cloud.store
        self.account = Account(cloud.account_id, cloud.region)

    def check(
        self,
        service_name: str,
        operation: str,
        parameters: Parameters,
        caller: AccessKey,
        request: Request,
    ) -> None:
        """Raise AccessDenied in the service's way unless a caller may carry out an operation.

        service_name: botocore's. It may take long: a role's policies are read the first time.
        """
        if caller.is_administrator or (service_name, operation) in _UNGUARDED:
            return
        sender = request_keys(request)
        for target in self._targets(service_name, operation, parameters):
            keys = {**sender, **self._resource_tags(target.resource), **target.keys}
            decision = self._authorization.decide(caller, target.action, target.resource, keys)
            if not decision.allowed:
                shown = target.shown or target.resource
                text = refusal(caller, target.action, shown, decision)
                is_form = service_name in _ALWAYS_FORMS or Query.claims(request)
                raise (AccessDenied if is_form else AccessDeniedException)(text)

    def _targets(
        self, service_name: str, operation: str, parameters: Parameters
    ) -> Iterator[Target]:
        if service_name in _SAGEMAKER:
            return sagemaker.targets(operation, parameters, self.account)
        if service_name == "logs":
            return logs.targets(operation, parameters, self.account)
        if service_name == "iam":
            return iam.targets(operation, parameters, self.account, self._role_arn)
        is_new_metric = (service_name, operation) == ("cloudwatch", "PutMetricData")
        keys = {"cloudwatch:namespace": parameters["Namespace"]} if is_new_metric else {}
        return iter([Target(f"{_PREFIXES.get(service_name, service_name)}:{operation}", keys=keys)])

    def _role_arn(self, name: str) -> str | None:
        role = self._authorization.roles.get(name)
        return role.arn if role else None

    def _resource_tags(self, arn: str) -> Keys:
        """Return the keys of a SageMaker resource's tags, which are looked up when asked for."""
        if not arn.startswith("arn:aws:sagemaker:"):
            return {}

        def tags() -> dict[str, str]:
            rows = self._store.connection.execute(
                "SELECT key, value FROM sagemaker_tags WHERE arn = ?", (arn,)
            )
            return {row["key"]: row["value"] for row in rows}

        return {"aws:ResourceTag/": tags, "sagemaker:ResourceTag/": tags}


def request_keys(request: Request) -> Keys:
    """Return the condition keys of who sends a request, and with what."""
    headers = RequestHead.of(request).headers
    keys = {
        "aws:SourceIp": request.client.host if request.client else None,
        "aws:UserAgent": headers.get("user-agent"),
        "aws:Referer": headers.get("referer"),
    }
    return {key: value for key, value in keys.items() if value is not None}
