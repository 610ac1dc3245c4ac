"""Application Auto Scaling, of SageMaker's endpoints: scalable targets, policies, activities.

Ours rather than moto's, which makes no alarms for SageMaker's policies, knows no activities, and
has policies outlive their targets.
"""

from __future__ import annotations

import secrets
import string
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.engine.hosting.scaling import OUTSIDE, variant_of
from maze_helpers.local_cloud.engine.hosting.scaling_store import Document
from maze_helpers.local_cloud.errors import (
    InvalidNextTokenException,
    ObjectNotFoundException,
    ValidationException,
)
from maze_helpers.local_cloud.protocol import ServiceProtocol
from maze_helpers.local_cloud.services.autoscaling_request import (
    check_bounds,
    check_policy,
    check_registration,
    check_resource,
)
from maze_helpers.local_cloud.services.sagemaker.refusals import refuse
from maze_helpers.local_cloud.services.sagemaker.resources import ENDPOINT, Resources

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

SERVICE = "application-autoscaling"
# Source: Application Auto Scaling guide, "Service-linked roles".
SERVICE_ROLE = (
    "aws-service-role/sagemaker.application-autoscaling.amazonaws.com/"
    "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
)
LARGEST_PAGE = 50
ID_CHARACTERS = string.ascii_lowercase + string.digits
ID_LENGTH = 36
_SUSPENDABLE = (
    "DynamicScalingInSuspended",
    "DynamicScalingOutSuspended",
    "ScheduledScalingSuspended",
)

Operation = Callable[[dict[str, Any], AccessKey], dict[str, Any]]


