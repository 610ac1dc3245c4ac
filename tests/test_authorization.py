"""What a role's credentials may do at each service but S3, and what AWS says of the rest."""

import subprocess
import sys
from urllib.parse import urlencode

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from roles import ACCOUNT, Role, allow, deny, lent_client, policy, user_client
from signed_requests import Signer, send
from training_job import IMAGE

ARN = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
LOGS = f"arn:aws:logs:us-east-1:{ACCOUNT}"


def refusal(call, **parameters) -> tuple[str, str]:
    """Return the code and message of the error that a call is answered with."""
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def sentence(role: Role, action: str, resource: str = "", why: str = "") -> str:
    """Return AWS's sentence for what a role may not do."""
    on = f" on resource: {resource}" if resource else ""
    why = why or f"because no identity-based policy allows the {action} action"
    who = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role.name}/tester"
    return f"User: {who} is not authorized to perform: {action}{on} {why}"


@pytest.fixture(scope="module")
def nobody(local_cloud) -> Role:
    """A role that may do nothing."""
    return Role(local_cloud)


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "code", "action", "resource"),
    [
        (
            "sagemaker",
            "describe_endpoint",
            {"EndpointName": "Mine"},
            "AccessDeniedException",
            "sagemaker:DescribeEndpoint",
            f"{ARN}:endpoint/mine",
        ),
        (
            "sagemaker",
            "stop_training_job",
            {"TrainingJobName": "job"},
            "AccessDeniedException",
            "sagemaker:StopTrainingJob",
            f"{ARN}:training-job/job",
        ),
        ("sagemaker", "list_models", {}, "AccessDeniedException", "sagemaker:ListModels", ""),
        (
            "sagemaker",
            "list_tags",
            {"ResourceArn": f"{ARN}:model/m"},
            "AccessDeniedException",
            "sagemaker:ListTags",
            f"{ARN}:model/m",
        ),
        (
            "sagemaker-runtime",
            "invoke_endpoint",
            {"EndpointName": "mine", "Body": b""},
            "AccessDeniedException",
            "sagemaker:InvokeEndpoint",
            f"{ARN}:endpoint/mine",
        ),
        (
            "logs",
            "get_log_events",
            {"logGroupName": "/g", "logStreamName": "s"},
            "AccessDeniedException",
            "logs:GetLogEvents",
            f"{LOGS}:log-group:/g:log-stream:s",
        ),
        (
            "logs",
            "describe_log_groups",
            {},
            "AccessDeniedException",
            "logs:DescribeLogGroups",
            f"{LOGS}:log-group::log-stream:",
        ),
        ("cloudwatch", "list_metrics", {}, None, "cloudwatch:ListMetrics", ""),
        (
            "iam",
            "get_role",
            {"RoleName": "SageMakerExecutionRole"},
            "AccessDenied",
            "iam:GetRole",
            "role SageMakerExecutionRole",
        ),
        (
            "iam",
            "list_roles",
            {},
            "AccessDenied",
            "iam:ListRoles",
            f"arn:aws:iam::{ACCOUNT}:role/",
        ),
        (
            "service-quotas",
            "list_services",
            {},
            "AccessDeniedException",
            "servicequotas:ListServices",
            "",
        ),
        (
            "application-autoscaling",
            "describe_scalable_targets",
            {"ServiceNamespace": "sagemaker"},
            "AccessDeniedException",
            "application-autoscaling:DescribeScalableTargets",
            "",
        ),
    ],
)
def test_what_no_policy_allows_is_denied_in_awss_words(
    nobody, service, operation, parameters, code, action, resource
):
    found = refusal(getattr(nobody.client(service), operation), **parameters)
    assert found[1] == sentence(nobody, action, resource)
    assert found[0] == code or (code is None and found[0].startswith("AccessDenied"))


def test_everybody_may_ask_who_they_are(nobody):  # documented
    arn = nobody.client("sts").get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/{nobody.name}/tester"


