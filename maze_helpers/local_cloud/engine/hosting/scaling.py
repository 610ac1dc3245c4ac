"""Application Auto Scaling at work: instance counts follow what policies track."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.engine.hosting.scaling_metrics import datapoints, tracked_metric
from maze_helpers.local_cloud.engine.hosting.scaling_rules import (
    DEFAULT_COOLDOWN,
    Bounds,
    Change,
    Decision,
    History,
    Tracking,
    decide,
    shortened_s,
)
from maze_helpers.local_cloud.engine.hosting.scaling_store import Document, ScalingStore
from maze_helpers.local_cloud.errors import AWSError, ValidationException
from maze_helpers.local_cloud.services.sagemaker.resources import ENDPOINT, Resources

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

log = logging.getLogger(__name__)

Operation = Callable[[dict[str, Any], AccessKey], dict[str, Any]]

PERIOD_S = 1.0
HIGH, LOW = 0, 1
# Of a scalable target's document: whether its instance count is to be brought within new bounds,
# and the last changes out and in that policies made.
OUTSIDE, LAST_OUT, LAST_IN = "_Outside", "_LastOut", "_LastIn"
_BEFORE, _AFTER, _BY_POLICY = "_Before", "_After", "_ByPolicy"


class Scaler:
    """Looks at every scalable target once a second, while there is any."""

    def __init__(self, cloud: LocalCloud, update: Operation) -> None:
        """update: UpdateEndpointWeightsAndCapacities."""
        self.records = ScalingStore(cloud.store)
        self._cloud = cloud
        self._resources = Resources(cloud.store, cloud.region, cloud.account_id)
        self._update = update
        # A change that failed is not tried again before that time.
        self._not_before_s: dict[str, float] = {}
        self._closing = threading.Event()
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._run, name="auto scaling", daemon=True)

    def start(self) -> None:
        """Begin with the targets that an earlier server left."""
        self._thread.start()

    def wake(self, resource: str) -> None:
        """Look at a target at once that is new, or has changed."""
        self._not_before_s.pop(resource.lower(), None)
        self._woken.set()

    def close(self) -> None:
        """End; what is in progress goes on with the next server."""
        self._closing.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()

    def variants_of(self, endpoint: str) -> set[str]:
        """Return the names of an endpoint's variants that are scalable targets."""
        found = (variant_of(target["ResourceId"]) for target in self.records.targets())
        return {name for owner, name in found if owner.lower() == endpoint.lower()}

    def tracked(self, policy: Document) -> tuple[Tracking, list[float]]:
        """Return what a policy asks for, and its metric's datapoints by now."""
        configuration = policy["TargetTrackingScalingPolicyConfiguration"]
        metric = tracked_metric(configuration, *variant_of(policy["ResourceId"]))
        now_s = self._cloud.clock.time_s()
        since_s = policy["_UpdatedTime"].timestamp()
        return tracking_of(configuration), datapoints(self._cloud.metrics, metric, since_s, now_s)

    def _run(self) -> None:
        while not self._closing.is_set():
            self._woken.clear()
            try:
                is_idle = self._look()
            except Exception:
                # It is tried again in a second.
                log.exception("auto scaling failed")
                is_idle = False
            self._woken.wait(None if is_idle else PERIOD_S)

    def _look(self) -> bool:
        """Do what is to be done now; return whether there is nothing to look at."""
        running = self.records.activities_in_progress()
        for activity in running:
            self._look_at_activity(activity)
        targets = self.records.targets()
        for target in targets:
            self._look_at_target(target)
        return not targets and not running

    def _endpoint(self, name: str) -> Document | None:
        try:
            return self._resources.get(ENDPOINT, name)
        except ValidationException:
            return None

    def _look_at_activity(self, activity: Document) -> None:
        """Bring an activity to its end once its endpoint is no longer changing."""
        name, variant = variant_of(activity["ResourceId"])
        endpoint = self._endpoint(name)
        if endpoint and endpoint["EndpointStatus"] == "Updating":
            return
        count = activity[_AFTER]
        if endpoint and _instance_count(endpoint, variant) == count:
            text = f"Successfully set desired instance count to {count}. "
            self._end(activity, "Successful", text + "Change successfully fulfilled by sagemaker.")
            self._note_change(activity)
            return
        text = f"Failed to set desired instance count to {count}. Reason: {_reason(endpoint)}"
        self._end(activity, "Unfulfilled", text)
        self._pause(activity["ResourceId"])

    def _note_change(self, activity: Document) -> None:
        """Have cooldowns begin."""
        if not activity[_BY_POLICY]:
            return
        change = {
            "before": activity[_BEFORE],
            "after": activity[_AFTER],
            "ended_s": activity["EndTime"].timestamp(),
        }

        def note(target: Document) -> Document:
            if activity[_AFTER] > activity[_BEFORE]:
                # It ends the cooldown of the last change in.
                target.pop(LAST_IN, None)
                return target | {LAST_OUT: change}
            return target | {LAST_IN: change}

        self.records.note(activity["ResourceId"], note)

    def _look_at_target(self, target: Document) -> None:
        """Change a variant's instance count if that is due."""
        resource = target["ResourceId"]
        name, variant = variant_of(resource)
        endpoint = self._endpoint(name)
        if endpoint is None or endpoint["EndpointStatus"] != "InService":
            return
        if self._cloud.clock.time_s() < self._not_before_s.get(resource.lower(), 0.0):
            return
        current = _instance_count(endpoint, variant)
        if current is None:
            return
        if target.get(OUTSIDE):
            self.bring_within_bounds(target, current)
        else:
            self._follow_policies(target, current)

    def bring_within_bounds(self, target: Document, current: int) -> None:
        """Give a variant a count within its target's bounds, which are new."""
        count = _bounds(target).clamp(current)
        if count == current:
            bounds = _bounds(target)
            # Meanwhile it may have been given others.
            self.records.note(
                target["ResourceId"], lambda now: now | {OUTSIDE: _bounds(now) != bounds}
            )
            return
        bound = "minimum" if count > current else "maximum"
        self._change(target, current, count, f"{bound} capacity was set to {count}")

    def _follow_policies(self, target: Document, current: int) -> None:
        policies = self.records.policies(target["ResourceId"])
        decision = decide(
            [self.tracked(policy) for policy in policies],
            _bounds(target),
            current,
            _history(target),
            self._cloud.clock.time_s(),
        )
        if decision is None or _is_suspended(target, decision.count > current):
            return
        cause = _cause(policies, decision, current)
        self._change(target, current, decision.count, cause, by_policy=True)

    def _change(
        self, target: Document, current: int, count: int, cause: str, by_policy: bool = False
    ) -> None:
        """Set a change of an instance count going, and keep an activity of it."""
        name, variant = variant_of(target["ResourceId"])
        request = {
            "EndpointName": name,
            "DesiredWeightsAndCapacities": [
                {"VariantName": variant, "DesiredInstanceCount": count}
            ],
        }
        activity = self._new_activity(target, current, count, cause, by_policy)
        self.records.keep_activity(activity)
        try:
            self._update(request, self._cloud.credentials.user)
        except AWSError as error:
            reason = (
                f"{error.message} (Service: AmazonSageMaker; Status Code: {error.status}; "
                f"Error Code: {error.code}; Request ID: {uuid.uuid4()})."
            )
            text = f"Failed to set desired instance count to {count}. Reason: {reason}"
            self._end(activity, "Failed", text)
            self._pause(target["ResourceId"])

    def _new_activity(
        self, target: Document, current: int, count: int, cause: str, by_policy: bool
    ) -> Document:
        """Return an activity in progress, in the words that public reports quote."""
        return {
            "ActivityId": str(uuid.uuid4()),
            "ServiceNamespace": target["ServiceNamespace"],
            "ResourceId": target["ResourceId"],
            "ScalableDimension": target["ScalableDimension"],
            "Description": f"Setting desired instance count to {count}.",
            "Cause": cause,
            "StartTime": self._cloud.clock.now(),
            "StatusCode": "InProgress",
            "StatusMessage": f"Successfully set desired instance count to {count}. "
            "Waiting for change to be fulfilled by sagemaker.",
            _BEFORE: current,
            _AFTER: count,
            _BY_POLICY: by_policy,
        }

    def _end(self, activity: Document, status: str, message: str) -> None:
        activity |= {
            "StatusCode": status,
            "StatusMessage": message,
            "EndTime": self._cloud.clock.now(),
        }
        self.records.keep_activity(activity)

    def _pause(self, resource: str) -> None:
        """Leave a target alone for a while. How long AWS does is a guess."""
        pause_s = shortened_s(DEFAULT_COOLDOWN)
        self._not_before_s[resource.lower()] = self._cloud.clock.time_s() + pause_s