class ApplicationAutoScaling:
    """Answers Application Auto Scaling's operations."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.records = cloud.scaling.records
        self.resources = Resources(cloud.store, cloud.region, cloud.account_id)
        self.protocol = ServiceProtocol(SERVICE)
        self.operations: dict[str, Operation] = {
            "DeleteScalingPolicy": self.delete_scaling_policy,
            "DeregisterScalableTarget": self.deregister_scalable_target,
            "DescribeScalableTargets": self.describe_scalable_targets,
            "DescribeScalingActivities": self.describe_scaling_activities,
            "DescribeScalingPolicies": self.describe_scaling_policies,
            "PutScalingPolicy": self.put_scaling_policy,
            "RegisterScalableTarget": self.register_scalable_target,
        }

    def register_scalable_target(
        self, request: dict[str, Any], caller: AccessKey
    ) -> dict[str, Any]:
        """Have a variant's instance count be scaled, or change its bounds; return the ARN."""
        check_resource("RegisterScalableTarget", request)
        resource = request["ResourceId"]
        name, variant = variant_of(resource)
        check_registration(request, self.resources.get(ENDPOINT, name), variant)

        def register(earlier: Document | None) -> Document:
            target = (earlier or self._new_target(request)) | {OUTSIDE: True}
            for member in ("MinCapacity", "MaxCapacity", "RoleARN"):
                if member in request:
                    target[member] = request[member]
            check_bounds(target)
            target["SuspendedState"] |= request.get("SuspendedState", {})
            return target

        target = self.records.change_target(resource, register)
        self.cloud.scaling.wake(resource)
        return {"ScalableTargetARN": target["ScalableTargetARN"]}

    def _new_target(self, request: dict[str, Any]) -> Document:
        account, region = self.cloud.account_id, self.cloud.region
        identifier = "".join(secrets.choice(ID_CHARACTERS) for _ in range(ID_LENGTH))
        arn = f"arn:aws:application-autoscaling:{region}:{account}:scalable-target/{identifier}"
        return {
            "ServiceNamespace": request["ServiceNamespace"],
            "ResourceId": request["ResourceId"],
            "ScalableDimension": request["ScalableDimension"],
            "RoleARN": f"arn:aws:iam::{account}:role/{SERVICE_ROLE}",
            "CreationTime": self.cloud.clock.now(),
            "SuspendedState": dict.fromkeys(_SUSPENDABLE, False),
            "ScalableTargetARN": arn,
        }

    def deregister_scalable_target(
        self, request: dict[str, Any], caller: AccessKey
    ) -> dict[str, Any]:
        """Forget a target and its policies; the instance count stays as it is."""
        check_resource("DeregisterScalableTarget", request)
        if not self.records.remove_target(request["ResourceId"]):
            # Source: moto, which has its words from AWS; the code, the service's model.
            raise ObjectNotFoundException(f"No scalable target found for {_named(request)}")
        return {}

    def describe_scalable_targets(
        self, request: dict[str, Any], caller: AccessKey
    ) -> dict[str, Any]:
        """Return a page of the targets that the request asks for."""
        wanted = {resource.lower() for resource in request.get("ResourceIds", [])}
        found = [
            target
            for target in self.records.targets()
            if _is_of(target, request) and (not wanted or target["ResourceId"].lower() in wanted)
        ]
        return _page("ScalableTargets", found, request)

    def put_scaling_policy(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Make a policy of a target, or change it; return its ARN and its alarms."""
        check_resource("PutScalingPolicy", request)
        target = self.records.target(request["ResourceId"])
        if target is None:
            raise _not_registered(request)

        def put(earlier: Document | None) -> Document:
            policy = dict(earlier or self._new_policy(target, request["PolicyName"]))
            for member in ("PolicyType", "TargetTrackingScalingPolicyConfiguration"):
                if member in request:
                    policy[member] = request[member]
            check_policy(request, policy)
            # What the alarms saw until now was seen by other rules.
            return policy | {"_UpdatedTime": self.cloud.clock.now()}

        policy = self.records.change_policy(target["ResourceId"], request["PolicyName"], put)
        self.cloud.scaling.wake(target["ResourceId"])
        return {"PolicyARN": policy["PolicyARN"], "Alarms": policy["Alarms"]}

    def _new_policy(self, target: Document, name: str) -> Document:
        account, region = self.cloud.account_id, self.cloud.region
        resource = target["ResourceId"]
        return {
            "PolicyARN": (
                f"arn:aws:autoscaling:{region}:{account}:scalingPolicy:{uuid.uuid4()}:"
                f"resource/{target['ServiceNamespace']}/{resource}:policyName/{name}"
            ),
            "PolicyName": name,
            "ServiceNamespace": target["ServiceNamespace"],
            "ResourceId": resource,
            "ScalableDimension": target["ScalableDimension"],
            # Source: PutScalingPolicy, PolicyType.
            "PolicyType": "StepScaling",
            "Alarms": [self._new_alarm(resource, kind) for kind in ("AlarmHigh", "AlarmLow")],
            "CreationTime": self.cloud.clock.now(),
        }

    def _new_alarm(self, resource: str, kind: str) -> dict[str, str]:
        """Return an alarm's name and ARN. Source: issue 2839 of boto3, which quotes both."""
        name = f"TargetTracking-{resource}-{kind}-{uuid.uuid4()}"
        account, region = self.cloud.account_id, self.cloud.region
        return {
            "AlarmName": name,
            "AlarmARN": f"arn:aws:cloudwatch:{region}:{account}:alarm:{name}",
        }

    def describe_scaling_policies(
        self, request: dict[str, Any], caller: AccessKey
    ) -> dict[str, Any]:
        """Return a page of the policies that the request asks for."""
        names = request.get("PolicyNames", [])
        found = [
            policy
            for policy in self.records.policies(request.get("ResourceId"))
            if _is_of(policy, request) and (not names or policy["PolicyName"] in names)
        ]
        return _page("ScalingPolicies", found, request)

    def delete_scaling_policy(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Forget a policy and its alarms; the instance count stays as it is."""
        check_resource("DeleteScalingPolicy", request)
        if not self.records.remove_policy(request["ResourceId"], request["PolicyName"]):
            # Source: as of a target that is not there.
            raise ObjectNotFoundException(
                f"No scaling policy found for {_named(request)}, "
                f"policy name: {request['PolicyName']}"
            )
        return {}

    def describe_scaling_activities(
        self, request: dict[str, Any], caller: AccessKey
    ) -> dict[str, Any]:
        """Return a page of what was done, the newest first."""
        refuse("DescribeScalingActivities", "", request, ("IncludeNotScaledActivities",))
        found = [
            activity
            for activity in self.records.activities(request.get("ResourceId"))
            if _is_of(activity, request)
        ]
        return _page("ScalingActivities", found, request)


def _is_of(document: Document, request: dict[str, Any]) -> bool:
    """Return whether a document is of the namespace and dimension that a request asks for."""
    return all(
        document[member] == request.get(member, document[member])
        for member in ("ServiceNamespace", "ScalableDimension")
    )


def _page(member: str, found: list[Document], request: dict[str, Any]) -> dict[str, Any]:
    """Return a page of documents, without what is the engine's, and the token of the next."""
    size = request.get("MaxResults", LARGEST_PAGE)
    if not 1 <= size <= LARGEST_PAGE:
        # Source of the bounds: MaxResults. The wording is a guess.
        raise ValidationException(f"MaxResults must be between 1 and {LARGEST_PAGE}.")
    token = request.get("NextToken", "0")
    if not (token.isascii() and token.isdigit() and len(token) < 19):
        raise InvalidNextTokenException("Invalid next token.")
    start = int(token)
    shown = [
        {key: value for key, value in document.items() if not key.startswith("_")}
        for document in found[start : start + size]
    ]
    page: dict[str, Any] = {member: shown}
    if len(found) > start + size:
        page["NextToken"] = str(start + size)
    return page


def _named(request: dict[str, Any]) -> str:
    return (
        f"service namespace: {request['ServiceNamespace']}, resource ID: {request['ResourceId']}, "
        f"scalable dimension: {request['ScalableDimension']}"
    )


def _not_registered(request: dict[str, Any]) -> ObjectNotFoundException:
    # Source: issue 35632 of ansible, and other public reports.
    return ObjectNotFoundException(f"No scalable target registered for {_named(request)}")
