"""Lifecycle configurations of notebook instances, as the API has them."""

import base64

import pytest
from botocore.exceptions import ClientError
from notebook_instances import Notebooks, hook

PREFIX = "arn:aws:sagemaker:us-east-1:111122223333:notebook-instance-lifecycle-config"


@pytest.fixture(scope="module")
def notebooks(shared_trainer) -> Notebooks:
    return Notebooks(shared_trainer.cloud)


def call(notebooks, verb: str, name: str, **members):
    operation = getattr(notebooks.sagemaker, f"{verb}_notebook_instance_lifecycle_config")
    return operation(NotebookInstanceLifecycleConfigName=name, **members)


def refusal(notebooks, verb: str, name: str, **members) -> str:
    """Return what a refused call is told."""
    with pytest.raises(ClientError) as caught:
        call(notebooks, verb, name, **members)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    return caught.value.response["Error"]["Message"]


def test_it_is_described_as_it_was_made_and_changed(notebooks):
    name = notebooks.config("echo start", "echo create")
    made = call(notebooks, "describe", name)
    assert made["NotebookInstanceLifecycleConfigArn"] == f"{PREFIX}/{name}"
    assert (made["OnStart"], made["OnCreate"]) == (hook("echo start"), hook("echo create"))
    call(notebooks, "update", name, OnStart=hook("echo again"))
    changed = call(notebooks, "describe", name)
    assert (changed["OnStart"], changed["OnCreate"]) == (hook("echo again"), made["OnCreate"])
    assert changed["LastModifiedTime"] > made["LastModifiedTime"] == made["CreationTime"]


def test_names_and_scripts_that_cannot_be_are_refused_in_awss_words(notebooks):
    name = notebooks.config()
    assert refusal(notebooks, "create", name) == (
        f"Unable to create Notebook Instance Lifecycle Config {PREFIX}/{name}. (Details: Notebook "
        "Instance Lifecycle Config already exists.)"
    )
    for verb in ("describe", "update", "delete"):
        assert refusal(notebooks, verb, "none") == (
            f"Unable to {verb} Notebook Instance Lifecycle Config '{PREFIX}/none'. (Details: "
            "Notebook Instance Lifecycle Config does not exist.)"
        )
    broken = [{"Content": "no base64!"}]
    assert "OnStart is not base64" in refusal(notebooks, "create", "b", OnStart=broken)


def test_a_script_may_be_in_lines_as_base64_prints_it_and_may_be_missing(notebooks):
    lines = [{"Content": base64.encodebytes(b"echo one\n" * 20 + b"exit 4").decode()}]
    name = notebooks.config(OnStart=lines, OnCreate=[{}])
    assert call(notebooks, "describe", name)["OnStart"] == lines
    failed = notebooks.settled(notebooks.create(LifecycleConfigName=name))
    assert "its OnStart script exited with code 4" in failed["FailureReason"]


def test_one_that_an_instance_has_cannot_be_deleted(notebooks):
    name = notebooks.failed()
    config = notebooks.describe(name)["NotebookInstanceLifecycleConfigName"]
    assert f"is used by {name}." in refusal(notebooks, "delete", config)
    notebooks.sagemaker.delete_notebook_instance(NotebookInstanceName=name)
    notebooks.sagemaker.get_waiter("notebook_instance_deleted").wait(
        NotebookInstanceName=name, WaiterConfig={"Delay": 0.1}
    )
    call(notebooks, "delete", config)
    assert "does not exist" in refusal(notebooks, "describe", config)


def test_they_are_listed_newest_first_and_carry_tags(notebooks):
    tags = [{"Key": "a", "Value": "b"}]
    names = [
        notebooks.config(NotebookInstanceLifecycleConfigName=f"listed-{n}", Tags=tags)
        for n in range(3)
    ]
    pages = notebooks.sagemaker.get_paginator("list_notebook_instance_lifecycle_configs")
    found = pages.paginate(NameContains="listed", PaginationConfig={"PageSize": 2})
    listed = [
        one["NotebookInstanceLifecycleConfigName"]
        for page in found
        for one in page["NotebookInstanceLifecycleConfigs"]
    ]
    assert listed == names[::-1]
    arn = f"{PREFIX}/listed-0"
    assert notebooks.sagemaker.list_tags(ResourceArn=arn)["Tags"] == tags
