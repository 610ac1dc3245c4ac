"""A practitioner's way to SageMaker by command line: each line in its order, as it is typed.

AWS CLI 2 is on no package index. It differs here in three ways: it prints the times of JSON with
an offset (+00:00 for Z), shows long answers in a pager, and exits with 252 where it is misused.
"""

import re
import subprocess
import tarfile
from pathlib import Path

import jmespath
import pytest
from botocore.exceptions import ClientError
from conftest import RunningCloud
from roles import SAGEMAKER, Role, trust
from trainer import Trainer

ROLE = "SageMakerExecutionRole"
ROLE_ARN = f"arn:aws:iam::111122223333:role/{ROLE}"
MANAGED = "arn:aws:iam::aws:policy"
POLICIES = ["AmazonSageMakerFullAccess", "AmazonS3FullAccess", "CloudWatchLogsFullAccess"]
SCRIPTS = ["train.py", "inference.py", "model.py", "utils.py", "requirements.txt"]
GROUP = "/aws/sagemaker/Endpoints/intent-detection-endpoint"
AT = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
NEW_ROLE = f"--role-name {ROLE} --assume-role-policy-document file://trust-policy.json"


def uploaded(name: str, key: str) -> str:
    """Return the expression for what `aws s3 cp` ends with."""
    return rf"upload: \S*{re.escape(name)} to {re.escape(key)}\s*$"


# What is typed, and the expression for what is printed.
JOURNEY = [
    ("aws --version", r"^aws-cli/\d+\.\d+\.\d+ Python/\S+ \S+"),
    ("aws s3 mb s3://s3-sentiment", r"^make_bucket: s3-sentiment\n$"),
    ("aws s3 ls", rf"^{AT} s3-sentiment\n$"),
    (
        "aws s3 cp dataset/test.csv s3://s3-sentiment/dataset/test.csv",
        uploaded("dataset/test.csv", "s3://s3-sentiment/dataset/test.csv"),
    ),
    (
        "aws s3 cp dataset/train.csv s3://s3-sentiment/train.csv",
        uploaded("dataset/train.csv", "s3://s3-sentiment/train.csv"),
    ),
    ("aws s3 ls s3://s3-sentiment", rf"^ {{27}}PRE dataset/\n{AT} {{9}}31 train.csv\n$"),
    (
        "aws s3 mv s3://s3-sentiment/train.csv s3://s3-sentiment/dataset/train.csv",
        r"move: s3://s3-sentiment/train.csv to s3://s3-sentiment/dataset/train.csv\s*$",
    ),
    ("aws s3 ls s3://s3-sentiment", r"^ {27}PRE dataset/\n$"),
    (
        "aws s3 ls s3://s3-sentiment/dataset/",
        rf"^{AT} {{9}}30 test.csv\n{AT} {{9}}31 train.csv\n$",
    ),
    (f"aws iam create-role {NEW_ROLE}", f'"Arn": "{ROLE_ARN}"'),
    *[
        (f"aws iam attach-role-policy --role-name {ROLE} --policy-arn {MANAGED}/{policy}", "^$")
        for policy in POLICIES
    ],
    (f"aws iam get-role --role-name {ROLE}", f'"Arn": "{ROLE_ARN}"'),
    ("aws s3 mb s3://s3-intent", r"^make_bucket: s3-intent\n$"),
    *[
        (
            f"cd scripts && aws s3 cp {script} s3://s3-intent/scripts/{script}",
            uploaded(script, f"s3://s3-intent/scripts/{script}"),
        )
        for script in SCRIPTS
    ],
    (
        "cd instance && aws s3 cp s3://s3-intent/scripts/ scripts/ --recursive",
        r"download: s3://s3-intent/scripts/utils.py to scripts/utils.py",
    ),
    ("cd instance/scripts && pip install -r requirements.txt", "already satisfied: numpy"),
    ("tar -czvf model.tar.gz -C model_dir .", r"(?m)^(a )?\./model\.pth$"),
    (
        "aws s3 cp model.tar.gz s3://s3-intent/models/model.tar.gz",
        uploaded("model.tar.gz", "s3://s3-intent/models/model.tar.gz"),
    ),
    ("aws sagemaker list-endpoints", r'^\{\s+"Endpoints": \[\]\s+\}\n$'),
    (
        f"aws logs describe-log-groups --log-group-name-prefix {GROUP}",
        r'^\{\s+"logGroups": \[\]\s+\}\n$',
    ),
]


