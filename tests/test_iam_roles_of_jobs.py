"""The roles that jobs, models and endpoints are given: whether they can be, and what they may."""

import pytest
from botocore.exceptions import ClientError
from deployer import Deployer, variant
from roles import ACCOUNT, SAGEMAKER, Role, allow, deny, trust
from trainer import BUCKET, Trainer
from transforms import Transforms

EVERYTHING = allow("*")
NOBODY = f"arn:aws:iam::{ACCOUNT}:role/Nobody"
HINT = "To do so: aws iam {} --role-name {} --{}"


@pytest.fixture(scope="module")
def trainer(local_cloud) -> Trainer:
    return Trainer(local_cloud)


@pytest.fixture(scope="module")
def deployer(local_cloud) -> Deployer:
    return Deployer(local_cloud)


def not_assumed(arn: str) -> str:
    """Return AWS's sentences for a role that SageMaker cannot assume."""
    return (
        f"Could not assume role {arn}. Please ensure that the role exists and allows principal "
        "'sagemaker.amazonaws.com' to assume the role. "
    )


def who(role: Role, session: str = "SageMaker") -> str:
    return f"User: arn:aws:sts::{ACCOUNT}:assumed-role/{role.name}/{session} is not authorized to"


# Roles in requests


def test_a_jobs_role_must_be_there(trainer):  # observed in public reports
    code, message = trainer.refusal(RoleArn=NOBODY)
    assert code == "ValidationException"
    assert message.startswith(not_assumed(NOBODY))
    hint = HINT.format("create-role", "Nobody", "assume-role-policy-document")
    assert hint in message


def test_a_jobs_role_must_trust_sagemaker(local_cloud, trainer):
    role = Role(local_cloud, trust_policy=trust({"Service": "lambda.amazonaws.com"}))
    code, message = trainer.refusal(RoleArn=role.arn)
    assert code == "ValidationException"
    hint = HINT.format("update-assume-role-policy", role.name, "policy-document")
    assert message.startswith(not_assumed(role.arn) + hint)
    role.iam.update_assume_role_policy(RoleName=role.name, PolicyDocument=trust(SAGEMAKER))
    assert "Could not assume role" not in trainer.refusal(
        RoleArn=role.arn, channels={"train": "s3://nowhere/"}
    )


@pytest.mark.parametrize(("account", "is_trusted"), [(ACCOUNT, True), ("444455556666", False)])
def test_a_trust_policy_may_ask_on_whose_behalf_sagemaker_comes(
    local_cloud, trainer, account, is_trusted
):
    condition = {
        "StringEquals": {"aws:SourceAccount": account},
        "ArnLike": {"aws:SourceArn": f"arn:aws:sagemaker:*:{account}:*"},
    }
    role = Role(local_cloud, EVERYTHING, trust_policy=trust(SAGEMAKER, Condition=condition))
    message = trainer.refusal(RoleArn=role.arn, channels={"train": "s3://nowhere/"})[1]
    assert message.startswith("No S3 objects found") is is_trusted


def test_the_hint_makes_the_role_as_it_is(local_cloud, trainer):
    message = trainer.refusal(RoleArn=NOBODY.replace("Nobody", "Hinted"))[1]
    document = message.rpartition(" '")[2].removesuffix("'")
    role = Role(local_cloud, EVERYTHING, trust_policy=document, RoleName="Hinted")
    assert "assume" not in trainer.refusal(RoleArn=role.arn, channels={"a": "s3://nowhere/"})[1]


def test_another_accounts_role_cannot_be_passed(trainer):
    code, message = trainer.refusal(RoleArn="arn:aws:iam::444455556666:role/SageMakerRole")
    assert code == "AccessDeniedException"
    assert message.startswith("Cross-account pass role is not allowed.")


def test_a_role_is_named_by_its_whole_arn(local_cloud, trainer):
    role = Role(local_cloud, Path="/deep/")
    shallow = role.arn.replace("/deep/", "/")
    hint = f"The role of that name is {role.arn}."
    assert trainer.refusal(RoleArn=shallow)[1] == not_assumed(shallow) + hint


def test_a_models_role_must_be_there(deployer):
    request = {"ModelName": "m", "PrimaryContainer": deployer.container()}
    code, message = deployer.refusal("create_model", **request, ExecutionRoleArn=NOBODY)
    assert (code, not_assumed(NOBODY) in message) == ("ValidationException", True)


