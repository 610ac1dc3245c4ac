"""IAM, delegated to moto: the execution role, the journal, and what survives a restart."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

ROLE = "SageMakerExecutionRole"
POLICIES = ["AmazonS3FullAccess", "AmazonSageMakerFullAccess", "CloudWatchLogsFullAccess"]
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


@pytest.fixture(scope="module")
def iam(local_cloud):
    return local_cloud.client("iam")


def refusal(call, **parameters) -> dict:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    return raised.value.response["Error"]


def attached(iam, role=ROLE) -> list[str]:
    found = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    return sorted(policy["PolicyName"] for policy in found)


def aws(cloud, *arguments) -> dict:
    """Return what an AWS CLI command prints."""
    command = [sys.executable, "-m", "awscli", *arguments, "--output", "json"]
    run = subprocess.run(command, env=cloud.env, capture_output=True, check=True)
    return json.loads(run.stdout) if run.stdout else {}


def test_the_execution_role_is_there_from_the_start(iam):
    role = iam.get_role(RoleName=ROLE)["Role"]
    assert role["Arn"] == f"arn:aws:iam::111122223333:role/{ROLE}"
    assert role["AssumeRolePolicyDocument"] == TRUST
    assert attached(iam) == POLICIES


def test_the_workshops_commands_work_on_a_fresh_maze(new_cloud, tmp_path):
    trust = tmp_path / "trust-policy.json"
    trust.write_text(json.dumps(TRUST))
    made = aws(
        new_cloud,
        *("iam", "create-role", "--role-name", ROLE),
        *("--assume-role-policy-document", f"file://{trust}"),
    )
    assert made["Role"]["Arn"] == f"arn:aws:iam::111122223333:role/{ROLE}"
    iam = new_cloud.client("iam")
    assert attached(iam) == []
    for policy in POLICIES:
        arn = f"arn:aws:iam::aws:policy/{policy}"
        aws(new_cloud, "iam", "attach-role-policy", "--role-name", ROLE, "--policy-arn", arn)
    assert attached(iam) == POLICIES
    found = aws(new_cloud, "iam", "get-role", "--role-name", ROLE)
    assert found["Role"]["RoleId"] == made["Role"]["RoleId"]
    error = refusal(iam.create_role, RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))
    assert error["Code"] == "EntityAlreadyExists"


def test_a_changed_execution_role_is_not_replaced(new_cloud):
    iam = new_cloud.client("iam")
    iam.tag_role(RoleName=ROLE, Tags=[{"Key": "a", "Value": "b"}])
    error = refusal(iam.create_role, RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))
    assert error["Code"] == "EntityAlreadyExists"
    assert attached(iam) == POLICIES


def test_a_role_that_cannot_be_made_leaves_the_prepared_one(new_cloud):
    iam = new_cloud.client("iam")
    error = refusal(iam.create_role, RoleName=ROLE, AssumeRolePolicyDocument="no JSON")
    assert error["Code"] == "MalformedPolicyDocument"
    assert attached(iam) == POLICIES
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))
    assert attached(iam) == []


def test_everything_survives_a_kill(new_cloud):
    iam = new_cloud.client("iam")
    iam.create_role(RoleName="Mine", AssumeRolePolicyDocument=json.dumps(TRUST), Path="/deep/")
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
    }
    iam.put_role_policy(RoleName="Mine", PolicyName="inline", PolicyDocument=json.dumps(policy))
    iam.attach_role_policy(
        RoleName="Mine", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    )
    iam.create_role(RoleName="Gone", AssumeRolePolicyDocument=json.dumps(TRUST))
    iam.delete_role(RoleName="Gone")
    iam.create_user(UserName="someone")
    key = iam.create_access_key(UserName="someone")["AccessKey"]
    before = [iam.get_role(RoleName=name)["Role"] for name in (ROLE, "Mine")]
    user = iam.get_user(UserName="someone")["User"]
    new_cloud.kill()
    new_cloud.start()
    iam = new_cloud.client("iam")
    assert [iam.get_role(RoleName=name)["Role"] for name in (ROLE, "Mine")] == before
    assert iam.get_user(UserName="someone")["User"] == user
    found = iam.get_role_policy(RoleName="Mine", PolicyName="inline")
    assert found["PolicyDocument"] == policy
    assert attached(iam, "Mine") == ["AmazonS3ReadOnlyAccess"]
    error = refusal(iam.get_role, RoleName="Gone")
    assert error["Code"] == "NoSuchEntity"
    assert error["Message"] == "The role with name Gone cannot be found."  # observed
    (found,) = iam.list_access_keys(UserName="someone")["AccessKeyMetadata"]
    assert found["AccessKeyId"] == key["AccessKeyId"]
    assert found["CreateDate"] == key["CreateDate"]


@pytest.mark.slow
def test_a_prepared_role_may_be_made_after_a_restart_too(new_cloud):
    assert attached(new_cloud.client("iam")) == POLICIES
    for expected in ("made", "EntityAlreadyExists"):
        new_cloud.kill()
        new_cloud.start()
        iam = new_cloud.client("iam")
        try:
            iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))
            found = "made"
        except ClientError as error:
            found = error.response["Error"]["Code"]
        assert found == expected
        assert attached(iam) == []


def test_awss_own_policies_are_there(iam):
    policy = iam.get_policy(PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")["Policy"]
    assert policy["PolicyName"] == "AmazonSageMakerFullAccess"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no spaces", "Value 'no spaces' at 'roleName' failed to satisfy constraint"),
        ("x" * 65, "Member must have length less than or equal to 64"),
    ],
)
def test_the_model_is_enforced_before_moto(iam, name, words):
    error = refusal(iam.create_role, RoleName=name, AssumeRolePolicyDocument="{}")
    assert error["Code"] == "ValidationError"
    assert words in error["Message"]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("no JSON", "invalid Json"),
        ("[]", "Syntax errors in policy."),
        (json.dumps({"Statement": [{"Effect": "Allow", "Action": "s3:*"}]}), "sts:AssumeRole"),
    ],
)
def test_a_trust_policy_must_be_one(iam, document, words):
    error = refusal(iam.create_role, RoleName="R", AssumeRolePolicyDocument=document)
    assert error["Code"] == "MalformedPolicyDocument"
    assert words in error["Message"]


def test_a_trust_policy_may_be_in_the_older_language(iam):
    document = json.dumps(TRUST | {"Version": "2008-10-17"})
    iam.create_role(RoleName="Old", AssumeRolePolicyDocument=document)


def test_a_role_is_no_user(iam):  # observed in public reports
    error = refusal(iam.get_user)
    assert error["Code"] == "ValidationError"
    assert error["Message"] == "Must specify userName when calling with non-User credentials"


def test_what_moto_does_not_implement_says_so_by_name(iam):
    error = refusal(
        iam.generate_organizations_access_report, EntityPath="o-a1b2c3d4e5/r-f6g7h8i9j0"
    )
    assert error["Message"] == (
        "The local cloud does not implement iam GenerateOrganizationsAccessReport."
    )


def test_concurrent_calls_are_all_kept(new_cloud):
    iam, document = new_cloud.client("iam"), json.dumps(TRUST)

    def create(number: int) -> str:
        name = f"Role{number}"
        return iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["RoleId"]

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(create, range(24)))
    assert len(set(ids)) == 24
    new_cloud.kill()
    new_cloud.start()
    iam = new_cloud.client("iam")
    assert [iam.get_role(RoleName=f"Role{n}")["Role"]["RoleId"] for n in range(24)] == ids
