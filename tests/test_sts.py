"""STS, as boto3, the AWS CLI and the SageMaker SDK see it."""

import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone

import boto3
import pytest
from botocore.exceptions import ClientError

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
    }
)
ROLE = "arn:aws:iam::111122223333:role/SageMakerExecutionRole"


@pytest.fixture(scope="module")
def sts(local_cloud):
    return local_cloud.client("sts")


def refusal(call, **parameters) -> dict:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    return raised.value.response["Error"]


def assume(sts, **changes) -> dict:
    return sts.assume_role(**{"RoleArn": ROLE, "RoleSessionName": "session"} | changes)


def client_of(local_cloud, credentials: dict):
    """Return an STS client with the Credentials that an operation returned."""
    session = boto3.Session(
        credentials["AccessKeyId"],
        credentials["SecretAccessKey"],
        credentials["SessionToken"],
        region_name="us-east-1",
    )
    return session.client("sts", endpoint_url=local_cloud.endpoint_url)


def test_the_caller_is_the_execution_role_in_a_session(local_cloud, sts):
    identity = sts.get_caller_identity()
    assert identity["Account"] == "111122223333"
    assert identity["Arn"] == (
        "arn:aws:sts::111122223333:assumed-role/SageMakerExecutionRole/SageMaker"
    )
    role = local_cloud.client("iam").get_role(RoleName="SageMakerExecutionRole")["Role"]
    assert identity["UserId"] == f"{role['RoleId']}:SageMaker"


def test_assumed_credentials_sign_as_the_role_they_are_of(local_cloud, sts):
    answer = assume(sts, RoleSessionName="me@example.com")
    assert answer["AssumedRoleUser"]["Arn"] == (
        "arn:aws:sts::111122223333:assumed-role/SageMakerExecutionRole/me@example.com"
    )
    identity = client_of(local_cloud, answer["Credentials"]).get_caller_identity()
    assert identity["Arn"] == answer["AssumedRoleUser"]["Arn"]
    assert identity["UserId"] == answer["AssumedRoleUser"]["AssumedRoleId"]


def test_assumed_credentials_last_an_hour_or_as_asked(sts):  # documented
    now = datetime.now(timezone.utc)
    for changes, duration in [({}, 3600), ({"DurationSeconds": 900}, 900)]:
        expiration = assume(sts, **changes)["Credentials"]["Expiration"]
        lasts = (expiration - now) - timedelta(seconds=duration)
        assert abs(lasts) < timedelta(seconds=60)


def test_a_role_that_is_not_there_is_not_to_be_assumed(sts):  # observed in public reports
    arn = "arn:aws:iam::111122223333:role/Nobody"
    error = refusal(assume, sts=sts, RoleArn=arn)
    assert error["Code"] == "AccessDenied"
    assert error["Message"] == (
        "User: arn:aws:sts::111122223333:assumed-role/SageMakerExecutionRole/SageMaker is not "
        f"authorized to perform: sts:AssumeRole on resource: {arn}"
    )


def test_another_accounts_role_is_not_to_be_assumed(sts):
    arn = ROLE.replace("111122223333", "444455556666")
    assert refusal(assume, sts=sts, RoleArn=arn)["Code"] == "AccessDenied"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"RoleArn": "arn:aws:s3:::a-bucket-not-a-role"}, "is invalid"),
        ({"RoleSessionName": "no spaces"}, "Value 'no spaces' at 'roleSessionName' failed"),
        ({"DurationSeconds": 43201}, "Member must have value less than or equal to 43200"),
        ({"DurationSeconds": 3601}, "exceeds the MaxSessionDuration set for this role"),
    ],
)
def test_what_breaks_a_rule_is_a_validation_error(sts, changes, words):
    error = refusal(assume, sts=sts, **changes)
    assert error["Code"] == "ValidationError"
    assert words in error["Message"]


def test_a_role_with_a_longer_session_may_be_assumed_for_longer(local_cloud, sts):
    iam = local_cloud.client("iam")
    iam.create_role(RoleName="Patient", AssumeRolePolicyDocument=TRUST, MaxSessionDuration=7200)
    arn = "arn:aws:iam::111122223333:role/Patient"
    credentials = assume(sts, RoleArn=arn, DurationSeconds=7200)["Credentials"]
    chained = client_of(local_cloud, credentials)
    error = refusal(assume, sts=chained, RoleArn=arn, DurationSeconds=7200)
    assert "1 hour session limit for roles assumed by role chaining" in error["Message"]


def test_a_role_on_a_path_is_assumed_by_its_whole_arn(local_cloud, sts):
    iam = local_cloud.client("iam")
    role = iam.create_role(RoleName="Deep", Path="/a/b/", AssumeRolePolicyDocument=TRUST)["Role"]
    assert assume(sts, RoleArn=role["Arn"])["AssumedRoleUser"]["Arn"].endswith("/Deep/session")
    arn = "arn:aws:iam::111122223333:role/Deep"
    assert refusal(assume, sts=sts, RoleArn=arn)["Code"] == "AccessDenied"


def test_a_session_token_is_for_long_lived_keys(local_cloud, sts):  # documented
    credentials = sts.get_session_token()["Credentials"]
    temporary = client_of(local_cloud, credentials)
    assert temporary.get_caller_identity()["Account"] == "111122223333"
    assert refusal(temporary.get_session_token)["Code"] == "AccessDenied"


def test_an_access_key_tells_its_account(sts):
    key_id = assume(sts)["Credentials"]["AccessKeyId"]
    assert sts.get_access_key_info(AccessKeyId=key_id)["Account"] == "111122223333"
    error = refusal(sts.get_access_key_info, AccessKeyId="AKIA" + "X" * 16)
    assert error["Code"] == "ValidationError"


def test_what_is_not_implemented_says_so_by_name(sts):
    error = refusal(sts.decode_authorization_message, EncodedMessage="abc")
    assert error["Message"] == "The local cloud does not implement sts DecodeAuthorizationMessage."


def test_the_cli_tells_who_one_is(local_cloud):
    command = [sys.executable, "-m", "awscli", "sts", "get-caller-identity", "--output", "json"]
    run = subprocess.run(command, env=local_cloud.env, capture_output=True, check=True)
    assert json.loads(run.stdout)["Account"] == "111122223333"
