"""STS, as boto3, the AWS CLI and the SageMaker SDK see it."""

import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone

import pytest
from botocore.exceptions import ClientError
from roles import SAGEMAKER, Role, allow, deny, lent_client, trust

TRUST = trust({"AWS": "*"})
ROLE = "arn:aws:iam::111122223333:role/Trusting"
EXECUTION_ROLE = "arn:aws:iam::111122223333:role/SageMakerExecutionRole"
USER = "arn:aws:sts::111122223333:assumed-role/SageMakerExecutionRole/SageMaker"


@pytest.fixture(scope="module")
def sts(local_cloud):
    iam = local_cloud.client("iam")
    iam.create_role(RoleName="Trusting", AssumeRolePolicyDocument=TRUST)
    return local_cloud.client("sts")


def refusal(call, **parameters) -> dict:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    return raised.value.response["Error"]


def assume(sts, **changes) -> dict:
    return sts.assume_role(**{"RoleArn": ROLE, "RoleSessionName": "session"} | changes)


def client_of(local_cloud, credentials: dict):
    """Return an STS client with the Credentials that an operation returned."""
    return lent_client(local_cloud, credentials, "sts")


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
        "arn:aws:sts::111122223333:assumed-role/Trusting/me@example.com"
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
        f"User: {USER} is not authorized to perform: sts:AssumeRole on resource: {arn}"
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


# Who may assume a role: what AWS documents.


def refused(role: Role, **members) -> bool:
    """Return whether the user may not assume a role; the error is AWS's."""
    try:
        role.assume(**members)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied"
        assert error.response["Error"]["Message"] == (
            f"User: {USER} is not authorized to perform: sts:AssumeRole on resource: {role.arn}"
        )
        return True
    return False


def test_a_role_that_trusts_sagemaker_alone_is_not_the_administrators_to_assume(sts):
    assert refusal(assume, sts=sts, RoleArn=EXECUTION_ROLE)["Code"] == "AccessDenied"


@pytest.mark.parametrize(
    ("principal", "is_refused"),
    [
        ({"AWS": "111122223333"}, False),
        ({"AWS": "arn:aws:iam::111122223333:root"}, False),
        ({"AWS": [EXECUTION_ROLE]}, False),
        ({"AWS": USER}, False),
        ({"AWS": "444455556666"}, True),
        ({"AWS": "arn:aws:iam::111122223333:role/Trusting"}, True),
        ({"Service": ["lambda.amazonaws.com", "sagemaker.amazonaws.com"]}, True),
    ],
)
def test_a_trust_policy_names_who_may_assume_a_role(local_cloud, sts, principal, is_refused):
    role = Role(local_cloud, trust_policy=trust(principal))
    assert refused(role) is is_refused


def test_a_trust_policys_conditions_must_hold(local_cloud, sts):
    condition = {"StringEquals": {"sts:ExternalId": "secret"}}
    role = Role(local_cloud, trust_policy=trust({"AWS": "*"}, Condition=condition))
    assert refused(role)
    assert refused(role, ExternalId="other")
    assert not refused(role, ExternalId="secret")


def test_a_changed_trust_policy_counts_at_once(local_cloud, sts):
    role = Role(local_cloud)
    assert not refused(role)
    role.iam.update_assume_role_policy(RoleName=role.name, PolicyDocument=trust(SAGEMAKER))
    assert refused(role)


@pytest.mark.parametrize(
    ("principal", "statements", "is_refused"),
    [
        ({"AWS": "111122223333"}, [], True),
        ({"AWS": "111122223333"}, [allow("sts:AssumeRole")], False),
        ({"AWS": "{caller}"}, [], False),
        ({"AWS": "{caller}"}, [deny("sts:*")], True),
    ],
)
def test_a_role_needs_to_be_let_by_its_own_policies_unless_it_is_named(
    local_cloud, sts, principal, statements, is_refused
):
    caller = Role(local_cloud, allow("logs:*"), *statements)
    named = {"AWS": principal["AWS"].format(caller=caller.arn)}
    target = Role(local_cloud, trust_policy=trust(named))
    client = caller.client("sts")
    request = {"RoleArn": target.arn, "RoleSessionName": "chained"}
    if is_refused:
        assert refusal(client.assume_role, **request)["Code"] == "AccessDenied"
    else:
        assert client.assume_role(**request)["Credentials"]


def test_session_tags_need_a_trust_of_their_own(local_cloud, sts):
    tags = [{"Key": "team", "Value": "a"}]
    assert refused(Role(local_cloud), Tags=tags)
    both = trust({"AWS": "*"}, Action=["sts:AssumeRole", "sts:TagSession"])
    assert not refused(Role(local_cloud, trust_policy=both), Tags=tags)


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"Policy": "no JSON"}, "MalformedPolicyDocument"),
        ({"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/Nothing"}]}, "ValidationError"),
    ],
)
def test_a_session_policy_must_be_one(sts, limits, code):
    assert refusal(assume, sts=sts, **limits)["Code"] == code


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
