"""Tags on SageMaker's resources."""

import pytest
from botocore.exceptions import ClientError
from trainer import Trainer


@pytest.fixture(scope="module")
def trainer(local_cloud) -> Trainer:
    return Trainer(local_cloud)


@pytest.fixture
def sagemaker(trainer):
    return trainer.sagemaker


@pytest.fixture
def arn(trainer) -> str:
    """The ARN of a new job with two tags."""
    tags = [{"Key": "team", "Value": "blue"}, {"Key": "empty", "Value": ""}]
    return trainer.describe(trainer.create("", Tags=tags))["TrainingJobArn"]


def tags_of(sagemaker, arn: str) -> dict[str, str]:
    pages = sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
    return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}


def test_tags_given_on_create_are_listed(sagemaker, arn):
    assert tags_of(sagemaker, arn) == {"team": "blue", "empty": ""}


def test_adding_overwrites_a_key_that_is_there_and_answers_all_tags(sagemaker, arn):
    added = [{"Key": "team", "Value": "red"}, {"Key": "größe", "Value": "ä / + = @"}]
    answer = sagemaker.add_tags(ResourceArn=arn, Tags=added)
    assert {tag["Key"]: tag["Value"] for tag in answer["Tags"]} == tags_of(sagemaker, arn)
    assert tags_of(sagemaker, arn) == {"team": "red", "empty": "", "größe": "ä / + = @"}


def test_keys_differ_by_case(sagemaker, arn):
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "Team", "Value": "red"}])
    assert tags_of(sagemaker, arn)["team"] == "blue"


def test_deleting_leaves_the_others_and_ignores_a_key_that_is_not_there(sagemaker, arn):
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["team", "nothing"])
    assert tags_of(sagemaker, arn) == {"empty": ""}


def test_a_resource_has_fifty_tags_at_most(sagemaker, arn):
    more = [{"Key": f"key-{number}", "Value": "x"} for number in range(48)]
    sagemaker.add_tags(ResourceArn=arn, Tags=more)
    with pytest.raises(ClientError, match="at most 50 tags"):
        sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "one-more", "Value": "x"}])
    assert len(tags_of(sagemaker, arn)) == 50


@pytest.mark.parametrize("name", ["nothing", "NOTHING"])
def test_a_resource_must_be_there(sagemaker, name):
    arn = f"arn:aws:sagemaker:us-east-1:111122223333:training-job/{name}"
    tags = [{"Key": "a", "Value": "b"}]
    for call in (
        lambda: sagemaker.list_tags(ResourceArn=arn),
        lambda: sagemaker.add_tags(ResourceArn=arn, Tags=tags),
        lambda: sagemaker.delete_tags(ResourceArn=arn, TagKeys=["a"]),
    ):
        with pytest.raises(ClientError, match="ValidationException.*Could not find"):
            call()


@pytest.mark.parametrize(
    "tag",
    [
        {"Key": "aws:mine", "Value": "x"},
        {"Key": "k" * 129, "Value": "x"},
        {"Key": "k", "Value": "v" * 257},
        {"Key": "k!", "Value": "x"},
    ],
)
def test_a_tag_that_aws_does_not_take_is_refused(sagemaker, arn, tag):
    with pytest.raises(ClientError, match="ValidationException"):
        sagemaker.add_tags(ResourceArn=arn, Tags=[tag])


def test_a_token_that_is_not_ours_is_refused(sagemaker, arn):
    with pytest.raises(ClientError, match="Invalid pagination token"):
        sagemaker.list_tags(ResourceArn=arn, NextToken="ä")
