"""The check of chapter 1's bonus notebook 2: scripts for a job, a bucket with all, and a role."""

import json
from collections.abc import Iterable
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from maze_helpers.checks.check import Check, Missing
from maze_helpers.checks.script import read_script

HERE = Path()
HANDLERS = ("model_fn", "input_fn", "predict_fn", "output_fn")
# What train.py reads where a job says it, and why it must.
JOB_STRINGS = {
    "SM_CHANNEL_TRAIN": "where a job's training data is",
    "SM_MODEL_DIR": "where a job's model is to go",
    "/opt/ml/model": "the folder that SageMaker takes the model from",
}
IN_BUCKET = {
    "scripts": ("train.py", "inference.py", "model.py", "requirements.txt"),
    "dataset": ("train.csv", "test.csv"),
    "model": ("model.pth", "label_encoder.pkl"),
}
SERVICE = "sagemaker.amazonaws.com"


def _look(session: boto3.Session, bucket: str, role: str, folder: Path = HERE) -> str:
    _judge_scripts(folder)
    found = _keys(session, bucket)
    for name, files in IN_BUCKET.items():
        _judge_keys(bucket, name, files, found)
    arn = _judge_trust(session, role)
    _judge_rights(session, arn, f"arn:aws:s3:::{bucket}/dataset/train.csv")
    return f"Scripts, data and model are in s3://{bucket}, and {role} may be lent to SageMaker."


def _judge_scripts(folder: Path) -> None:
    train = read_script(folder, "scripts/train.py")
    for string, meaning in JOB_STRINGS.items():
        if string not in train.strings:
            raise Missing(f"scripts/train.py does not name {string}, {meaning}.")
    if train.calls_when_imported("main"):
        raise Missing("Importing scripts/train.py starts it: call main() under `if __name__`.")
    inference = read_script(folder, "scripts/inference.py")
    missing = [name for name in HANDLERS if name not in inference.functions]
    if missing:
        raise Missing(f"scripts/inference.py defines no {', '.join(missing)}.")
    read_script(folder, "scripts/model.py")
    if not (folder / "scripts/requirements.txt").is_file():
        raise Missing("requirements.txt must be in scripts/, the folder that a job gets.")


def _keys(session: boto3.Session, bucket: str) -> set[str]:
    pages = session.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket)
    try:
        return {item["Key"] for page in pages for item in page.get("Contents", [])}
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise
        raise Missing(
            f"There is no bucket {bucket}: `aws s3 mb s3://{bucket}` makes it."
        ) from error


def _judge_keys(bucket: str, folder: str, files: Iterable[str], found: set[str]) -> None:
    missing = [f"{folder}/{name}" for name in files if f"{folder}/{name}" not in found]
    if missing:
        how = (
            f"`train.py … --upload s3://{bucket}/model/` puts it there."
            if folder == "model"
            else f"`aws s3 cp {folder} s3://{bucket}/{folder} --recursive` puts it there."
        )
        raise Missing(f"There is no {missing[0]} in s3://{bucket}: {how}")


def _judge_trust(session: boto3.Session, role: str) -> str:
    """Return the role's ARN; raise Missing, unless SageMaker may assume the role."""
    try:
        description = session.client("iam").get_role(RoleName=role)["Role"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
        raise Missing(f"There is no role {role}: `aws iam create-role` makes one.") from error
    statements = description["AssumeRolePolicyDocument"]["Statement"]
    statements = statements if isinstance(statements, list) else [statements]
    if not any(_lends(statement) for statement in statements):
        raise Missing(f"The trust policy of {role} does not name {SERVICE}, so no job can be it.")
    return description["Arn"]


def _lends(statement: dict) -> bool:
    # A service alone or among others, as a string or in a list: JSON has it all.
    return statement["Effect"] == "Allow" and SERVICE in json.dumps(statement.get("Principal"))


def _judge_rights(session: boto3.Session, role_arn: str, object_arn: str) -> None:
    answer = session.client("iam").simulate_principal_policy(
        PolicySourceArn=role_arn, ActionNames=["s3:GetObject"], ResourceArns=[object_arn]
    )
    if answer["EvaluationResults"][0]["EvalDecision"] != "allowed":
        raise Missing(f"{role_arn} may not read {object_arn}: attach a policy that allows it.")


project = Check(
    "chapter 1, bonus 2",
    "Scripts, data and a model are in a bucket, and there is a role for a job that uses them.",
    _look,
)
