"""The control plane of endpoints: what each operation refuses, does and answers."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from deployer import BUCKET, IMAGE, SERVERLESS, Deployer, variant
from hosting_cases import held

ARN = "arn:aws:sagemaker:us-east-1:111122223333:endpoint/"
CONFIG_ARN = "arn:aws:sagemaker:us-east-1:111122223333:endpoint-config/"
BLUE_GREEN = {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}}


@pytest.fixture(scope="module")
def deployer(local_cloud) -> Deployer:
    return Deployer(local_cloud)


@pytest.fixture(scope="module")
def config(deployer) -> str:
    """The name of a configuration with one instance that answers 'one'."""
    return deployer.config(variant(deployer.model(answer="one")), name="one")


@pytest.fixture
def endpoint(deployer, config):
    """The name of an endpoint in service, for one test."""
    name = deployer.endpoint(config)
    assert deployer.settle(name)["EndpointStatus"] == "InService"
    yield name
    deployer.settle(name)
    deployer.delete(name)


@pytest.fixture
def ask(deployer):
    """Return what an endpoint answers."""
    runtime = deployer.cloud.client("sagemaker-runtime")

    def ask(name: str) -> str:
        return runtime.invoke_endpoint(EndpointName=name, Body=b"?")["Body"].read().decode()

    return ask


def test_an_endpoint_is_created_described_and_deleted(deployer, config):
    tags = [{"Key": "team", "Value": "blue"}]
    answer = deployer.sagemaker.create_endpoint(
        EndpointName="Mixed-Case", EndpointConfigName=config, Tags=tags
    )
    arn = f"{ARN}mixed-case"
    assert answer["EndpointArn"] == arn
    assert deployer.describe("Mixed-Case")["EndpointStatus"] == "Creating"
    described = deployer.settle("mixed-case")
    del described["ResponseMetadata"]
    created, modified = described.pop("CreationTime"), described.pop("LastModifiedTime")
    assert created < modified
    (image,) = described["ProductionVariants"][0].pop("DeployedImages")
    assert (image["SpecifiedImage"], image["ResolvedImage"]) == (IMAGE, IMAGE)
    assert described == {
        "EndpointName": "Mixed-Case",
        "EndpointArn": arn,
        "EndpointConfigName": config,
        "EndpointStatus": "InService",
        "ProductionVariants": [
            {
                "VariantName": "AllTraffic",
                "CurrentWeight": 1.0,
                "DesiredWeight": 1.0,
                "CurrentInstanceCount": 1,
                "DesiredInstanceCount": 1,
            }
        ],
    }
    assert deployer.sagemaker.list_tags(ResourceArn=arn)["Tags"] == tags
    deployer.delete("Mixed-Case")
    message = f'Could not find endpoint "{arn}".'
    found = deployer.refusal("describe_endpoint", EndpointName="Mixed-Case")
    assert found == ("ValidationException", message)
    assert deployer.sagemaker.describe_endpoint_config(EndpointConfigName=config)


def test_the_configuration_and_its_models_must_be_there(deployer):
    """Wordings observed."""
    request = {"EndpointName": "refused", "EndpointConfigName": "nothing"}
    message = f'Could not find endpoint configuration "{CONFIG_ARN}nothing".'
    assert deployer.refusal("create_endpoint", **request) == ("ValidationException", message)
    model = deployer.model()
    request["EndpointConfigName"] = deployer.config(variant(model))
    deployer.sagemaker.delete_model(ModelName=model)
    assert "Could not find model" in deployer.refusal("create_endpoint", **request)[1]


def test_a_name_can_be_used_once(deployer, endpoint, config):
    """Wording observed."""
    message = f'Cannot create already existing endpoint "{ARN}{endpoint}".'
    request = {"EndpointName": endpoint.upper(), "EndpointConfigName": config}
    assert deployer.refusal("create_endpoint", **request) == ("ValidationException", message)


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("describe_endpoint", {}),
        ("delete_endpoint", {}),
        ("update_endpoint", {"EndpointConfigName": "one"}),
        (
            "update_endpoint_weights_and_capacities",
            {"DesiredWeightsAndCapacities": [{"VariantName": "AllTraffic", "DesiredWeight": 1}]},
        ),
    ],
)
def test_an_endpoint_that_is_not_there(deployer, config, operation, members):
    """Wording observed."""
    message = f'Could not find endpoint "{ARN}nothing".'
    found = deployer.refusal(operation, EndpointName="nothing", **members)
    assert found == ("ValidationException", message)


def test_nothing_can_be_done_to_an_endpoint_while_it_is_in_progress(deployer, config, tmp_path):
    """Wording observed."""
    hold = tmp_path / "hold"
    hold.touch()
    name = deployer.endpoint(held(deployer, hold))
    expected = ("ValidationException", f'Cannot update in-progress endpoint "{ARN}{name}".')
    desired = [{"VariantName": "AllTraffic", "DesiredWeight": 1}]
    assert deployer.refusal("delete_endpoint", EndpointName=name) == expected
    found = deployer.refusal("update_endpoint", EndpointName=name, EndpointConfigName=config)
    assert found == expected
    operation = "update_endpoint_weights_and_capacities"
    request = {"EndpointName": name, "DesiredWeightsAndCapacities": desired}
    assert deployer.refusal(operation, **request) == expected
    hold.unlink()
    deployer.settle(name)
    deployer.delete(name)


def test_an_endpoint_outlives_its_configuration_and_models(deployer, ask):
    model = deployer.model(answer="outlived")
    config = deployer.config(variant(model))
    name = deployer.endpoint(config)
    deployer.sagemaker.delete_endpoint_config(EndpointConfigName=config)
    deployer.sagemaker.delete_model(ModelName=model)
    assert deployer.settle(name)["EndpointStatus"] == "InService"
    assert ask(name) == "outlived"
    deployer.delete(name)


def test_an_endpoint_that_fails_can_only_be_deleted(deployer):
    broken = deployer.model(answer="x")
    deployer.s3.delete_object(Bucket=BUCKET, Key=f"{broken}/sourcedir.tar.gz")
    config = deployer.config(variant(broken))
    name = deployer.endpoint(config)
    failed = deployer.settle(name)
    assert failed["EndpointStatus"] == "Failed" and failed["FailureReason"]
    request = {"EndpointName": name, "EndpointConfigName": config}
    assert "in status Failed" in deployer.refusal("update_endpoint", **request)[1]
    deployer.delete(name)


def test_an_update_switches_to_another_configuration(deployer, endpoint, ask):
    other = deployer.config(variant(deployer.model(answer="two")))
    updated = deployer.sagemaker.update_endpoint(
        EndpointName=endpoint,
        EndpointConfigName=other,
        DeploymentConfig={"BlueGreenUpdatePolicy": BLUE_GREEN},
    )
    assert updated["EndpointArn"] == f"{ARN}{endpoint}"
    updating = deployer.describe(endpoint)
    assert updating["EndpointStatus"] == "Updating"
    assert updating["PendingDeploymentSummary"]["EndpointConfigName"] == other
    assert ask(endpoint) in ("one", "two")
    settled = deployer.settle(endpoint)
    assert settled["EndpointConfigName"] == other and ask(endpoint) == "two"
    assert settled["LastDeploymentConfig"]["BlueGreenUpdatePolicy"] == BLUE_GREEN
    assert "PendingDeploymentSummary" not in settled


def test_an_update_keeps_the_deployment_configuration_only_if_it_is_asked_to(
    deployer, endpoint, config
):
    request = {"EndpointName": endpoint, "EndpointConfigName": config}
    blue_green = {"DeploymentConfig": {"BlueGreenUpdatePolicy": BLUE_GREEN}}
    for members, kept in [
        (blue_green, True),
        ({"RetainDeploymentConfig": True}, True),
        ({}, False),
    ]:
        deployer.sagemaker.update_endpoint(**request, **members)
        assert ("LastDeploymentConfig" in deployer.settle(endpoint)) is kept


def test_an_update_keeps_weights_and_counts_if_it_is_asked_to(deployer):
    models = [deployer.model(answer=answer) for answer in ("one", "two")]
    variants = [variant(model, name) for model, name in zip(models, "ab", strict=True)]
    config = deployer.config(*variants)
    name = deployer.endpoint(config)
    deployer.settle(name)
    desired = [
        {"VariantName": "a", "DesiredWeight": 3.0},
        {"VariantName": "b", "DesiredInstanceCount": 2},
    ]
    deployer.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=name, DesiredWeightsAndCapacities=desired
    )
    assert current(deployer.settle(name)) == {"a": (3.0, 1), "b": (1.0, 2)}
    request = {"EndpointName": name, "EndpointConfigName": config}
    excluded = [{"VariantPropertyType": "DesiredWeight"}]
    deployer.sagemaker.update_endpoint(
        **request, RetainAllVariantProperties=True, ExcludeRetainedVariantProperties=excluded
    )
    assert current(deployer.settle(name)) == {"a": (1.0, 1), "b": (1.0, 2)}
    deployer.sagemaker.update_endpoint(**request)
    assert current(deployer.settle(name)) == {"a": (1.0, 1), "b": (1.0, 1)}
    deployer.delete(name)


def current(endpoint: dict) -> dict[str, tuple[float, int]]:
    """Return the weight and the instance count of each of an endpoint's variants."""
    return {
        each["VariantName"]: (each["CurrentWeight"], each["CurrentInstanceCount"])
        for each in endpoint["ProductionVariants"]
    }


