"""The auto scaler beneath the API: targets and activities that change while it looks at them."""

from datetime import datetime, timezone

import pytest
from model_servers import cloud_at, until

from maze_helpers.local_cloud.engine.hosting.scaling import OUTSIDE
from maze_helpers.local_cloud.services.sagemaker.resources import ENDPOINT, Resources

NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)
RESOURCE = "endpoint/e/variant/v"
VARIANT = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": RESOURCE,
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}


@pytest.fixture
def cloud(tmp_path):
    with cloud_at(tmp_path / "home") as cloud:
        yield cloud


def target(**members):
    return {**VARIANT, "MinCapacity": 1, "MaxCapacity": 4, OUTSIDE: True, **members}


def endpoint(cloud, **members):
    """Keep an endpoint with one instance."""
    document = {
        "EndpointName": "e",
        "EndpointArn": "arn",
        "EndpointStatus": "InService",
        "CreationTime": NOW,
        "LastModifiedTime": NOW,
        "ProductionVariants": [{"VariantName": "v", "CurrentInstanceCount": 1}],
        **members,
    }
    Resources(cloud.store, cloud.region, cloud.account_id).insert(ENDPOINT, document, {})


def ended(cloud):
    """Return an activity that was to set the count to 2, once the scaler has ended it."""
    activity = {**VARIANT, "ActivityId": "a", "StatusCode": "InProgress"}
    cloud.scaling.records.keep_activity(
        {**activity, "_Before": 1, "_After": 2, "_ByPolicy": True, "StartTime": NOW}
    )
    cloud.scaling.start()
    until(lambda: not cloud.scaling.records.activities_in_progress(), "its end")
    return cloud.scaling.records.activities()[0]


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({}, "The endpoint was changed in another way."),
        ({"FailureReason": "no capacity"}, "no capacity"),
        (None, "The endpoint is no longer there."),
    ],
    ids=["changed", "failed", "deleted"],
)
def test_an_activity_that_did_not_come_about_says_why(cloud, members, reason):
    if members is not None:
        endpoint(cloud, **members)
    activity = ended(cloud)
    assert activity["StatusCode"] == "Unfulfilled"
    assert activity["StatusMessage"] == (
        f"Failed to set desired instance count to 2. Reason: {reason}"
    )


def test_an_activity_ends_though_its_target_is_no_longer_registered(cloud):
    endpoint(cloud, ProductionVariants=[{"VariantName": "v", "CurrentInstanceCount": 2}])
    assert ended(cloud)["StatusCode"] == "Successful"
    assert cloud.scaling.records.targets() == []


def test_bounds_that_change_while_a_target_is_looked_at_are_looked_at_again(cloud):
    records, seen = cloud.scaling.records, target()
    records.change_target(RESOURCE, lambda earlier: target(MinCapacity=3))
    cloud.scaling.bring_within_bounds(seen, current=1)
    assert records.target(RESOURCE)[OUTSIDE] is True
    cloud.scaling.bring_within_bounds(target(MinCapacity=3), current=3)
    assert records.target(RESOURCE)[OUTSIDE] is False


def test_a_target_that_goes_while_it_is_looked_at_does_not_come_back(cloud):
    cloud.scaling.bring_within_bounds(target(), current=1)
    assert cloud.scaling.records.targets() == []
