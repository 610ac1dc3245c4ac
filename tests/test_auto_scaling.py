"""Tests of Application Auto Scaling's operations, by boto3."""

import contextlib
import re
import subprocess
import sys
import time

import pytest
from botocore.exceptions import ClientError
from deployer import INSTANCE, SERVERLESS, Deployer, variant

from maze_helpers.local_cloud.engine.hosting.endpoint_record import DEPLOYED
from maze_helpers.local_cloud.errors import ValidationException
from maze_helpers.local_cloud.services.autoscaling_request import check_registration

ENDPOINT = "Scaled"
RESOURCE = f"endpoint/{ENDPOINT}/variant/AllTraffic"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
VARIANT = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": RESOURCE,
    "ScalableDimension": DIMENSION,
}
NAMED = f"service namespace: sagemaker, resource ID: {RESOURCE}, scalable dimension: {DIMENSION}"
TRACKING = {
    "TargetValue": 100.0,
    "PredefinedMetricSpecification": {
        "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
    },
    "ScaleInCooldown": 600,
}
DEADLINE_S = 60


@pytest.fixture(scope="module")
def deployer(local_cloud):
    """What makes endpoints, with one in service that has one instance."""
    deployer = Deployer(local_cloud)
    model = deployer.model("scaled", answer="yes")
    deployer.endpoint(deployer.config(variant(model), name="one"), ENDPOINT)
    endpoint = deployer.settle(ENDPOINT)
    assert endpoint["EndpointStatus"] == "InService", endpoint
    return deployer


@pytest.fixture(scope="module")
def client(local_cloud, deployer):
    """A client of Application Auto Scaling."""
    return local_cloud.client("application-autoscaling")


@pytest.fixture
def target(client):
    """A scalable target of one to four instances; it is no longer there afterwards."""
    arn = client.register_scalable_target(**VARIANT, MinCapacity=1, MaxCapacity=4)
    yield arn["ScalableTargetARN"]
    with contextlib.suppress(client.exceptions.ObjectNotFoundException):
        client.deregister_scalable_target(**VARIANT)


def put_policy(client, name="busy", configuration=TRACKING, **members):
    request = {
        "PolicyName": name,
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": configuration,
        **VARIANT,
        **members,
    }
    return client.put_scaling_policy(**{k: v for k, v in request.items() if v is not None})


def refusal(client, operation, **request):
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**{**VARIANT, **request})
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def policy_refusal(client, configuration=TRACKING, **members):
    with pytest.raises(ClientError) as caught:
        put_policy(client, "refused", configuration, **members)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def activities(client):
    answer = client.describe_scaling_activities(ServiceNamespace="sagemaker", ResourceId=RESOURCE)
    return answer["ScalingActivities"]


def ended_activity(client, count):
    """Return the newest activity that set this count, once it has ended."""
    deadline_s = time.monotonic() + DEADLINE_S
    while True:
        for activity in activities(client):
            if activity["Description"] == f"Setting desired instance count to {count}.":
                if activity["StatusCode"] != "InProgress":
                    return activity
                break
        assert time.monotonic() < deadline_s, activities(client)
        time.sleep(0.1)


def test_a_variant_is_registered_as_a_scalable_target(client, target):
    """Documented: the role; and what is not suspended."""
    assert re.fullmatch(
        r"arn:aws:application-autoscaling:us-east-1:111122223333:scalable-target/[a-z0-9]{36}",
        target,
    )
    answer = client.describe_scalable_targets(ServiceNamespace="sagemaker")
    (found,) = answer["ScalableTargets"]
    created = found.pop("CreationTime")
    assert created.timestamp() == pytest.approx(time.time(), abs=DEADLINE_S)
    assert found == {
        **VARIANT,
        "MinCapacity": 1,
        "MaxCapacity": 4,
        "RoleARN": "arn:aws:iam::111122223333:role/aws-service-role/sagemaker.application-"
        "autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
        "ScalableTargetARN": target,
        "SuspendedState": {
            "DynamicScalingInSuspended": False,
            "DynamicScalingOutSuspended": False,
            "ScheduledScalingSuspended": False,
        },
    }


