"""The clean-up removes the maze's endpoints with all that belongs to them, and nothing else."""

import boto3
import pytest
from endpoint_case import BUCKET, EndpointMaker
from training_job import local_session

from maze_helpers import cleanup
from maze_helpers.tags import TAGS

SCRIPT = "def model_fn(model_dir):\n    print('loading', flush=True)\n"
GROUPS = "/aws/sagemaker/Endpoints/"


@pytest.fixture
def maker(new_cloud):
    """Makes endpoints on a cloud that has one of somebody else."""
    with local_session(new_cloud) as session:
        maker = EndpointMaker(session)
        maker.create("theirs", SCRIPT)
        yield maker


def left(maker) -> dict[str, list[str]]:
    """Return the names of the endpoints, configurations, models and log groups there are."""
    sagemaker, logs = maker.sagemaker, maker.session.client("logs")
    return {
        "endpoints": [e["EndpointName"] for e in sagemaker.list_endpoints()["Endpoints"]],
        "configs": [
            config["EndpointConfigName"]
            for config in sagemaker.list_endpoint_configs()["EndpointConfigs"]
        ],
        "models": [model["ModelName"] for model in sagemaker.list_models()["Models"]],
        "log groups": [
            group["logGroupName"].removeprefix(GROUPS)
            for group in logs.describe_log_groups(logGroupNamePrefix=GROUPS)["logGroups"]
        ],
    }


def test_the_mazes_endpoints_go_with_all_that_is_theirs(maker):
    maker.create("ours", SCRIPT, tags=TAGS)
    before = left(maker)
    listed = cleanup.clean(maker.session)
    assert listed.to_dict("records") == [
        {"kind": "endpoint", "name": "ours", "action": "delete"},
        {"kind": "log group", "name": f"{GROUPS}ours", "action": "delete"},
        {"kind": "objects", "name": f"s3://{BUCKET}/ours/sourcedir.tar.gz", "action": "delete 1"},
        {"kind": "endpoint configuration", "name": "ours", "action": "delete"},
        {"kind": "model", "name": "ours", "action": "delete"},
    ]
    assert left(maker) == before
    assert cleanup.clean(maker.session, dry_run=False).equals(listed)
    assert left(maker) == {kind: ["theirs"] for kind in before}
    assert cleanup.clean(maker.session).empty


def test_the_log_group_of_an_endpoint_that_is_gone_goes_with_its_configuration(maker):
    maker.create("ours", SCRIPT, tags=TAGS)
    maker.sagemaker.delete_endpoint(EndpointName="ours")
    maker.sagemaker.get_waiter("endpoint_deleted").wait(EndpointName="ours")
    kinds = cleanup.clean(maker.session, dry_run=False)["kind"].tolist()
    assert kinds == ["log group", "objects", "endpoint configuration", "model"]
    assert all(names == ["theirs"] for names in left(maker).values())


@pytest.mark.parametrize("operation", ["ListEndpoints", "ListModels", "ListTags"])
def test_what_goes_meanwhile_hinders_nothing(maker, operation):
    """Another clean-up is quicker, after ours has looked."""
    maker.create("ours", SCRIPT, tags=TAGS)
    others = []

    def go(**_):
        if not others:
            others.append(cleanup.clean(maker.session, dry_run=False))

    session = boto3.Session()
    session.events.register(f"after-call.sagemaker.{operation}", go)
    cleanup.clean(session, dry_run=False)
    assert "model" in others[0]["kind"].tolist()
    assert all(names == ["theirs"] for names in left(maker).values())


def test_a_log_group_of_somebody_elses_endpoint_stays(maker):
    """A configuration of ours has the name of their endpoint."""
    maker.sagemaker.delete_endpoint_config(EndpointConfigName="theirs")
    maker.sagemaker.create_endpoint_config(
        EndpointConfigName="theirs",
        ProductionVariants=[
            {
                "VariantName": "a",
                "ModelName": "theirs",
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 1,
            }
        ],
        Tags=TAGS,
    )
    assert cleanup.clean(maker.session, dry_run=False)["kind"].tolist() == [
        "endpoint configuration"
    ]
    assert left(maker)["log groups"] == left(maker)["endpoints"] == ["theirs"]


def test_an_endpoint_that_is_still_coming_up_is_deleted_once_it_may_be(maker):
    slow = "import time\ntime.sleep(1)\n" + SCRIPT
    maker.create("slow", slow, tags=TAGS, wait=False)
    maker.create("failing", "raise RuntimeError", tags=TAGS, wait=False)
    cleanup.clean(maker.session, dry_run=False)
    assert left(maker)["endpoints"] == ["theirs"]


@pytest.mark.parametrize(
    ("model", "folder", "is_its_own"),
    [
        ("m-2026-11-21-23-45-09-561", "m-2026-11-21-23-45-09-401", True),
        ("m", "m", True),
        ("m-2026-11-21-23-45-09-561", "other-2026-11-21-23-45-09-401", False),
        ("m", "m-2", False),
    ],
)
def test_a_models_code_is_known_by_the_folders_name(maker, model, folder, is_its_own):
    """As the SDK names them (observed)."""
    key = f"{folder}/sourcedir.tar.gz"
    maker.s3.put_object(Bucket=BUCKET, Key=key, Body=b"")
    described = maker.sagemaker.describe_model(ModelName="theirs")
    container = described["PrimaryContainer"]
    container["Environment"]["SAGEMAKER_SUBMIT_DIRECTORY"] = f"s3://{BUCKET}/{key}"
    maker.sagemaker.create_model(
        ModelName=model,
        PrimaryContainer=container,
        ExecutionRoleArn=described["ExecutionRoleArn"],
        Tags=TAGS,
    )
    found = cleanup.clean(maker.session)
    objects = found.loc[found["kind"] == "objects", "name"].tolist()
    assert objects == ([f"s3://{BUCKET}/{key}"] if is_its_own else [])