@pytest.mark.parametrize(
    ("desired", "expected"),
    [
        (
            [{"VariantName": "x", "DesiredWeight": 1}],
            'The variant name(s) "x" is/are not present within endpoint configuration "one".',
        ),
        ([{"VariantName": "AllTraffic", "DesiredWeight": 0}], "a weight above 0"),
        ([{"VariantName": "AllTraffic"}, {"VariantName": "AllTraffic"}], "must be unique"),
        (
            [{"VariantName": "AllTraffic", "DesiredInstanceCount": 0}],
            "does not support DesiredWeightsAndCapacities.DesiredInstanceCount '0'",
        ),
        (
            [{"VariantName": "AllTraffic", "ServerlessUpdateConfig": {"MaxConcurrency": 1}}],
            "does not support DesiredWeightsAndCapacities.ServerlessUpdateConfig",
        ),
    ],
)
def test_weights_and_capacities_that_make_no_sense_are_refused(
    deployer, endpoint, desired, expected
):
    request = {"EndpointName": endpoint, "DesiredWeightsAndCapacities": desired}
    message = deployer.refusal("update_endpoint_weights_and_capacities", **request)[1]
    assert expected in message
    assert deployer.describe(endpoint)["EndpointStatus"] == "InService"


def routed(kind: str, **members) -> dict:
    """Return a DeploymentConfig with another routing of traffic."""
    routing = {"Type": kind, "WaitIntervalInSeconds": 0, **members}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}