def test_the_users_session_token_is_the_administrators(local_cloud):
    token = user_client(local_cloud, "sts").get_session_token()["Credentials"]
    sagemaker = lent_client(local_cloud, token, "sagemaker")
    assert "Models" in sagemaker.list_models()


def test_an_explicit_deny_is_told_as_one(local_cloud):
    role = Role(local_cloud, allow("*"), deny("sagemaker:List*"))
    client = role.client("sagemaker")
    why = "with an explicit deny in an identity-based policy"
    assert refusal(client.list_models) == (
        "AccessDeniedException",
        sentence(role, "sagemaker:ListModels", why=why),
    )
    assert refusal(client.describe_model, ModelName="m")[0] == "ValidationException"


def test_a_policy_of_the_account_counts_by_its_default_version(local_cloud):
    role = Role(local_cloud)
    client = role.client("sagemaker")
    arn = role.iam.create_policy(
        PolicyName=role.name, PolicyDocument=policy(allow("sagemaker:ListModels"))
    )["Policy"]["Arn"]
    role.iam.attach_role_policy(RoleName=role.name, PolicyArn=arn)
    client.list_models()
    role.iam.create_policy_version(
        PolicyArn=arn, PolicyDocument=policy(allow("logs:*")), SetAsDefault=True
    )
    assert refusal(client.list_models)[0] == "AccessDeniedException"
    role.iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    client.list_models()
    role.iam.detach_role_policy(RoleName=role.name, PolicyArn=arn)
    assert refusal(client.list_models)[0] == "AccessDeniedException"


def test_a_permissions_boundary_limits_what_policies_allow(local_cloud):
    arn = user_client(local_cloud, "iam").create_policy(
        PolicyName="boundary", PolicyDocument=policy(allow("logs:*"))
    )["Policy"]["Arn"]
    role = Role(local_cloud, allow("*"), PermissionsBoundary=arn)
    role.client("logs").describe_log_groups()
    why = "because no permissions boundary allows the sagemaker:ListModels action"
    assert refusal(role.client("sagemaker").list_models)[1] == sentence(
        role, "sagemaker:ListModels", why=why
    )


def test_a_session_policy_limits_what_the_role_may_do(local_cloud):
    role = Role(local_cloud, allow("logs:*", "sagemaker:*"))
    limits = policy(allow("sagemaker:*", "iam:*"))
    clients = {name: role.client(name, Policy=limits) for name in ("sagemaker", "logs", "iam")}
    clients["sagemaker"].list_models()
    why = "because no session policy allows the logs:DescribeLogGroups action"
    assert why in refusal(clients["logs"].describe_log_groups)[1]
    assert refusal(clients["iam"].list_roles)[0] == "AccessDenied"


def test_a_session_may_be_limited_by_awss_own_policies(local_cloud):
    role = Role(local_cloud, allow("*"))
    arns = [{"arn": "arn:aws:iam::aws:policy/CloudWatchLogsReadOnlyAccess"}]
    role.client("logs", PolicyArns=arns).describe_log_groups()
    assert refusal(role.client("sagemaker", PolicyArns=arns).list_models)[0] == (
        "AccessDeniedException"
    )


def test_tags_of_the_role_and_the_session_are_variables(local_cloud):
    tag = {"Key": "team", "Value": "red"}
    resource = f"{ARN}:model/${{aws:PrincipalTag/team}}-*"
    role = Role(local_cloud, allow("sagemaker:DescribeModel", resource=resource), Tags=[tag])
    client = role.client("sagemaker")
    assert refusal(client.describe_model, ModelName="red-1")[0] == "ValidationException"
    assert refusal(client.describe_model, ModelName="blue-1")[0] == "AccessDeniedException"