def test_registering_again_changes_what_it_names(client, target):
    again = client.register_scalable_target(
        **VARIANT, MaxCapacity=3, SuspendedState={"DynamicScalingInSuspended": True}
    )
    assert again["ScalableTargetARN"] == target
    (found,) = client.describe_scalable_targets(
        ServiceNamespace="sagemaker", ResourceIds=[RESOURCE], ScalableDimension=DIMENSION
    )["ScalableTargets"]
    assert (found["MinCapacity"], found["MaxCapacity"]) == (1, 3)
    assert found["SuspendedState"]["DynamicScalingInSuspended"] is True
    assert found["SuspendedState"]["DynamicScalingOutSuspended"] is False


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"MinCapacity": 5}, "Maximum capacity cannot be less than minimum capacity"),
        ({"MinCapacity": 0}, "does not support MinCapacity '0' in RegisterScalableTarget"),
        ({"MaxCapacity": None}, "Value null at 'maxCapacity'"),
        ({"ServiceNamespace": "ecs"}, "does not support ServiceNamespace 'ecs'"),
        (
            {"ScalableDimension": "sagemaker:variant:DesiredProvisionedConcurrency"},
            "ScalableDimension 'sagemaker:variant:DesiredProvisionedConcurrency'",
        ),
        ({"ScalableDimension": "ecs:service:DesiredCount"}, "Unsupported service namespace"),
        ({"ResourceId": f"endpoint/{ENDPOINT}"}, "Unsupported service namespace"),
        (
            {"ResourceId": "endpoint/nothing/variant/AllTraffic"},
            'Could not find endpoint "arn:aws:sagemaker:us-east-1:111122223333:endpoint/nothing".',
        ),
        ({"ResourceId": f"endpoint/{ENDPOINT}/variant/no"}, "variant doesn't exist"),
        ({"Tags": {"a": "b"}}, "does not support Tags in RegisterScalableTarget"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_registration_that_is_refused(client, members, message):
    request = {"MinCapacity": 1, "MaxCapacity": 2, **members}
    given = {name: value for name, value in request.items() if value is not None}
    code, text = refusal(client, "register_scalable_target", **given)
    assert code == "ValidationException"
    assert message in text


UNSCALABLE = pytest.mark.parametrize(
    ("where", "message"),
    [
        (SERVERLESS, "is a serverless variant"),
        (
            {**INSTANCE, "InstanceType": "ml.t2.medium"},
            "does not support burstable instances such as ml.t2.medium",
        ),
    ],
    ids=["serverless", "burstable"],
)


@UNSCALABLE
def test_a_kind_of_variant_cannot_be_scaled(where, message):
    endpoint = {DEPLOYED: {"ProductionVariants": [variant("scaled", **where)]}}
    with pytest.raises(ValidationException, match=message):
        check_registration(VARIANT, endpoint, "AllTraffic")


@pytest.mark.slow
@UNSCALABLE
def test_an_endpoint_that_cannot_be_scaled(client, deployer, where, message):
    name = deployer.endpoint(deployer.config(variant("scaled", **where)))
    assert deployer.settle(name)["EndpointStatus"] == "InService"
    _, text = refusal(
        client,
        "register_scalable_target",
        ResourceId=f"endpoint/{name}/variant/AllTraffic",
        MinCapacity=1,
        MaxCapacity=2,
    )
    deployer.delete(name)
    assert message in text


def test_what_is_not_registered(client):
    """The first wording is a public report's, the others moto's."""
    code = "ObjectNotFoundException"
    assert policy_refusal(client) == (code, f"No scalable target registered for {NAMED}")
    found = refusal(client, "deregister_scalable_target")
    assert found == (code, f"No scalable target found for {NAMED}")
    found = refusal(client, "delete_scaling_policy", PolicyName="no")
    assert found == (code, f"No scaling policy found for {NAMED}, policy name: no")


def test_a_policy_has_two_alarms(client, target):
    """Names and ARNs as public reports quote them."""
    made = put_policy(client)
    assert re.fullmatch(
        r"arn:aws:autoscaling:us-east-1:111122223333:scalingPolicy:[-0-9a-f]{36}:"
        rf"resource/sagemaker/{RESOURCE}:policyName/busy",
        made["PolicyARN"],
    )
    for alarm, kind in zip(made["Alarms"], ("AlarmHigh", "AlarmLow"), strict=True):
        assert re.fullmatch(
            rf"TargetTracking-{RESOURCE}-{kind}-[-0-9a-f]{{36}}", alarm["AlarmName"]
        )
        assert alarm["AlarmARN"] == (
            f"arn:aws:cloudwatch:us-east-1:111122223333:alarm:{alarm['AlarmName']}"
        )
    (found,) = client.describe_scaling_policies(
        ServiceNamespace="sagemaker", ResourceId=RESOURCE, PolicyNames=["busy"]
    )["ScalingPolicies"]
    found.pop("CreationTime")
    assert found == {
        **VARIANT,
        "PolicyARN": made["PolicyARN"],
        "PolicyName": "busy",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": TRACKING,
        "Alarms": made["Alarms"],
    }


def test_a_policy_can_be_changed_and_deleted(client, target):
    arn = put_policy(client)["PolicyARN"]
    changed = put_policy(client, configuration=TRACKING | {"TargetValue": 7.5}, PolicyType=None)
    assert changed["PolicyARN"] == arn
    (found,) = client.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert found["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 7.5
    client.delete_scaling_policy(**VARIANT, PolicyName="busy")
    assert not client.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]


def test_policies_go_with_their_target(client, target):
    put_policy(client)
    client.deregister_scalable_target(**VARIANT)
    assert not client.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]