@pytest.mark.parametrize("operation", ["create_endpoint", "update_endpoint"])
@pytest.mark.parametrize(
    ("deployment", "named"),
    [
        (routed("CANARY"), "TrafficRoutingConfiguration.Type 'CANARY'"),
        (routed("LINEAR"), "TrafficRoutingConfiguration.Type 'LINEAR'"),
        (routed("ALL_AT_ONCE", WaitIntervalInSeconds=60), "WaitIntervalInSeconds"),
        (
            {"BlueGreenUpdatePolicy": {**BLUE_GREEN, "TerminationWaitInSeconds": 60}},
            "BlueGreenUpdatePolicy.TerminationWaitInSeconds",
        ),
        (
            {
                "RollingUpdatePolicy": {
                    "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1},
                    "WaitIntervalInSeconds": 0,
                }
            },
            "DeploymentConfig.RollingUpdatePolicy",
        ),
        ({"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}]}}, "AutoRollback"),
    ],
)
def test_deployments_that_are_not_here_are_refused_by_name(
    deployer, config, operation, deployment, named
):
    request = {
        "EndpointName": "refused",
        "EndpointConfigName": config,
        "DeploymentConfig": deployment,
    }
    message = deployer.refusal(operation, **request)[1]
    assert "does not support DeploymentConfig" in message and named in message


def test_instances_cannot_become_serverless(deployer, endpoint):
    """Documented in "Update a serverless endpoint"; the wording is ours."""
    serverless = deployer.config(variant(deployer.model(answer="x"), **SERVERLESS))
    request = {"EndpointName": endpoint, "EndpointConfigName": serverless}
    assert "cannot be updated to a serverless" in deployer.refusal("update_endpoint", **request)[1]


def test_an_asynchronous_endpoint_shows_its_configuration(deployer, config, endpoint):
    described = {"OutputConfig": {"S3OutputPath": f"s3://{BUCKET}/answers"}}
    model = deployer.sagemaker.describe_endpoint_config(EndpointConfigName=config)
    model = model["ProductionVariants"][0]["ModelName"]
    other = deployer.config(variant(model), AsyncInferenceConfig=described)
    deployer.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=other)
    assert deployer.settle(endpoint)["AsyncInferenceConfig"] == described
    deployer.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
    assert "AsyncInferenceConfig" not in deployer.settle(endpoint)


def test_of_two_creations_at_once_one_wins(deployer, config):
    answers: list[str] = []

    def create() -> None:
        try:
            deployer.cloud.client("sagemaker").create_endpoint(
                EndpointName="raced", EndpointConfigName=config
            )
            answers.append("created")
        except ClientError as error:
            answers.append(error.response["Error"]["Code"])

    threads = [threading.Thread(target=create) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["ValidationException"] * 3 + ["created"]
    deployer.settle("raced")
    deployer.delete("raced")


def test_endpoints_are_listed_by_status_name_and_time(deployer, config):
    # The failed ones have no instance and cost little.
    broken = deployer.model(answer="x")
    deployer.s3.delete_object(Bucket=BUCKET, Key=f"{broken}/sourcedir.tar.gz")
    failing = deployer.config(variant(broken))
    for letter, of in [("c", failing), ("a", failing), ("b", config)]:
        deployer.settle(deployer.endpoint(of, f"listed-{letter}"))

    def listed(**filters) -> str:
        pages = deployer.sagemaker.get_paginator("list_endpoints").paginate(
            NameContains="listed-", **filters
        )
        return "".join(each["EndpointName"][-1] for page in pages for each in page["Endpoints"])

    assert listed() == listed(PaginationConfig={"PageSize": 1}) == "bac"
    assert listed(SortBy="Name", SortOrder="Ascending") == "abc"
    assert listed(StatusEquals="Failed") == "ac" and listed(StatusEquals="InService") == "b"
    request = {"NameContains": "listed-", "StatusEquals": "Failed", "MaxResults": 1}
    (first,) = deployer.sagemaker.list_endpoints(**request)["Endpoints"]
    assert first["EndpointName"] == "listed-a"
    assert listed(SortBy="Status", SortOrder="Ascending")[-1] == "b"
    described = deployer.describe("listed-a")
    # Documented: created at that time, or later.
    assert listed(CreationTimeAfter=described["CreationTime"]) == "ba"
    assert listed(LastModifiedTimeBefore=described["LastModifiedTime"]) == "c"
    (summary,) = deployer.sagemaker.list_endpoints(NameContains="listed-a")["Endpoints"]
    assert summary == {member: described[member] for member in summary}
    assert set(summary) == {
        *("EndpointName", "EndpointArn", "EndpointStatus", "CreationTime", "LastModifiedTime")
    }
    for letter in "abc":
        deployer.delete(f"listed-{letter}")


def test_the_aws_cli_creates_waits_lists_and_deletes(deployer, config):
    def aws(*arguments: str) -> str:
        command = [Path(sys.executable).parent / "aws", "sagemaker", *arguments]
        return subprocess.run(
            command, env=deployer.cloud.env, check=True, capture_output=True, text=True
        ).stdout

    name = ["--endpoint-name", "by-cli"]
    aws("create-endpoint", *name, "--endpoint-config-name", config)
    aws("wait", "endpoint-in-service", *name)
    listed = json.loads(aws("list-endpoints", "--name-contains", "by-cli"))["Endpoints"]
    assert [(e["EndpointName"], e["EndpointStatus"]) for e in listed] == [("by-cli", "InService")]
    aws("delete-endpoint", *name)
    aws("wait", "endpoint-deleted", *name)
    assert "by-cli" not in deployer.endpoint_names()


def test_boto3s_waiters_end_with_the_endpoint(deployer, config):
    name = deployer.endpoint(config)
    settings = {"Delay": 1, "MaxAttempts": 60}
    wait_for = deployer.sagemaker.get_waiter
    wait_for("endpoint_in_service").wait(EndpointName=name, WaiterConfig=settings)
    deployer.sagemaker.delete_endpoint(EndpointName=name)
    wait_for("endpoint_deleted").wait(EndpointName=name, WaiterConfig=settings)
    assert name not in deployer.endpoint_names()