@pytest.fixture
def project(tmp_path) -> Path:
    """A practitioner's folder; its names are what matters, not what the files hold."""
    folder = tmp_path / "Sentiment-Analysis"
    for name in ("scripts", "dataset", "model_dir", "instance"):
        (folder / name).mkdir(parents=True)
    for script in SCRIPTS:
        (folder / "scripts" / script).write_text("numpy\n" if script.endswith("txt") else "pass\n")
    (folder / "dataset/train.csv").write_text("text,intent\na pizza,place_order")
    (folder / "dataset/test.csv").write_text("text,intent\na sofa,place_order")
    (folder / "model_dir/model.pth").write_bytes(b"\x80weights")
    (folder / "trust-policy.json").write_text(trust(SAGEMAKER))
    return folder


def typed(cloud: RunningCloud, folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    """Run a line in a shell, in the local cloud's environment and with no package index."""
    env = {**cloud.env, "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    # GNU tar tells on stdout what it packs, macOS's on stderr.
    return subprocess.run(
        ["bash", "-c", f"{line} 2>&1" if line.startswith("tar") else line],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_every_line_of_the_journey_works_in_its_order(new_cloud, project):
    for line, printed in JOURNEY:
        done = typed(new_cloud, project, line)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        assert re.search(printed, done.stdout), f"{line}\n{done.stdout}"
    s3 = new_cloud.client("s3")
    kept = [found["Key"] for found in s3.list_objects_v2(Bucket="s3-intent")["Contents"]]
    assert kept == ["models/model.tar.gz", *(f"scripts/{name}" for name in sorted(SCRIPTS))]
    with tarfile.open(project / "model.tar.gz") as archive:
        assert archive.getnames() == [".", "./model.pth"]
    for script in SCRIPTS:
        copy = project / "instance/scripts" / script
        assert copy.read_bytes() == (project / "scripts" / script).read_bytes()


def test_the_name_of_a_log_group_is_ambiguous_without_prefix_or_pattern(local_cloud, tmp_path):
    done = typed(local_cloud, tmp_path, f"aws logs describe-log-groups --log-group-name {GROUP}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(
        "aws: error: ambiguous option: --log-group-name could match "
        "--log-group-name-prefix, --log-group-name-pattern\n"
    )


# What people type to see less, and what they see.
VIEWS = [
    (f"iam get-role --role-name {ROLE} --query Role.Arn --output text", f"^{ROLE_ARN}\n$"),
    (
        f"iam list-attached-role-policies --role-name {ROLE} --output table",
        r"(?m)^\|{2}  arn:aws:iam::aws:policy/AmazonS3FullAccess +\|  AmazonS3FullAccess +\|{2}$",
    ),
    (
        f"iam list-attached-role-policies --role-name {ROLE} "
        "--query 'AttachedPolicies[].PolicyName' --output text",
        f"^{chr(9).join(sorted(POLICIES))}\n$",
    ),
    ("sagemaker list-endpoints --output table", r"\|ListEndpoints\|"),
    ("sagemaker list-endpoints --output text", "^$"),
    ("sagemaker list-endpoints --query 'Endpoints[].EndpointName'", r"^\[\]\n$"),
    (
        f"logs describe-log-groups --log-group-name-prefix {GROUP} "
        "--query 'logGroups[].logGroupName'",
        r"^\[\]\n$",
    ),
    ("s3api list-buckets --query 'length(Buckets)'", r"^\d+\n$"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "printed"), VIEWS)
def test_answers_are_shown_as_one_asks(local_cloud, tmp_path, arguments, printed):
    done = typed(local_cloud, tmp_path, f"aws {arguments}")
    assert done.returncode == 0, done.stderr
    assert re.search(printed, done.stdout), done.stdout


# The same with boto3: service, operation, request, what to look at, and what is there.
CALLS: list[tuple[str, str, dict, str, object]] = [
    ("s3", "create_bucket", {"Bucket": "s3-intent"}, "Location", "/s3-intent"),
    ("s3", "list_buckets", {}, "Buckets[].Name", ["s3-intent"]),
    (
        "s3",
        "put_object",
        {"Bucket": "s3-intent", "Key": "train.csv", "Body": b"text,intent\n"},
        "ETag != null",
        True,
    ),
    (
        "s3",
        "copy_object",
        {"Bucket": "s3-intent", "Key": "dataset/train.csv", "CopySource": "s3-intent/train.csv"},
        "CopyObjectResult.ETag != null",
        True,
    ),
    ("s3", "delete_object", {"Bucket": "s3-intent", "Key": "train.csv"}, "Error", None),
    (
        "s3",
        "list_objects_v2",
        {"Bucket": "s3-intent", "Delimiter": "/"},
        "[KeyCount, Contents, CommonPrefixes[].Prefix]",
        [1, None, ["dataset/"]],
    ),
    (
        "iam",
        "create_role",
        {"RoleName": ROLE, "AssumeRolePolicyDocument": trust(SAGEMAKER)},
        "Role.Arn",
        ROLE_ARN,
    ),
    *[
        (
            "iam",
            "attach_role_policy",
            {"RoleName": ROLE, "PolicyArn": f"{MANAGED}/{policy}"},
            "Error",
            None,
        )
        for policy in POLICIES
    ],
    (
        "iam",
        "get_role",
        {"RoleName": ROLE},
        "Role.AssumeRolePolicyDocument.Statement[].Principal.Service",
        ["sagemaker.amazonaws.com"],
    ),
    (
        "iam",
        "list_attached_role_policies",
        {"RoleName": ROLE},
        "AttachedPolicies[].PolicyName",
        sorted(POLICIES),
    ),
    ("sagemaker", "list_endpoints", {}, "Endpoints", []),
    ("logs", "describe_log_groups", {"logGroupNamePrefix": GROUP}, "logGroups", []),
]


@pytest.mark.slow
def test_boto3_goes_the_same_way(new_cloud):
    clients = {service: new_cloud.client(service) for service, *_ in CALLS}
    for service, operation, request, looked_at, expected in CALLS:
        answer = getattr(clients[service], operation)(**request)
        assert jmespath.search(looked_at, answer) == expected, f"{operation}: {answer}"


# What the three policies are for

TRAIN = """
print("trained")
with open("/opt/ml/model/model.txt", "w") as file:
    file.write("weights")
"""


@pytest.fixture(scope="module")
def trainer(local_cloud) -> Trainer:
    return Trainer(local_cloud)


def run_with(trainer: Trainer, *policies: str) -> dict:
    """Run a job as a new role that AWS's policies of these names are attached to."""
    role = Role(trainer.cloud, trust_policy=trust(SAGEMAKER))
    for policy in policies:
        role.attach(policy)
    return trainer.run_program(TRAIN, RoleArn=role.arn)


def test_the_three_policies_are_enough_to_train(trainer):
    job = run_with(trainer, *POLICIES)
    assert job["TrainingJobStatus"] == "Completed"
    assert trainer.lines(job["TrainingJobName"]) == ["trained"]
    assert trainer.keys(job["TrainingJobName"]) == ["model.tar.gz"]


def test_without_the_policy_for_s3_a_job_is_refused_its_data(trainer):
    job = run_with(trainer, "AmazonSageMakerFullAccess", "CloudWatchLogsFullAccess")
    assert job["TrainingJobStatus"] == "Failed"
    assert "is not authorized to perform: s3:GetObject on resource" in job["FailureReason"]


def test_the_policy_for_sagemaker_has_the_logs_in_it_already(trainer):
    job = run_with(trainer, "AmazonSageMakerFullAccess", "AmazonS3FullAccess")
    assert trainer.lines(job["TrainingJobName"]) == ["trained"]


def test_the_policy_for_sagemaker_reaches_buckets_with_sagemaker_in_their_names(trainer):
    role = Role(trainer.cloud, trust_policy=trust())
    role.attach("AmazonSageMakerFullAccess")
    s3 = role.client("s3")
    for bucket, is_allowed in (("a-sagemaker-bucket", True), ("s3-intent", False)):
        trainer.s3.create_bucket(Bucket=bucket)
        trainer.s3.put_object(Bucket=bucket, Key="train.csv", Body=b"text,intent")
        if is_allowed:
            assert s3.get_object(Bucket=bucket, Key="train.csv")["ContentLength"] == 11
        else:
            with pytest.raises(ClientError, match="AccessDenied"):
                s3.get_object(Bucket=bucket, Key="train.csv")