CUSTOM = {"MetricName": "Load", "Namespace": "Mine", "Statistic": "Average"}


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"PolicyType": "StepScaling"}, "PolicyType 'StepScaling' in PutScalingPolicy"),
        ({"PolicyType": None}, "PolicyType 'StepScaling' in PutScalingPolicy"),
        ({"configuration": None}, "at 'targetTrackingScalingPolicyConfiguration'"),
        ({"configuration": {"TargetValue": 1.0}}, "Exactly one of"),
        (
            {"configuration": TRACKING | {"CustomizedMetricSpecification": CUSTOM}},
            "Exactly one of",
        ),
        ({"configuration": TRACKING | {"TargetValue": 0.0}}, "TargetValue must be between"),
        ({"configuration": TRACKING | {"ScaleInCooldown": -1}}, "ScaleInCooldown must not be"),
        (
            {
                "configuration": {
                    "TargetValue": 1.0,
                    "PredefinedMetricSpecification": {
                        "PredefinedMetricType": "ALBRequestCountPerTarget"
                    },
                }
            },
            "PredefinedMetricSpecification.PredefinedMetricType 'ALBRequestCountPerTarget'",
        ),
        (
            {
                "configuration": {
                    "TargetValue": 1.0,
                    "CustomizedMetricSpecification": {"MetricName": "Load", "Namespace": "Mine"},
                }
            },
            "customizedMetricSpecification.statistic",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_policy_that_is_refused(client, target, members, message):
    code, text = policy_refusal(client, **members)
    assert code == "ValidationException"
    assert message in text


def test_cloudwatch_describes_the_alarms_of_policies(local_cloud, client, target):
    made = put_policy(client)
    cloudwatch = local_cloud.client("cloudwatch")
    high, low = cloudwatch.describe_alarms(AlarmNamePrefix=f"TargetTracking-{RESOURCE}")[
        "MetricAlarms"
    ]
    assert [alarm["AlarmArn"] for alarm in (high, low)] == [
        alarm["AlarmARN"] for alarm in made["Alarms"]
    ]
    assert (high["Threshold"], high["EvaluationPeriods"]) == (100.0, 3)
    assert (low["Threshold"], low["EvaluationPeriods"]) == (90.0, 15)
    for alarm in (high, low):
        assert alarm["Period"] == 10
        assert alarm["AlarmActions"] == [made["PolicyARN"]]
        assert alarm["StateValue"] == "INSUFFICIENT_DATA"
        assert (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"]) == (
            "AWS/SageMaker",
            "InvocationsPerInstance",
            "Sum",
        )
    none = cloudwatch.describe_alarms(AlarmNames=[high["AlarmName"]], StateValue="ALARM")
    assert none["MetricAlarms"] == []
    pages = cloudwatch.get_paginator("describe_alarms").paginate(PaginationConfig={"PageSize": 1})
    assert [len(page["MetricAlarms"]) for page in pages] == [1, 1]


def test_lists_come_in_pages(client, target):
    names = ["a", "b", "c"]
    for name in names:
        put_policy(client, name)
    pages = client.get_paginator("describe_scaling_policies").paginate(
        ServiceNamespace="sagemaker", PaginationConfig={"PageSize": 2}
    )
    found = [[policy["PolicyName"] for policy in page["ScalingPolicies"]] for page in pages]
    assert found == [["a", "b"], ["c"]]
    with pytest.raises(client.exceptions.InvalidNextTokenException):
        client.describe_scaling_policies(ServiceNamespace="sagemaker", NextToken="x")


def test_other_services_have_nothing_to_scale(client, target):
    assert client.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"] == []


def test_new_bounds_change_the_instance_count_at_once(client, deployer, target):
    """Cause and messages as AWS's guide and public reports quote them."""
    client.register_scalable_target(**VARIANT, MinCapacity=2, MaxCapacity=4)
    out = ended_activity(client, 2)
    assert out["StatusCode"] == "Successful"
    assert out["Cause"] == "minimum capacity was set to 2"
    assert out["StatusMessage"] == (
        "Successfully set desired instance count to 2. Change successfully fulfilled by sagemaker."
    )
    assert out["EndTime"] >= out["StartTime"]
    (summary,) = deployer.describe(ENDPOINT)["ProductionVariants"]
    assert (summary["CurrentInstanceCount"], summary["DesiredInstanceCount"]) == (2, 2)
    client.register_scalable_target(**VARIANT, MinCapacity=1, MaxCapacity=1)
    assert ended_activity(client, 1)["Cause"] == "maximum capacity was set to 1"
    assert deployer.settle(ENDPOINT)["ProductionVariants"][0]["CurrentInstanceCount"] == 1


def test_what_a_quota_forbids_is_a_failed_activity(client, deployer, target):
    """Wording as AWS's guide quotes it."""
    client.register_scalable_target(**VARIANT, MinCapacity=30, MaxCapacity=40)
    failed = ended_activity(client, 30)
    assert failed["StatusCode"] == "Failed"
    start = "Failed to set desired instance count to 30. Reason: The account-level service limit "
    assert failed["StatusMessage"].startswith(start)
    assert "Status Code: 400; Error Code: ResourceLimitExceeded" in failed["StatusMessage"]
    assert deployer.describe(ENDPOINT)["EndpointStatus"] == "InService"


def test_an_update_may_not_take_a_scalable_target_away(client, deployer, target):
    """The rule is documented; the wording is from memory, a guess."""
    larger = deployer.config(variant("scaled", InstanceType="ml.m5.xlarge"))
    renamed = deployer.config(variant("scaled", "Other"))
    for config in (larger, renamed):
        assert deployer.refusal(
            "update_endpoint", EndpointName=ENDPOINT, EndpointConfigName=config
        ) == (
            "ValidationException",
            'The variant(s) "[AllTraffic]" must be deregistered as scalable targets with AWS Auto '
            "Scaling before they can be removed or have their instance type updated.",
        )


@pytest.mark.slow
def test_the_command_line_is_routed_to_the_local_cloud(local_cloud, client, target):
    command = [sys.executable, "-m", "awscli", "application-autoscaling"]
    command += ["describe-scalable-targets", "--service-namespace", "sagemaker"]
    command += ["--query", "ScalableTargets[].ResourceId", "--output", "text"]
    shown = subprocess.run(command, env=local_cloud.env, capture_output=True, text=True)
    assert (shown.stdout.strip(), shown.stderr) == (RESOURCE, "")


def test_a_deleted_endpoint_is_no_scalable_target(client, deployer, target):
    """Runs last: the endpoint is gone then."""
    put_policy(client)
    deployer.delete(ENDPOINT)
    assert not client.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert not client.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