@pytest.mark.parametrize(
    ("operator", "key", "value", "allowed"),
    [
        ("IpAddress", "aws:SourceIp", "127.0.0.1/32", True),
        ("IpAddress", "aws:SourceIp", "10.0.0.0/8", False),
        ("DateGreaterThan", "aws:CurrentTime", "2024-01-01T00:00:00Z", True),
        ("DateLessThan", "aws:CurrentTime", "2024-01-01T00:00:00Z", False),
        ("Bool", "aws:SecureTransport", "true", True),
        ("StringEquals", "aws:RequestedRegion", "us-east-1", True),
        ("StringEquals", "aws:RequestedRegion", "eu-west-1", False),
        ("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:role/*", True),
        ("StringLike", "aws:UserAgent", "*Boto3*", True),
        ("StringLike", "aws:userid", "AROA*:tester", True),
        ("Null", "aws:username", "true", True),
    ],
)
def test_requests_have_the_keys_that_conditions_ask_for(local_cloud, operator, key, value, allowed):
    role = Role(local_cloud, allow("sagemaker:ListModels", Condition={operator: {key: value}}))
    try:
        role.client("sagemaker").list_models()
    except ClientError as error:
        assert not allowed, error
    else:
        assert allowed


def test_a_resources_tags_are_keys(local_cloud):
    for stage in ("test", "live"):
        user_client(local_cloud, "sagemaker").create_model(
            ModelName=f"of-{stage}",
            PrimaryContainer={"Image": IMAGE},
            ExecutionRoleArn=f"arn:aws:iam::{ACCOUNT}:role/SageMakerExecutionRole",
            Tags=[{"Key": "stage", "Value": stage}],
        )
    condition = {"StringEquals": {"aws:ResourceTag/stage": "test"}}
    role = Role(local_cloud, allow("sagemaker:DescribeModel", Condition=condition))
    client = role.client("sagemaker")
    assert client.describe_model(ModelName="of-test")["ModelName"] == "of-test"
    assert refusal(client.describe_model, ModelName="of-live")[0] == "AccessDeniedException"


@pytest.mark.parametrize("name", ["prod", "PROD"])
def test_an_arn_is_denied_however_it_is_spelled(local_cloud, name):
    role = Role(local_cloud, allow("*"), deny("*", resource=f"{ARN}:model/prod"))
    tags = [{"Key": "stage", "Value": "test"}]
    call = role.client("sagemaker").add_tags
    code, message = refusal(call, ResourceArn=f"{ARN}:model/{name}", Tags=tags)
    assert (code, f"{ARN}:model/prod" in message) == ("AccessDeniedException", True)


def test_a_metrics_namespace_is_a_key(local_cloud):
    condition = {"StringEquals": {"cloudwatch:namespace": "Mine"}}
    role = Role(local_cloud, allow("cloudwatch:PutMetricData", Condition=condition))
    client, data = role.client("cloudwatch"), [{"MetricName": "m", "Value": 1}]
    client.put_metric_data(Namespace="Mine", MetricData=data)
    why = "because no identity-based policy allows the cloudwatch:PutMetricData action"
    assert refusal(client.put_metric_data, Namespace="Yours", MetricData=data)[1].endswith(why)


def test_a_role_that_is_deleted_may_do_nothing_more(local_cloud):
    role = Role(local_cloud, allow("*"))
    client = role.client("sagemaker")
    client.list_models()
    role.delete()
    assert refusal(client.list_models)[0] == "AccessDeniedException"


def test_a_role_that_is_made_anew_is_the_one_that_older_credentials_speak_for(local_cloud):
    role = Role(local_cloud, allow("logs:*"))
    client = role.client("sagemaker")
    role.delete()
    Role(local_cloud, allow("sagemaker:*"), RoleName=role.name)
    client.list_models()


def test_what_changes_in_iam_counts_at_the_next_call(local_cloud):
    role = Role(local_cloud, allow("logs:*"))
    client = role.client("sagemaker")
    for _ in range(2):
        assert refusal(client.list_models)[0] == "AccessDeniedException"
        role.set(allow("sagemaker:*"))
        client.list_models()
        role.set(allow("logs:*"))


