"""The hosting engine beneath the API: what breaks off what, and what a document keeps."""

import threading
import time
from datetime import datetime, timezone

import pytest
from model_servers import IMAGE, ROLE, URL, cloud_at, leftovers, processes_of, put, until
from trainer import tar_gz

from maze_helpers.local_cloud.engine.hosting import endpoint_record
from maze_helpers.local_cloud.engine.hosting.balancer import choose_at_random, choose_least_busy
from maze_helpers.local_cloud.engine.hosting.deployment import choice_of
from maze_helpers.local_cloud.engine.hosting.endpoint_record import DEPLOYED, DEPLOYING
from maze_helpers.local_cloud.errors import ValidationException
from maze_helpers.local_cloud.services.sagemaker.resources import ENDPOINT, Resources

NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)
NAME = "digits"


@pytest.fixture
def cloud(tmp_path):
    with cloud_at(tmp_path / "home") as cloud:
        yield cloud
    assert leftovers(cloud) == [] and processes_of(cloud.home) == []


def deployment(**variant) -> dict:
    """Return a deployment of one variant."""
    container = {
        "Image": IMAGE,
        "ModelDataUrl": URL,
        "Environment": {
            "SAGEMAKER_PROGRAM": "predict.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        },
    }
    config = {
        "EndpointConfigName": "config",
        "ProductionVariants": [
            {
                "VariantName": "AllTraffic",
                "ModelName": "model",
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 1,
                **variant,
            }
        ],
    }
    models = {"model": {"PrimaryContainer": container, "ExecutionRoleArn": ROLE}}
    return endpoint_record.deployment_of(config, models)


def resources_of(cloud) -> Resources:
    return Resources(cloud.store, cloud.region, cloud.account_id)


def create(cloud, script: str, **variant) -> None:
    """Set an endpoint's creation going."""
    put(cloud, tar_gz({"code/predict.py": script}))
    resources = resources_of(cloud)
    document = {"EndpointName": NAME, "EndpointArn": resources.arn(ENDPOINT, NAME)}
    endpoint_record.begin(document, deployment(**variant), NOW)
    resources.insert(ENDPOINT, document, {})
    cloud.hosting.create(NAME)


def status(cloud) -> str:
    try:
        return resources_of(cloud).get(ENDPOINT, NAME)["EndpointStatus"]
    except ValidationException:
        return "gone"


def delete(cloud) -> None:
    resources_of(cloud).update(ENDPOINT, NAME, lambda d: endpoint_record.begin_delete(d, NOW))
    cloud.hosting.delete(NAME)


def test_an_endpoint_can_be_deleted_while_it_is_created(cloud):
    create(cloud, "import time\ntime.sleep(600)", InitialInstanceCount=2)
    until(lambda: leftovers(cloud), "its servers")
    began_s = time.monotonic()
    delete(cloud)
    until(lambda: status(cloud) == "gone", "its end")
    assert time.monotonic() - began_s < 20
    assert leftovers(cloud) == [] and cloud.hosting.live(NAME) is None


def test_an_endpoint_can_be_deleted_once_it_failed(cloud):
    create(cloud, "raise ValueError('broken')")
    until(lambda: status(cloud) == "Failed", "its failure")
    delete(cloud)
    until(lambda: status(cloud) == "gone", "its end")


def test_its_name_can_be_used_again(cloud):
    for _ in range(2):
        create(cloud, "def model_fn(d): pass")
        until(lambda: status(cloud) == "InService", "its creation")
        assert cloud.hosting.live(NAME)
        delete(cloud)
        until(lambda: status(cloud) == "gone", "its end")


def test_a_close_while_it_is_created_leaves_the_document_as_it_is(tmp_path):
    with cloud_at(tmp_path / "home") as cloud:
        create(cloud, "import time\ntime.sleep(600)")
        until(lambda: leftovers(cloud), "its server")
        cloud.hosting.announce_close()
        cloud.hosting.close()
        assert status(cloud) == "Creating"
        assert leftovers(cloud) == []


def test_one_that_is_asked_for_while_the_cloud_closes_is_left_to_be_created(tmp_path):
    with cloud_at(tmp_path / "home") as cloud:
        cloud.hosting.announce_close()
        create(cloud, "raise ValueError('broken')")
        thread = f"endpoint {NAME}"
        until(lambda: thread not in [each.name for each in threading.enumerate()], "its end")
        assert status(cloud) == "Creating"
        assert leftovers(cloud) == []


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, choose_least_busy),
        ({"RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}}, choose_least_busy),
        ({"RoutingConfig": {"RoutingStrategy": "RANDOM"}}, choose_at_random),
    ],
    ids=["by default", "least busy", "random"],
)
def test_requests_go_to_the_least_busy_instance_unless_at_random_is_asked_for(members, expected):
    (variant,) = deployment(**members)["ProductionVariants"]
    assert choice_of(variant) is expected


def document_of(**variant) -> dict:
    """Return the document of an endpoint in service."""
    document: dict = {"EndpointName": NAME}
    endpoint_record.begin(document, deployment(**variant), NOW)
    endpoint_record.deployed(document, NOW)
    return document


def test_an_update_retains_what_it_is_asked_to():
    document = document_of(InitialInstanceCount=3, InitialVariantWeight=5.0)
    for excluded, expected in [((), (3, 5.0)), (("DesiredWeight",), (3, 1.0))]:
        new = deployment()
        endpoint_record.retain(new, document, excluded)
        (variant,) = new["ProductionVariants"]
        assert (variant["InitialInstanceCount"], variant["InitialVariantWeight"]) == expected


def test_a_serverless_variant_has_no_instances_to_retain():
    new = deployment(ServerlessConfig={"MemorySizeInMB": 1024, "MaxConcurrency": 1})
    del new["ProductionVariants"][0]["InitialInstanceCount"]
    endpoint_record.retain(new, document_of())
    assert "InitialInstanceCount" not in new["ProductionVariants"][0]


def test_what_is_being_deployed_is_shown_as_pending():
    document = document_of()
    endpoint_record.begin_update(document, deployment(InitialInstanceCount=2), NOW)
    pending = document["PendingDeploymentSummary"]
    (variant,) = pending["ProductionVariants"]
    assert variant["DesiredInstanceCount"] == 2 and "CurrentInstanceCount" not in variant
    assert variant["InstanceType"] == "ml.m5.large"
    assert document["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    endpoint_record.not_updated(document, "no " * 1000, NOW)
    assert "PendingDeploymentSummary" not in document and DEPLOYING not in document
    assert len(document["FailureReason"]) == 1024


def test_what_was_scaled_is_what_is_brought_back():
    document = document_of()
    change = {"VariantName": "AllTraffic", "DesiredInstanceCount": 4, "DesiredWeight": 2.0}
    endpoint_record.begin_scaling(document, [change], NOW)
    assert document["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    endpoint_record.scaled(document, NOW)
    (variant,) = document[DEPLOYED]["ProductionVariants"]
    assert (variant["InitialInstanceCount"], variant["InitialVariantWeight"]) == (4, 2.0)
    assert document["ProductionVariants"][0]["CurrentInstanceCount"] == 4
