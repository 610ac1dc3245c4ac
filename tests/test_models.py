"""Models: what CreateModel refuses, what Describe and List answer."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from deployer import BUCKET, IMAGE, ROLE, Deployer

ARN = "arn:aws:sagemaker:us-east-1:111122223333:model/"
HUB_ARN = "arn:aws:sagemaker:us-east-1:111122223333:hub-content/hub/Model/name/1"


@pytest.fixture(scope="module")
def deployer(local_cloud) -> Deployer:
    return Deployer(local_cloud)


def refusal(deployer, container: dict | None = None, **members) -> tuple[str, str]:
    """Return how a model is refused whose container has other members; None leaves one out."""
    request = {
        "ModelName": "refused",
        "PrimaryContainer": deployer.container(**(container or {})),
        "ExecutionRoleArn": ROLE,
        **members,
    }
    request = {member: value for member, value in request.items() if value is not None}
    return deployer.refusal("create_model", **request)


def test_create_answers_the_arn_with_the_name_in_lower_case(deployer):
    answer = deployer.sagemaker.create_model(
        ModelName="Mixed-Case", PrimaryContainer=deployer.container(), ExecutionRoleArn=ROLE
    )
    assert answer["ModelArn"] == f"{ARN}mixed-case"


def test_describe_answers_what_create_was_given(deployer):
    """Mode and EnableNetworkIsolation are there whether given or not (documented)."""
    network = {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}
    container = deployer.container(ContainerHostname="first", Environment={"A": "1"})
    deployer.model("described", PrimaryContainer=container, VpcConfig=network)
    described = deployer.sagemaker.describe_model(ModelName="described")
    created = described.pop("CreationTime")
    del described["ResponseMetadata"]
    assert described == {
        "ModelName": "described",
        "ModelArn": f"{ARN}described",
        "PrimaryContainer": {**container, "Mode": "SingleModel"},
        "ExecutionRoleArn": ROLE,
        "VpcConfig": network,
        "EnableNetworkIsolation": False,
    }
    (listed,) = deployer.sagemaker.list_models(NameContains="described")["Models"]
    assert listed == {
        "ModelName": "described",
        "ModelArn": f"{ARN}described",
        "CreationTime": created,
    }


def test_one_container_may_stand_in_a_list(deployer):
    containers = [deployer.container()]
    deployer.model("listed-container", PrimaryContainer=None, Containers=containers)
    described = deployer.sagemaker.describe_model(ModelName="listed-container")
    assert "PrimaryContainer" not in described
    assert described["Containers"][0]["Image"] == IMAGE


@pytest.mark.parametrize("name", ["twice", "TWICE"])
def test_a_name_can_be_used_once_whatever_its_case(deployer, name):
    """Wording observed."""
    if name == "twice":
        deployer.model("twice")
    message = f'Cannot create already existing model "{ARN}twice".'
    assert refusal(deployer, ModelName=name) == ("ValidationException", message)


@pytest.mark.parametrize("operation", ["describe_model", "delete_model"])
def test_a_model_that_is_not_there(deployer, operation):
    """Wording observed."""
    message = f'Could not find model "{ARN}nothing".'
    found = deployer.refusal(operation, ModelName="Nothing")
    assert found == ("ValidationException", message)


def test_a_deleted_model_is_gone_and_its_name_is_free(deployer):
    deployer.model("deleted")
    deployer.sagemaker.delete_model(ModelName="deleted")
    assert deployer.refusal("describe_model", ModelName="deleted")[0] == "ValidationException"
    deployer.model("deleted")


@pytest.mark.parametrize("url", [f"s3://{BUCKET}/nothing.tar.gz", "s3://no-such-bucket/m.tar.gz"])
def test_model_data_must_be_there(deployer, url):
    """Wording observed."""
    message = f"Could not find model data at {url}."
    assert refusal(deployer, {"ModelDataUrl": url}) == ("ValidationException", message)


def test_a_model_may_have_no_data(deployer):
    deployer.model("bare", PrimaryContainer=deployer.container(ModelDataUrl=None))
    container = deployer.sagemaker.describe_model(ModelName="bare")["PrimaryContainer"]
    assert "ModelDataUrl" not in container


def data_source(uri: str, data_type: str, compression: str, **members) -> dict:
    """Return container members with a ModelDataSource in place of the ModelDataUrl."""
    s3 = {"S3Uri": uri, "S3DataType": data_type, "CompressionType": compression, **members}
    return {"ModelDataUrl": None, "ModelDataSource": {"S3DataSource": s3}}


@pytest.mark.parametrize("key", ["as-is/", "as-is.tar.gz"])
def test_model_data_may_be_an_archive_or_a_prefix(deployer, key):
    deployer.put("as-is/model.txt", b"1")
    deployer.put("as-is.tar.gz", b"1")
    kind = ("S3Prefix", "None") if key.endswith("/") else ("S3Object", "Gzip")
    source = data_source(f"s3://{BUCKET}/{key}", *kind)
    name = deployer.model(PrimaryContainer=deployer.container(**source))
    container = deployer.sagemaker.describe_model(ModelName=name)["PrimaryContainer"]
    assert container["ModelDataSource"] == source["ModelDataSource"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (data_source(f"s3://{BUCKET}/no/", "S3Prefix", "None"), "Could not find model data at"),
        (data_source(f"s3://{BUCKET}/no", "S3Object", "Gzip"), "Could not find model data at"),
        (data_source(f"s3://{BUCKET}/a", "S3Prefix", "None"), "must end with a slash"),
        (data_source(f"s3://{BUCKET}/a", "S3Object", "None"), "does not support ModelDataSource"),
        (
            data_source(f"s3://{BUCKET}/a", "S3Object", "Gzip", ManifestS3Uri="s3://b/m"),
            "does not support ModelDataSource.S3DataSource.ManifestS3Uri",
        ),
        (
            {**data_source(f"s3://{BUCKET}/a", "S3Object", "Gzip"), "ModelDataUrl": "s3://b/a"},
            "not both",
        ),
        ({"ModelDataUrl": None, "ModelDataSource": {}}, "modelDataSource.s3DataSource"),
    ],
)
def test_model_data_that_cannot_be_had_is_refused(deployer, source, expected):
    assert expected in refusal(deployer, source)[1]


@pytest.mark.parametrize(
    "image", ["763104351884.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2", "mine"]
)
def test_an_image_without_a_runtime_for_inference_is_refused(deployer, image):
    message = refusal(deployer, {"Image": image})[1]
    assert "has no runtime for the inference image" in message and "1.2-1" in message


def test_a_container_needs_an_image(deployer):
    """Wording observed."""
    assert refusal(deployer, {"Image": None})[1] == (
        "Specify one of either Image and Model Data URL or ModelPackageName in container "
        "definition."
    )


@pytest.mark.parametrize(
    ("container", "named"),
    [
        ({"Mode": "MultiModel"}, "PrimaryContainer.Mode 'MultiModel'"),
        ({"ModelPackageName": "package"}, "PrimaryContainer.ModelPackageName"),
        (
            {"ImageConfig": {"RepositoryAccessMode": "Vpc"}},
            "PrimaryContainer.ImageConfig.RepositoryAccessMode 'Vpc'",
        ),
        (
            {"MultiModelConfig": {"ModelCacheSetting": "Disabled"}},
            "PrimaryContainer.MultiModelConfig",
        ),
    ],
)
def test_what_is_not_here_is_refused_by_name(deployer, container, named):
    assert refusal(deployer, container) == (
        "ValidationException",
        f"The local cloud does not support {named} in CreateModel.",
    )


def test_several_containers_are_refused_by_name(deployer):
    containers = [deployer.container(), deployer.container()]
    message = refusal(deployer, PrimaryContainer=None, Containers=containers)[1]
    assert message == "The local cloud does not support 2 Containers in CreateModel."


def test_there_is_one_container_definition_and_a_role(deployer):
    assert "not both" in refusal(deployer, Containers=[deployer.container()])[1]
    assert "one of PrimaryContainer" in refusal(deployer, PrimaryContainer=None)[1]
    assert "'executionRoleArn'" in refusal(deployer, ExecutionRoleArn=None)[1]
    assert "regular expression" in refusal(deployer, ExecutionRoleArn="x" * 20)[1]


def test_models_are_listed_by_time_and_name_in_pages(deployer):
    for letter in "cab":
        deployer.model(f"paged-{letter}")

    def listed(**filters) -> list[str]:
        pages = deployer.sagemaker.get_paginator("list_models").paginate(
            NameContains="paged-", **filters
        )
        return [model["ModelName"][-1] for page in pages for model in page["Models"]]

    assert listed() == listed(MaxResults=1) == ["b", "a", "c"]
    assert listed(SortBy="Name", SortOrder="Ascending", MaxResults=2) == ["a", "b", "c"]
    created = deployer.sagemaker.describe_model(ModelName="paged-a")["CreationTime"]
    # Documented: created at that time, or later.
    assert listed(CreationTimeAfter=created) == ["b", "a"]
    assert listed(CreationTimeBefore=created) == ["c"]


def test_tags_live_and_die_with_the_model(deployer):
    deployer.model("tagged", Tags=[{"Key": "team", "Value": "blue"}])
    sagemaker, arn = deployer.sagemaker, f"{ARN}tagged"
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "stage", "Value": "test"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["team"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "stage", "Value": "test"}]
    sagemaker.delete_model(ModelName="tagged")
    with pytest.raises(ClientError, match="Could not find"):
        sagemaker.list_tags(ResourceArn=arn)


def test_the_aws_cli_creates_describes_and_deletes(deployer):
    def aws(*arguments: str) -> str:
        command = [Path(sys.executable).parent / "aws", "sagemaker", *arguments]
        return subprocess.run(
            command, env=deployer.cloud.env, check=True, capture_output=True, text=True
        ).stdout

    definition = json.dumps(deployer.container())
    arguments = ["--primary-container", definition, "--execution-role-arn", ROLE]
    answer = json.loads(aws("create-model", "--model-name", "by-cli", *arguments))
    assert answer == {"ModelArn": f"{ARN}by-cli"}
    described = json.loads(aws("describe-model", "--model-name", "by-cli"))
    assert described["PrimaryContainer"]["Image"] == IMAGE
    aws("delete-model", "--model-name", "by-cli")
    with pytest.raises(subprocess.CalledProcessError) as caught:
        aws("describe-model", "--model-name", "by-cli")
    assert "Could not find model" in caught.value.stderr