def test_a_role_that_is_named_twice_is_the_one_that_policies_were_asked_about(local_cloud):
    mine, other = Role(local_cloud), Role(local_cloud)
    mine.set(allow("iam:AttachRolePolicy", resource=mine.arn))
    lent = mine.assume()
    key = Credentials(lent["AccessKeyId"], lent["SecretAccessKey"], lent["SessionToken"])
    form = {"Version": "2010-05-08", "Action": "AttachRolePolicy", "PolicyArn": READ_ONLY}
    for path, names in (("/", [other.name, mine.name]), (f"/?RoleName={other.name}", [mine.name])):
        body = urlencode([*form.items(), *(("RoleName", name) for name in names)]).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        request = Signer(local_cloud, key).request("POST", path, body, headers, service="iam")
        assert send(request).status == 200
    assert not other.iam.list_attached_role_policies(RoleName=other.name)["AttachedPolicies"]


@pytest.mark.slow
def test_a_restart_keeps_what_roles_may_do(new_cloud):
    role = Role(new_cloud, allow("sagemaker:ListModels"))
    client = role.client("sagemaker", Policy=policy(allow("sagemaker:List*")))
    new_cloud.restart()
    client.list_models()
    assert refusal(client.describe_model, ModelName="m")[0] == "AccessDeniedException"


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("sagemaker", "list_models", "InvalidSignatureException"),
        ("logs", "describe_log_groups", "InvalidSignatureException"),
        ("iam", "list_roles", "SignatureDoesNotMatch"),
    ],
)
def test_another_region_is_refused(local_cloud, service, operation, code):
    client = user_client(local_cloud, service, "eu-west-1")
    assert refusal(getattr(client, operation)) == (
        code,
        "Credential should be scoped to a valid region, not 'eu-west-1'. "
        "The local cloud's region is 'us-east-1'.",
    )


def test_sts_answers_in_every_region(local_cloud):
    client = user_client(local_cloud, "sts", "eu-west-1")
    assert client.get_caller_identity()["Account"] == ACCOUNT


@pytest.mark.slow
def test_the_cli_in_another_region_says_what_is_wrong(local_cloud):
    command = [sys.executable, "-m", "awscli", "sagemaker", "list-models", "--region", "eu-west-1"]
    run = subprocess.run(command, env=local_cloud.env, capture_output=True, text=True)
    assert "The local cloud's region is 'us-east-1'." in run.stderr


@pytest.mark.parametrize(
    ("statement", "decision"),
    [
        (allow("s3:GetObject"), "allowed"),
        (allow("s3:PutObject"), "implicitDeny"),
        (deny("s3:*"), "explicitDeny"),
    ],
)
def test_simulations_tell_what_a_policy_would_do(local_cloud, statement, decision):
    role = Role(local_cloud, statement)
    iam = user_client(local_cloud, "iam")
    asked = {"ActionNames": ["s3:GetObject"], "ResourceArns": ["arn:aws:s3:::b/k"]}
    for answer in (
        iam.simulate_principal_policy(PolicySourceArn=role.arn, **asked),
        iam.simulate_custom_policy(PolicyInputList=[policy(statement)], **asked),
    ):
        (result,) = answer["EvaluationResults"]
        assert result["EvalDecision"] == decision
        assert (result["EvalActionName"], result["EvalResourceName"]) == (
            "s3:GetObject",
            "arn:aws:s3:::b/k",
        )


def test_simulations_take_context_keys(local_cloud):
    condition = {"StringEquals": {"s3:prefix": "mine"}}
    one = policy(allow("s3:ListBucket", Condition=condition))
    iam = user_client(local_cloud, "iam")
    for prefix, decision in (("mine", "allowed"), ("yours", "implicitDeny")):
        entry = {
            "ContextKeyName": "s3:prefix",
            "ContextKeyValues": [prefix],
            "ContextKeyType": "string",
        }
        answer = iam.simulate_custom_policy(
            PolicyInputList=[one], ActionNames=["s3:ListBucket"], ContextEntries=[entry]
        )
        assert answer["EvaluationResults"][0]["EvalDecision"] == decision
