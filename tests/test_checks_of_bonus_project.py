"""The check of the bonus project looks at scripts, a bucket and a role of a local cloud."""

import json
import shutil

import pytest
from training_job import local_session

from maze_helpers import project as bonus_project
from maze_helpers.checks import Done, NotYet, OurFault, bonus

BUCKET = "intents"
ARN = f"arn:aws:s3:::{BUCKET}"
KEYS = [
    *(f"scripts/{name}" for name in ("train.py", "inference.py", "model.py", "requirements.txt")),
    *("dataset/train.csv", "dataset/test.csv", "model/model.pth", "model/label_encoder.pkl"),
]


def trust(service):
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


READ = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Action": "s3:Get*",
            "Resource": f"arn:aws:s3:::{BUCKET}/*",
        },
    }
)


@pytest.fixture(scope="module")
def session(local_cloud):
    """A session of a cloud with a full bucket, an empty one, and four roles."""
    with local_session(local_cloud) as session:
        s3, iam = session.client("s3"), session.client("iam")
        for bucket in (BUCKET, "empty"):
            s3.create_bucket(Bucket=bucket)
        for key in KEYS:
            s3.put_object(Bucket=BUCKET, Key=key, Body=b"")
        many = ["lambda.amazonaws.com", "sagemaker.amazonaws.com"]
        roles = {"right": many[1], "many": many, "other": many[0], "powerless": many[1]}
        for role, service in roles.items():
            iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust(service))
            if role != "powerless":
                iam.put_role_policy(RoleName=role, PolicyName="read", PolicyDocument=READ)
        yield session


@pytest.fixture
def folder(tmp_path):
    bonus_project.write(tmp_path)
    return tmp_path


@pytest.mark.parametrize("role", ["right", "many"])
def test_the_notebooks_scripts_pass_with_any_role_that_will_do(session, folder, role):
    verdict = bonus.project.verdict(session, BUCKET, role, folder)
    assert isinstance(verdict, Done), verdict


def test_an_empty_folder_lacks_the_training_script(session, tmp_path):
    verdict = bonus.project.verdict(session, BUCKET, "right", tmp_path)
    assert verdict == NotYet(
        "There is no scripts/train.py here: write it with %%writefile scripts/train.py."
    )


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("train.py", "SM_MODEL_DIR", "MODEL_DIR", "does not name SM_MODEL_DIR"),
        (
            "train.py",
            'if __name__ == "__main__":',
            "if True:\n    pass\nmain()\nif 1:",
            "starts it",
        ),
        ("inference.py", "def output_fn", "def output", "defines no output_fn"),
    ],
)
def test_a_script_that_no_job_could_use_is_named(session, folder, name, old, new, said):
    path = folder / "scripts" / name
    path.write_text(path.read_text().replace(old, new))
    verdict = bonus.project.verdict(session, BUCKET, "right", folder)
    assert isinstance(verdict, NotYet) and said in verdict.sentence


def test_requirements_beside_the_scripts_are_in_the_wrong_place(session, folder):
    shutil.move(folder / "scripts/requirements.txt", folder / "requirements.txt")
    verdict = bonus.project.verdict(session, BUCKET, "right", folder)
    assert isinstance(verdict, NotYet) and "must be in scripts/" in verdict.sentence


@pytest.mark.parametrize(
    ("bucket", "role", "said"),
    [
        ("nowhere", "right", "There is no bucket nowhere"),
        ("empty", "right", "in s3://empty: `aws s3 cp scripts s3://empty/scripts"),
        (BUCKET, "nobody", "There is no role nobody"),
        (BUCKET, "other", "does not name sagemaker.amazonaws.com"),
        (BUCKET, "powerless", "may not read arn:aws:s3:::intents/dataset/train.csv"),
    ],
)
def test_what_the_cloud_lacks_is_named(session, folder, bucket, role, said):
    verdict = bonus.project.verdict(session, bucket, role, folder)
    assert isinstance(verdict, NotYet) and said in verdict.sentence


def test_an_error_of_the_checks_own_is_not_the_participants(folder):
    assert isinstance(bonus.project.verdict(None, BUCKET, "right", folder), OurFault)
