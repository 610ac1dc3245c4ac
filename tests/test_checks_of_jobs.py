"""The checks of chapter 1's last two tasks, which look at jobs: what is right, and what is not."""

from pathlib import Path

import boto3
import pytest
from checked_jobs import only, prepare, script, start
from checked_work import as_on_aws, assert_is, now
from training_job import local_session, wait_for_job

from maze_helpers.checks import CHECKS, Done, NotBegun, NotYet, Work

STUB = "import argparse\n\ndef main():\n    raise NotImplementedError()\n"


@pytest.fixture(scope="module")
def began(local_cloud):
    """When the work on a local cloud began, on which a job of each task has ended."""
    began = now()
    with local_session(local_cloud) as session:
        prepare(session)
        for task in (3, 4):
            start(session, f"maze-task-{task}-right", script())
        for task in (3, 4):
            wait_for_job(session, f"maze-task-{task}-right")
        yield began


@pytest.fixture
def folder(tmp_path) -> Path:
    """A participant's folder without a script."""
    (tmp_path / "src").mkdir()
    return tmp_path


def check(task: int, folder: Path, session: boto3.Session, since):
    """Return the verdict on the work on a task."""
    return CHECKS[f"chapter_1/task_{task}"].verdict(Work(folder, session, since))


@pytest.fixture(params=["local", "aws"])
def session(request, local_cloud, began):
    """A session as the two modes make it."""
    if request.param == "local":
        yield boto3.Session()
        return
    with as_on_aws(local_cloud) as session:
        yield session


def test_task_3_finds_the_job_and_its_script_without_the_folder(began, folder, session):
    verdict = check(3, folder, session, began)
    assert_is(verdict, Done, "maze-task-3-right left a model in S3", "ten digits")


def test_task_4_compares_the_metrics_with_the_model(began, folder, session):
    verdict = check(4, folder, session, began)
    assert_is(verdict, Done, "maze-task-4-right", "4 rounds", "They agree with what the model")


@pytest.mark.parametrize("task", [3, 4])
@pytest.mark.parametrize("source", [None, STUB], ids=["nothing", "skeleton"])
def test_before_anything_is_made_the_task_is_not_begun(folder, task, source, began):
    if source:
        (folder / "src/train.py").write_text(source)
    assert_is(check(task, folder, only("never-made"), began), NotBegun, "src/train.py")


@pytest.mark.parametrize(("task", "step"), [(3, 4), (4, 2)])
def test_a_script_without_a_job_is_half_of_the_work(folder, task, step, began):
    (folder / "src/train.py").write_text(script())
    verdict = check(task, folder, only("never-made"), began)
    assert_is(verdict, NotYet, "there is no training job", step=step)


def test_what_was_made_before_the_work_began_does_not_count(folder, began):
    later = now().replace(year=now().year + 1)
    assert_is(check(3, folder, boto3.Session(), later), NotBegun)


@pytest.mark.parametrize("variable", ["SM_MODEL_DIR", "SM_CHANNEL_TRAIN"])
def test_task_3_asks_for_the_defaults_sagemaker_sets(folder, variable, began):
    (folder / "src/train.py").write_text(script().replace(variable, "HOME"))
    verdict = check(3, folder, only("never-made"), began)
    assert_is(verdict, NotYet, f"os.environ.get('{variable}')", step=3)


@pytest.mark.parametrize("task", [3, 4])
def test_a_cloud_that_cannot_be_reached_is_one_sentence(folder, task):
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}
    unreachable = boto3.Session(**keys)
    client = unreachable.client("sagemaker", endpoint_url="http://127.0.0.1:9")
    unreachable.client = lambda name, **options: client
    assert_is(check(task, folder, unreachable, now()), NotYet, "The local cloud is down", "maze up")


@pytest.mark.parametrize("task", [3, 4])
def test_keys_that_are_not_known_are_one_sentence(folder, task, began, local_cloud, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", local_cloud.endpoint_url)
    stranger = boto3.Session("AKIANOBODY0000000000", "x" * 40, region_name="us-east-1")
    verdict = check(task, folder, stranger, began)
    assert_is(verdict, NotYet, "AWS does not accept your credentials")
