"""An endpoint that auto scaling takes from one instance to two and back, as load comes and goes."""

import threading
import time

import pytest
from deployer import Deployer, variant
from echo_endpoint import EchoEndpoint, echo_endpoint, echo_model
from steady_load import RIGHT, SteadyLoad, until

from maze_helpers.local_cloud.engine.hosting.scaling_rules import (
    HIGH_DATAPOINTS,
    LOW_DATAPOINTS,
    MINUTE_S,
)

NAME = "scaled-under-load"
RESOURCE = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": f"endpoint/{NAME}/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
POLICY = "SageMakerEndpointInvocationScalingPolicy"
# Of one instance in a minute: between what is asked below and what is asked above.
TARGET = 50.0
BUSY_PAUSE_S, QUIET_PAUSE_S = 0.02, 0.5
# What a busy machine may add to what the rules take.
LENIENCE_S = 120


class Visitors:
    """Ask the endpoint on, in a thread, and keep what it answered."""

    def __init__(self, endpoint):
        self.pause_s = QUIET_PAUSE_S
        self.answers = []
        self.errors = []
        self.deployer = endpoint.deployer
        self._endpoint = endpoint
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._ask_on)
        self._thread.start()

    def _ask_on(self):
        while not self._ending.wait(self.pause_s):
            body = str(len(self.answers)).encode()
            try:
                self.answers.append(self._endpoint.invoke(body)["Body"] == body)
            except Exception as error:
                self.errors.append(error)

    def end(self):
        self._ending.set()
        self._thread.join()


def wait_for_count(deployer, count, timeout_s):
    """Return how long it took until the endpoint is in service with so many instances."""
    began_s = time.monotonic()
    while True:
        endpoint = deployer.describe(NAME)
        (summary,) = endpoint["ProductionVariants"]
        if endpoint["EndpointStatus"] == "InService" and summary["CurrentInstanceCount"] == count:
            return time.monotonic() - began_s
        assert time.monotonic() - began_s < timeout_s, endpoint
        time.sleep(0.2)


def put_policy(client):
    return client.put_scaling_policy(
        **RESOURCE,
        PolicyName=POLICY,
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": TARGET,
            "PredefinedMetricSpecification": {
                "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
            },
        },
    )


def activities(client):
    return client.describe_scaling_activities(**RESOURCE)["ScalingActivities"]


@pytest.fixture
def visitors(local_cloud):
    """Visitors of an endpoint that may have one or two instances, a few at first."""
    deployer = Deployer(local_cloud)
    deployer.endpoint(deployer.config(variant(echo_model(deployer))), NAME)
    assert deployer.settle(NAME)["EndpointStatus"] == "InService"
    visitors = Visitors(EchoEndpoint(deployer, NAME))
    yield visitors
    visitors.end()
    deployer.delete(NAME)


@pytest.mark.slow
def test_instances_come_and_go_with_the_load_and_no_request_is_lost(local_cloud, visitors):
    deployer = visitors.deployer
    client = local_cloud.client("application-autoscaling")
    client.register_scalable_target(**RESOURCE, MinCapacity=1, MaxCapacity=2)
    policy = put_policy(client)
    visitors.pause_s = BUSY_PAUSE_S
    out_s = wait_for_count(deployer, 2, HIGH_DATAPOINTS * MINUTE_S + LENIENCE_S)
    assert out_s > (HIGH_DATAPOINTS - 1) * MINUTE_S
    visitors.pause_s = QUIET_PAUSE_S
    in_s = wait_for_count(deployer, 1, LOW_DATAPOINTS * MINUTE_S + LENIENCE_S)
    assert in_s > (LOW_DATAPOINTS - 1) * MINUTE_S
    visitors.end()
    assert visitors.errors == []
    assert visitors.answers and all(visitors.answers)

    done = activities(client)
    assert [activity["Description"] for activity in done] == [
        "Setting desired instance count to 1.",
        "Setting desired instance count to 2.",
    ]
    high, low = (alarm["AlarmName"] for alarm in policy["Alarms"])
    assert [activity["Cause"] for activity in done] == [
        f"monitor alarm {alarm} in state ALARM triggered policy {POLICY}" for alarm in (low, high)
    ]


@pytest.mark.slow
def test_scaling_in_and_out_loses_no_request_of_many(local_cloud):
    calls = 20_000
    with (
        echo_endpoint(local_cloud) as echo,
        SteadyLoad(local_cloud, echo.name, calls=calls) as load,
    ):
        changes = 0
        while load.is_running:
            echo.deployer.sagemaker.update_endpoint_weights_and_capacities(
                EndpointName=echo.name,
                DesiredWeightsAndCapacities=[
                    {"VariantName": "AllTraffic", "DesiredInstanceCount": 1 + (changes + 1) % 2}
                ],
            )
            assert "FailureReason" not in echo.deployer.settle(echo.name)
            changes += 1
    assert load.outcomes == {RIGHT: calls}
    assert changes >= 2


@pytest.mark.slow
def test_what_is_scaled_goes_on_after_a_kill(new_cloud):
    deployer = Deployer(new_cloud)
    deployer.endpoint(deployer.config(variant(echo_model(deployer))), NAME)
    assert deployer.settle(NAME)["EndpointStatus"] == "InService"
    client = new_cloud.client("application-autoscaling")
    client.register_scalable_target(**RESOURCE, MinCapacity=2, MaxCapacity=3)
    put_policy(client)
    new_cloud.kill()
    new_cloud.start()
    client = new_cloud.client("application-autoscaling")
    deployer.sagemaker = new_cloud.client("sagemaker")
    wait_for_count(deployer, 2, LENIENCE_S)
    (target,) = client.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 3)
    policies = client.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert [policy["PolicyName"] for policy in policies] == [POLICY]
    until(lambda: {activity["StatusCode"] for activity in activities(client)} == {"Successful"})
