"""The check of the notebook instance: blank, wrong, right, different but right, broken."""

import boto3
import pytest
from notebook_instances import Notebooks
from trainer import BUCKET, Trainer
from training_job import local_session

from maze_helpers.checks import Done, NotYet, bonus

# As on-start.sh, without the training.
LEAVES_A_MODEL = "echo training; echo weights | aws s3 cp - s3://{}/{}/model.pth"
JOB = "open('/opt/ml/model/model.pth', 'w').write('weights')"


@pytest.fixture(scope="module")
def session(local_cloud):
    """A session of a cloud with two jobs, one of them failed, and a model without an instance."""
    trainer = Trainer(local_cloud)
    # First: S3 counts in seconds, and this is to be older than any instance.
    trainer.put("old/model.pth", "weights")
    trainer.run_program(JOB, TrainingJobName="done")
    trainer.run_program("raise SystemExit(1)", TrainingJobName="crashed")
    trainer.put("empty/train.log", "no model yet")
    with local_session(local_cloud) as session:
        yield session


@pytest.fixture(scope="module")
def notebooks(local_cloud, session) -> Notebooks:
    return Notebooks(local_cloud)


@pytest.fixture(scope="module")
def deleted(notebooks) -> str:
    """An instance that left its model and is gone; no Jupyter was needed for it."""
    script = f"{LEAVES_A_MODEL.format(BUCKET, 'deleted')}; exit 1"
    name = notebooks.create(script, NotebookInstanceName="deleted")
    notebooks.settled(name)
    notebooks.sagemaker.delete_notebook_instance(NotebookInstanceName=name)
    notebooks.sagemaker.get_waiter("notebook_instance_deleted").wait(NotebookInstanceName=name)
    return name


def verdict(session, instance: str, model: str, job: str = "done"):
    return bonus.notebook_instance.verdict(session, instance, f"s3://{BUCKET}/{model}/", job)


def assert_failed(found, *words: str):
    assert isinstance(found, NotYet), found
    for word in words:
        assert word in found.sentence
    assert "\n" not in found.sentence


@pytest.mark.slow
def test_a_stopped_instance_that_left_a_model_passes(session, notebooks):
    name = notebooks.create(LEAVES_A_MODEL.format(BUCKET, "right"))
    assert notebooks.settled(name)["NotebookInstanceStatus"] == "InService"
    assert_failed(verdict(session, name, "right"), "is InService, so it bills", "stop_notebook")
    assert notebooks.stop(name)["NotebookInstanceStatus"] == "Stopped"
    found = verdict(session, name, "right")
    assert isinstance(found, Done), found
    assert f"{name} is Stopped and left s3://{BUCKET}/right/model.pth" in found.sentence
    assert_failed(verdict(session, name, "old"), "were there before the instance")


def test_an_instance_that_is_deleted_already_passes(session, deleted):
    found = verdict(session, deleted, "deleted")
    assert isinstance(found, Done), found
    assert "deleted is deleted" in found.sentence


@pytest.mark.parametrize(
    ("model", "job", "words"),
    [
        ("empty", "done", ["no weights, such as model.pth", "LifecycleConfigOnStart"]),
        ("deleted", "never-made", ["no training job never-made", "fit()"]),
        ("deleted", "crashed", ["crashed is Failed, not Completed"]),
    ],
)
def test_what_is_missing_is_said_in_a_sentence(session, deleted, model, job, words):
    assert_failed(verdict(session, deleted, model, job), *words)


@pytest.mark.parametrize("url", ["model.pth", "s3://no-such-bucket/model/"])
def test_a_model_must_be_in_s3(session, deleted, url):
    found = bonus.notebook_instance.verdict(session, deleted, url, "done")
    assert_failed(found, url.removeprefix("s3://").partition("/")[0])


def test_an_instance_that_never_was_is_told_so(session):
    assert_failed(verdict(session, "never-made", "old"), "no notebook instance never-made")


def test_an_instance_that_failed_is_told_so(session, notebooks):
    assert_failed(verdict(session, notebooks.failed(), "old"), "has failed: Notebook Instance Life")


def test_an_instance_that_comes_up_bills_soon(session, notebooks):
    name = notebooks.create("sleep 60")
    assert_failed(verdict(session, name, "old"), "is Pending, so it bills")


def test_a_cloud_that_cannot_be_reached_is_not_the_participants_fault():
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}
    unreachable = boto3.Session(**keys)
    client = unreachable.client("sagemaker", endpoint_url="http://127.0.0.1:9")
    unreachable.client = lambda name, **options: client
    found = bonus.notebook_instance.verdict(unreachable, "instance", "s3://b/m/", "job")
    assert isinstance(found, NotYet) and "The local cloud is down" in found.sentence