def test_a_models_role_must_reach_its_data(local_cloud, deployer):  # observed in public reports
    role = Role(local_cloud, EVERYTHING, deny("s3:GetObject"))
    request = {"ModelName": "m", "PrimaryContainer": deployer.container()}
    assert deployer.refusal("create_model", **request, ExecutionRoleArn=role.arn) == (
        "ValidationException",
        f"Could not access model data at {deployer.model_data}. Please ensure that the role "
        f'"{role.arn}" exists and that its trust relationship policy allows the action '
        '"sts:AssumeRole" for the service principal "sagemaker.amazonaws.com". Also ensure that '
        'the role has "s3:GetObject" permissions and that the object is located in us-east-1. If '
        "your Model uses multiple models or uncompressed models, please ensure that the role has "
        '"s3:ListBucket" permission.',
    )


def test_a_jobs_role_must_be_let_list_its_input(local_cloud, trainer):  # observed
    uri = trainer.put("listed/1", b"1")
    role = Role(local_cloud, allow("s3:GetObject"))
    code, message = trainer.refusal(RoleArn=role.arn, channels={"train": uri})
    assert code == "ValidationException"
    assert message.startswith(f'No S3 objects found under S3 URL "{uri}" given in input data')
    assert message.endswith(
        f'and that the role "{role.arn}" has "s3:ListBucket" permissions on bucket "{BUCKET}".'
    )


# PassRole


def test_a_role_needs_to_be_let_pass_a_role_on(local_cloud, trainer):
    passed = Role(local_cloud, EVERYTHING)
    caller = Role(local_cloud, allow("sagemaker:*"))
    client = caller.client("sagemaker")
    request = trainer.request(RoleArn=passed.arn, channels={"train": "s3://nowhere/"})
    with pytest.raises(ClientError) as denied:
        client.create_training_job(**request)
    error = denied.value.response["Error"]
    assert (error["Code"], error["Message"]) == (
        "AccessDeniedException",
        f"{who(caller, 'tester')} perform: iam:PassRole on resource: {passed.arn} because no "
        "identity-based policy allows the iam:PassRole action",
    )
    for service, code in (("lambda", "AccessDeniedException"), ("sagemaker", None)):
        condition = {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}}
        caller.set(allow("sagemaker:*"), allow("iam:PassRole", Condition=condition))
        with pytest.raises(ClientError) as refused:
            client.create_training_job(**request)
        # What is refused next is the input that is not there.
        assert refused.value.response["Error"]["Code"] == (code or "ValidationException")


@pytest.mark.parametrize("instance_type", ["ml.m5.large", "ml.p3.2xlarge"])
def test_instance_types_may_be_limited(local_cloud, trainer, instance_type):
    condition = {"StringEquals": {"sagemaker:InstanceTypes": "ml.m5.large"}}
    statements = allow("sagemaker:*", Condition=condition), allow("iam:PassRole")
    request = trainer.request(channels={"train": "s3://nowhere/"})
    request["ResourceConfig"]["InstanceType"] = instance_type
    with pytest.raises(ClientError) as refused:
        Role(local_cloud, *statements).client("sagemaker").create_training_job(**request)
    is_denied = refused.value.response["Error"]["Code"] == "AccessDeniedException"
    assert is_denied is (instance_type != "ml.m5.large")


# What runs on a role's behalf


def test_a_job_fails_when_its_role_may_not_read_its_input(local_cloud, trainer):
    uri = trainer.put("secret/1", b"1")
    role = Role(local_cloud, EVERYTHING, deny("s3:GetObject", resource="arn:aws:s3:::*/secret/*"))
    job = trainer.run("", RoleArn=role.arn, channels={"train": uri})
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Data download failed:")
    why = "with an explicit deny in an identity-based policy"
    resource = f'"arn:aws:s3:::{BUCKET}/secret/1"'
    assert (
        f"{who(role)} perform: s3:GetObject on resource: {resource} {why}" in (job["FailureReason"])
    )


SCRIPT = """
import os, boto3
with open(os.environ["SM_MODEL_DIR"] + "/model", "w") as file:
    file.write("trained")
s3 = boto3.client("s3")
try:
    s3.get_object(Bucket="training", Key="denied")
except Exception as error:
    print("caught", error)
"""


