"""The control plane of notebook instances: what is kept, described, listed, refused and limited."""

import json
import subprocess
import time

import pytest
from botocore.exceptions import ClientError
from notebook_instances import ROLE, Notebooks
from roles import Role, allow

ARN = "arn:aws:sagemaker:us-east-1:111122223333:notebook-instance"
UNKNOWN = {"NotebookInstanceName": "nobody"}


@pytest.fixture(scope="module")
def notebooks(shared_trainer) -> Notebooks:
    return Notebooks(shared_trainer.cloud)


@pytest.fixture(scope="module")
def failed(notebooks) -> str:
    """A notebook instance that failed, for tests that leave it as it is."""
    return notebooks.failed(NotebookInstanceName="Failed-One")


def refused(call, **request) -> tuple[str, str]:
    """Return the code and the message of the error that a request is answered with."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def new(**members) -> dict:
    """Return a request that would make a notebook instance."""
    return {
        "NotebookInstanceName": "new",
        "InstanceType": "ml.t3.medium",
        "RoleArn": ROLE,
        **members,
    }


def test_describe_answers_what_create_was_given_and_awss_defaults(notebooks):
    kept = {
        "KmsKeyId": "key",
        "PlatformIdentifier": "notebook-al2-v3",
        "RootAccess": "Disabled",
        "SubnetId": "subnet-1",
        "VolumeSizeInGB": 20,
        "InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "2"},
    }
    described = notebooks.describe(notebooks.failed(**kept, SecurityGroupIds=["sg-1"]))
    assert kept.items() <= described.items()
    assert described["SecurityGroups"] == ["sg-1"]
    assert described["DirectInternetAccess"] == "Enabled"
    assert not [member for member in described if member.startswith("_")]


def test_a_failure_is_told_in_awss_form_with_the_script_and_its_exit_code(notebooks, failed):
    described = notebooks.describe(failed)
    assert described["NotebookInstanceStatus"] == "Failed"
    config = described["NotebookInstanceLifecycleConfigName"]
    assert described["FailureReason"] == (
        f"Notebook Instance Lifecycle Config '{ARN}-lifecycle-config/{config}' for Notebook "
        f"Instance '{ARN}/failed-one' failed: its OnStart script exited with code 3. Please check "
        "your CloudWatch logs for more details if your Notebook Instance has Internet access."
    )


@pytest.mark.parametrize("what", ["describe", "start", "stop", "update", "delete"])
def test_one_that_is_not_there_is_told_in_awss_one_word(notebooks, what):
    call = getattr(notebooks.sagemaker, f"{what}_notebook_instance")
    assert refused(call, **UNKNOWN) == ("ValidationException", "RecordNotFound")


def test_a_name_that_is_taken_is_refused_whatever_its_case(notebooks, failed):
    create = notebooks.sagemaker.create_notebook_instance
    expected = f"Cannot create a duplicate Notebook Instance ({ARN}/failed-one)"
    for name in ("Failed-One", "failed-one"):
        request = new(NotebookInstanceName=name)
        assert refused(create, **request) == ("ValidationException", expected)


def test_one_that_is_not_in_service_cannot_be_stopped_or_opened(notebooks, failed):
    code, message = refused(notebooks.sagemaker.stop_notebook_instance, NotebookInstanceName=failed)
    assert (code, message) == (
        "ValidationException",
        "Status (Failed) not in ([InService]). Unable to transition to (Stopping) for Notebook "
        f"Instance ({ARN}/failed-one).",
    )
    opening = notebooks.sagemaker.create_presigned_notebook_instance_url
    assert "Failed" in refused(opening, NotebookInstanceName=failed)[1]


def test_while_it_comes_up_it_can_be_neither_started_updated_nor_deleted(notebooks):
    name = notebooks.create("until [ -e SageMaker/go ]; do sleep 0.05; done; exit 1")
    for what, to in (("start", "Pending"), ("update", "Updating"), ("delete", "Deleting")):
        call = getattr(notebooks.sagemaker, f"{what}_notebook_instance")
        _, message = refused(call, NotebookInstanceName=name)
        assert message.startswith(
            f"Status (Pending) not in ([Stopped, Failed]). Unable to transition to ({to})"
        )
    volume = notebooks.cloud.home / "notebooks" / name / "home" / "SageMaker"
    while not volume.is_dir():
        time.sleep(0.05)
    (volume / "go").touch()
    assert notebooks.settled(name)["NotebookInstanceStatus"] == "Failed"


@pytest.mark.parametrize(
    ("member", "value", "words"),
    [
        ("DefaultCodeRepository", "https://example.com/r.git", "DefaultCodeRepository"),
        ("AdditionalCodeRepositories", ["repo"], "AdditionalCodeRepositories"),
        ("AcceleratorTypes", ["ml.eia2.medium"], "AcceleratorTypes"),
        ("DirectInternetAccess", "Disabled", "only if a SubnetId"),
        ("IpAddressType", "dualstack", "IpAddressType 'dualstack'"),
        ("LifecycleConfigName", "none", "(Details: Notebook Instance Lifecycle Config does not"),
        ("RoleArn", f"{ROLE}-gone", "Could not assume role"),
        ("InstanceType", "ml.huge", "enum value set"),
    ],
)
def test_what_cannot_be_is_refused_by_name(notebooks, member, value, words):
    create = notebooks.sagemaker.create_notebook_instance
    code, message = refused(create, **new(**{member: value}))
    assert (code, words in message) == ("ValidationException", True), message


def test_there_are_no_more_of_a_type_than_the_quota_says(notebooks):
    create = notebooks.sagemaker.create_notebook_instance
    code, message = refused(create, **new(InstanceType="ml.g5.xlarge"))
    assert code == "ResourceLimitExceeded"
    assert message.startswith(
        "The account-level service limit 'ml.g5.xlarge for notebook instance usage' is 0 "
        "Instances, with current utilization of 0 Instances and a request delta of 1 Instances."
    )


def test_those_at_rest_take_nothing_of_a_quota(notebooks):
    # Of this type there may be one.
    notebooks.failed(InstanceType="ml.m5.2xlarge")
    notebooks.failed(InstanceType="ml.m5.2xlarge")


def test_one_whose_creation_failed_begins_again_with_the_script_of_its_creation(notebooks):
    name = notebooks.create("exit 1", "echo created")
    notebooks.settled(name)
    notebooks.start(name)
    assert notebooks.lines(name, "LifecycleConfigOnCreate") == ["created", "created"]


def test_an_update_is_described_and_a_volume_does_not_shrink(notebooks):
    name = notebooks.failed(VolumeSizeInGB=8)
    update = notebooks.sagemaker.update_notebook_instance
    update(NotebookInstanceName=name, InstanceType="ml.c5.xlarge", DisassociateLifecycleConfig=True)
    described = notebooks.settled(name)
    assert described["NotebookInstanceStatus"] == "Stopped"
    assert described["InstanceType"] == "ml.c5.xlarge"
    assert "NotebookInstanceLifecycleConfigName" not in described
    assert "cannot be decreased" in refused(update, NotebookInstanceName=name, VolumeSizeInGB=5)[1]


def test_lists_filter_sort_and_page_as_asked(notebooks):
    # Instances that exist elsewhere in the module have other names.
    names = [notebooks.failed(NotebookInstanceName=f"listed-{n}") for n in (2, 1, 3)]
    config = notebooks.describe(names[0])["NotebookInstanceLifecycleConfigName"]
    pages = notebooks.sagemaker.get_paginator("list_notebook_instances")

    def listed(**request) -> list[str]:
        found = pages.paginate(NameContains="listed", PaginationConfig={"PageSize": 2}, **request)
        return [one["NotebookInstanceName"] for page in found for one in page["NotebookInstances"]]

    assert listed() == sorted(names)
    assert listed(SortBy="CreationTime", SortOrder="Descending") == names[::-1]
    assert listed(StatusEquals="InService") == []
    assert listed(NotebookInstanceLifecycleConfigNameContains=config) == [names[0]]
    assert listed(DefaultCodeRepositoryContains="git") == []
    assert listed(AdditionalCodeRepositoryEquals="git") == []


def test_tags_come_and_go_and_end_with_it(notebooks):
    sagemaker = notebooks.sagemaker
    name = notebooks.failed(Tags=[{"Key": "a", "Value": "b"}])
    arn = notebooks.describe(name)["NotebookInstanceArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "c", "Value": "d"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["a"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "c", "Value": "d"}]
    sagemaker.delete_notebook_instance(NotebookInstanceName=name)
    sagemaker.get_waiter("notebook_instance_deleted").wait(
        NotebookInstanceName=name, WaiterConfig={"Delay": 0.1}
    )
    with pytest.raises(ClientError):
        sagemaker.list_tags(ResourceArn=arn)


def test_who_may_not_pass_the_role_or_open_it_is_refused(notebooks, failed):
    role = Role(notebooks.cloud, allow("sagemaker:*NotebookInstance*", resource=f"{ARN}/mine"))
    sagemaker = role.client("sagemaker")
    code, message = refused(sagemaker.create_notebook_instance, **new(NotebookInstanceName="mine"))
    assert (code, "iam:PassRole" in message) == ("AccessDeniedException", True)
    code, message = refused(
        sagemaker.create_presigned_notebook_instance_url, NotebookInstanceName=failed
    )
    assert f"on resource: {ARN}/failed-one" in message


def test_a_policy_may_be_about_the_subnet_and_the_internet(notebooks):
    only_in_subnet = {
        "StringEquals": {"sagemaker:VpcSubnets": "subnet-1"},
        "StringEqualsIfExists": {"sagemaker:DirectInternetAccess": "Enabled"},
    }
    role = Role(
        notebooks.cloud,
        allow("iam:PassRole"),
        allow("sagemaker:CreateNotebookInstance", Condition=only_in_subnet),
    )
    create = role.client("sagemaker").create_notebook_instance
    assert refused(create, **new())[0] == "AccessDeniedException"
    code, _ = refused(create, **new(SubnetId="subnet-1", DirectInternetAccess="Disabled"))
    assert code == "AccessDeniedException"
    # Allowed, and then refused for what is not here.
    code, _ = refused(create, **new(SubnetId="subnet-1", LifecycleConfigName="none"))
    assert code == "ValidationException"


@pytest.mark.slow
def test_the_command_line_makes_waits_stops_and_deletes(notebooks):
    def aws(*command: str) -> str:
        run = subprocess.run(
            ["aws", "sagemaker", *command, "--notebook-instance-name", "by-cli"],
            env=notebooks.cloud.env,
            capture_output=True,
            text=True,
            check=True,
        )
        return run.stdout

    aws("create-notebook-instance", "--instance-type", "ml.t3.medium", "--role-arn", ROLE)
    aws("wait", "notebook-instance-in-service")
    assert json.loads(aws("describe-notebook-instance"))["NotebookInstanceStatus"] == "InService"
    aws("stop-notebook-instance")
    began_s = time.monotonic()
    aws("wait", "notebook-instance-stopped")
    aws("delete-notebook-instance")
    aws("wait", "notebook-instance-deleted")
    assert time.monotonic() - began_s < 60
