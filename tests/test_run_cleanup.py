"""A run leaves nothing running, whether its notebook passes, fails or is interrupted."""

import io
import os

import pytest
from endpoint_case import EndpointMaker
from processor import Processing
from rich.console import Console
from test_runner import write_notebook
from training_job import local_session
from transforms import SLOW, Transforms

from maze_helpers import run_cleanup, runner
from maze_helpers.tags import RUN_KEY, TAGS, is_tagged

SCRIPT = "def model_fn(model_dir):\n    return None\n"
# What a notebook does, by boto3 alone: quicker than the SDK, and the tags are what counts.
DEPLOY = """
import sys; sys.path.insert(0, {tests!r})
import boto3
from endpoint_case import EndpointMaker
from maze_helpers.session import connect
from maze_helpers.tags import TAGS
maker = EndpointMaker(connect(mode).boto_session)
maker.create({name!r}, {script!r}, tags=TAGS, wait={wait!r})
"""


@pytest.fixture
def cloud(new_cloud, monkeypatch):
    """A local cloud that this process's runs use, with one endpoint of somebody else."""
    for name, value in new_cloud.env.items():
        monkeypatch.setenv(name, value)
    with local_session(new_cloud) as session:
        maker = EndpointMaker(session)
        maker.create("elsewhere", SCRIPT, tags=TAGS)
        yield maker


def run(tmp_path, name: str, *cells: str, wait: bool = True) -> tuple[bool, str]:
    """Run a notebook that deploys; return whether it passed, and what was printed."""
    deploy = DEPLOY.format(tests=os.path.dirname(__file__), name=name, script=SCRIPT, wait=wait)
    notebook = write_notebook(tmp_path / "chapter_2" / "task_1" / "x.ipynb", deploy, *cells)
    console = Console(file=io.StringIO(), width=200)
    [result] = runner.run([notebook], "local", runs=tmp_path / "runs", console=console)
    return result.passed, console.file.getvalue()


def endpoints(maker: EndpointMaker) -> list[str]:
    return [found["EndpointName"] for found in maker.sagemaker.list_endpoints()["Endpoints"]]


def test_a_notebook_that_fails_leaves_no_endpoint_and_others_stay(cloud, tmp_path):
    passed, printed = run(tmp_path, "left-by-failure", "raise RuntimeError('on purpose')")
    assert not passed
    assert "left-by-failure was still there" in printed
    assert endpoints(cloud) == ["elsewhere"]


def test_one_that_forgets_its_endpoint_leaves_none_either(cloud, tmp_path):
    passed, printed = run(tmp_path, "forgotten")
    assert passed
    assert "forgotten was still there" in printed
    assert endpoints(cloud) == ["elsewhere"]


def test_an_endpoint_that_is_still_being_created_goes_too(cloud, tmp_path):
    run(tmp_path, "in-the-making", "raise RuntimeError('on purpose')", wait=False)
    assert endpoints(cloud) == ["elsewhere"]


def test_an_endpoint_that_goes_meanwhile_is_no_ones(cloud):
    (theirs,) = cloud.sagemaker.list_endpoints()["Endpoints"]
    cloud.delete_all()
    run_tag = {"Key": RUN_KEY, "Value": "some run"}
    assert not is_tagged(cloud.sagemaker, theirs["EndpointArn"], run_tag)


def test_a_transform_job_that_runs_is_stopped_and_others_go_on(new_cloud, cloud, tmp_path):
    transforms = Transforms(new_cloud)
    request = transforms.request(transforms.scripted(SLOW), TransformJobName="left-running")
    others = transforms.job(request["ModelName"], Tags=TAGS)
    create = (
        "from maze_helpers.session import connect\nfrom maze_helpers.tags import TAGS\n"
        'sagemaker = connect(mode).boto_session.client("sagemaker")\n'
        f"sagemaker.create_transform_job(**{request!r}, Tags=TAGS)"
    )
    notebook = write_notebook(tmp_path / "chapter_2" / "task_3" / "x.ipynb", create)
    console = Console(file=io.StringIO(), width=200)
    runner.run([notebook], "local", runs=tmp_path / "runs", console=console)
    assert "The transform job left-running was still running: it is stopped now." in (
        console.file.getvalue()
    )
    assert transforms.describe_job("left-running")["TransformJobStatus"] == "Stopped"
    assert transforms.describe_job(others)["TransformJobStatus"] == "InProgress"


@pytest.mark.slow
def test_a_processing_job_that_runs_is_stopped_and_others_go_on(new_cloud, monkeypatch):
    monkeypatch.setenv("MAZE_HOME", str(new_cloud.home))
    processing = Processing(new_cloud)
    run_tag = {"Key": RUN_KEY, "Value": "this-run"}
    ours = processing.create("import time; time.sleep(600)", Tags=[*TAGS, run_tag])
    others = processing.create("import time; time.sleep(600)", Tags=TAGS)
    assert run_cleanup.end_leftovers("this-run", "local") == [
        f"The processing job {ours} was still running: it is stopped now."
    ]
    assert processing.describe(ours)["ProcessingJobStatus"] == "Stopped"
    assert processing.describe(others)["ProcessingJobStatus"] == "InProgress"


def test_the_environment_is_as_it_was(new_cloud, monkeypatch):
    monkeypatch.setenv("MAZE_HOME", str(new_cloud.home))
    before = dict(os.environ)
    assert run_cleanup.end_leftovers("some-run", "local") == []
    assert dict(os.environ) == before


def test_without_a_running_local_cloud_there_is_nothing_to_delete(tmp_path, monkeypatch):
    monkeypatch.setenv("MAZE_HOME", str(tmp_path / ".maze"))
    assert run_cleanup.end_leftovers("some-run", "local") == []
    assert not (tmp_path / ".maze").exists()