def test_a_script_hears_what_its_role_lacks_and_the_artifact_is_the_roles_to_store(
    local_cloud, trainer
):
    allowed = allow("s3:GetObject", resource="arn:aws:s3:::*/source.tar.gz"), allow("logs:*")
    role = Role(local_cloud, *allowed)
    job = trainer.run(SCRIPT, RoleArn=role.arn)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Artifact upload failed:")
    assert f"{who(role)} perform: s3:PutObject" in job["FailureReason"]
    (line,) = [line for line in trainer.lines(job["TrainingJobName"]) if "caught" in line]
    assert line.startswith("caught An error occurred (AccessDenied) when calling the GetObject")
    assert who(role) in line


def test_a_job_whose_role_may_not_log_runs_and_is_silent(local_cloud, trainer):
    role = Role(local_cloud, allow("s3:*"))
    metrics = {"loss": "loss=([0-9.]+)"}
    job = trainer.run("print('loss=0.5')", RoleArn=role.arn, metrics=metrics)
    assert job["TrainingJobStatus"] == "Completed"
    assert trainer.lines(job["TrainingJobName"]) == []
    listed = trainer.cloudwatch.list_metrics(
        Dimensions=[{"Name": "TrainingJobName", "Value": job["TrainingJobName"]}]
    )
    assert listed["Metrics"] == []


ASKING = """
import os, time, boto3
s3 = boto3.client("s3")
def ask():
    try:
        s3.list_objects_v2(Bucket="training")
        return "allowed"
    except Exception as error:
        return "denied"
found = ask()
print(found, flush=True)
while ask() == found:
    time.sleep(0.1)
print("changed", flush=True)
with open(os.environ["SM_MODEL_DIR"] + "/model", "w") as file:
    file.write("trained")
"""


@pytest.mark.slow
def test_a_role_that_changes_while_a_job_runs_counts_at_once(local_cloud, trainer):
    role = Role(local_cloud, EVERYTHING)
    name = trainer.create(ASKING, RoleArn=role.arn)
    trainer.wait_for_line(name, "allowed")
    role.set(EVERYTHING, deny("s3:ListBucket"))
    trainer.wait_for_line(name, "changed")
    assert trainer.wait(name)["TrainingJobStatus"] == "Completed"


@pytest.mark.slow
def test_a_role_that_is_deleted_while_a_job_runs_may_do_nothing_more(local_cloud, trainer):
    role = Role(local_cloud, EVERYTHING)
    name = trainer.create(ASKING, RoleArn=role.arn)
    trainer.wait_for_line(name, "allowed")
    role.delete()
    job = trainer.wait(name)
    assert job["TrainingJobStatus"] == "Failed"
    assert f"{who(role)} perform: s3:PutObject" in job["FailureReason"]
    assert "changed" not in trainer.lines(name)


@pytest.mark.slow
@pytest.mark.parametrize("lost", ["data", "role"])
def test_an_endpoint_fails_whose_models_role_lost_its_rights(local_cloud, deployer, lost):
    role = Role(local_cloud, EVERYTHING)
    name = deployer.model(ExecutionRoleArn=role.arn)
    if lost == "data":
        role.set(EVERYTHING, deny("s3:GetObject"))
        expected = (
            'Failed to download model data for container "container_1" from URL: '
            f'"{deployer.model_data}". Please ensure that there is an object located at the URL '
            "and that the role passed to CreateModel has permissions to download the object."
        )
    else:
        role.delete()
        expected = (
            f'The execution role ARN "{role.arn}" is invalid. Please ensure that the role exists '
            "and that its trust relationship policy allows the action"
        )
    endpoint = deployer.settle(deployer.endpoint(deployer.config(variant(name))))
    assert endpoint["EndpointStatus"] == "Failed"
    assert endpoint["FailureReason"].startswith(expected)


@pytest.mark.slow
def test_a_transform_job_reads_and_writes_as_its_models_role(local_cloud):
    transforms = Transforms(local_cloud)
    role = Role(local_cloud, EVERYTHING)
    model = transforms.model(answer="x", ExecutionRoleArn=role.arn)
    role.set(EVERYTHING, deny("s3:PutObject"))
    job = transforms.run_job(model)
    assert job["TransformJobStatus"] == "Failed"
    assert f"{who(role)} perform: s3:PutObject" in job["FailureReason"]
    role.set(EVERYTHING, deny("s3:ListBucket"))
    code, message = transforms.refusal("create_transform_job", **transforms.request(model))
    assert code == "ValidationException" and "No S3 objects found under S3 URL" in message