def variant_of(resource: str) -> tuple[str, str]:
    """Return the names of the endpoint and of the variant that a resource id holds."""
    _, endpoint, _, variant = resource.split("/")
    return endpoint, variant


def tracking_of(configuration: dict[str, Any]) -> Tracking:
    """Return what a TargetTrackingScalingPolicyConfiguration asks for."""
    out = configuration.get("ScaleOutCooldown", DEFAULT_COOLDOWN)
    inward = configuration.get("ScaleInCooldown", DEFAULT_COOLDOWN)
    return Tracking(
        target=configuration["TargetValue"],
        scale_out_cooldown_s=shortened_s(out),
        scale_in_cooldown_s=shortened_s(inward),
        disable_scale_in=configuration.get("DisableScaleIn", False),
    )


def _instance_count(endpoint: Document, variant: str) -> int | None:
    for summary in endpoint.get("ProductionVariants", []):
        if summary["VariantName"] == variant:
            return summary.get("CurrentInstanceCount")
    return None


def _bounds(target: Document) -> Bounds:
    return Bounds(target["MinCapacity"], target["MaxCapacity"])


def _history(target: Document) -> History:
    out, inward = (
        Change(**target[member]) if member in target else None for member in (LAST_OUT, LAST_IN)
    )
    return History(out, inward)


def _is_suspended(target: Document, is_out: bool) -> bool:
    way = "Out" if is_out else "In"
    return target["SuspendedState"][f"DynamicScaling{way}Suspended"]


def _reason(endpoint: Document | None) -> str:
    """Return why an instance count is not what it was set to: a guess, no source tells AWS's words.

    endpoint: None if it is gone.
    """
    if endpoint is None:
        return "The endpoint is no longer there."
    return endpoint.get("FailureReason", "The endpoint was changed in another way.")


def _cause(policies: list[Document], decision: Decision, current: int) -> str:
    policy = policies[decision.policy]
    alarm = policy["Alarms"][HIGH if decision.count > current else LOW]["AlarmName"]
    return f"monitor alarm {alarm} in state ALARM triggered policy {policy['PolicyName']}"
