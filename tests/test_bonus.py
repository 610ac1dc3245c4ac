"""The bonus track from end to end: a slice of it always, all of it and its accuracy in the slow."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from conftest import RunningCloud

from maze_helpers import notebooks, runner
from maze_helpers.run_report import Result
from maze_helpers.trained import INTENTS_PREFIX

TRACK = ["chapter_1/bonus", "chapter_2/bonus"]
PATHS = runner.find(TRACK)
NAMES = [notebooks.name_of(path) for path in PATHS]
ACCURACY_PROMISED = 0.95
# For a quick look: so few that training takes seconds, and its model is none to be proud of.
FEW = 4


@pytest.fixture(scope="module")
def cloud(local_cloud: RunningCloud) -> Iterator[RunningCloud]:
    """A local cloud that the runs of this module use."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAZE_HOME", str(local_cloud.home))
        yield local_cloud


def test_the_project_runs_on_a_slice(cloud, tmp_path):
    [path] = [path for path in PATHS if path.stem == "2_project"]
    given = {"utterances_per_intent": FEW}
    [result] = runner.run([path], "local", given, runs=tmp_path)
    assert result.passed, result.failure


@pytest.fixture(scope="module")
def whole_run(cloud, tmp_path_factory) -> dict[str, Result]:
    """How each notebook of the track ended, by its name, run in order on one cloud."""
    results = runner.run(PATHS, "local", runs=tmp_path_factory.mktemp("runs"))
    return {result.task: result for result in results}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_each_notebook_runs(whole_run, name):
    assert whole_run[name].passed, whole_run[name].failure


@pytest.mark.slow
def test_the_job_is_as_accurate_as_promised_on_wordings_it_never_saw(whole_run, cloud):
    sagemaker = cloud.client("sagemaker")
    jobs = sagemaker.list_training_jobs(NameContains=INTENTS_PREFIX, StatusEquals="Completed")
    [name] = [job["TrainingJobName"] for job in jobs["TrainingJobSummaries"]]
    job = sagemaker.describe_training_job(TrainingJobName=name)
    metrics = {metric["MetricName"]: metric["Value"] for metric in job["FinalMetricDataList"]}
    assert metrics["test:accuracy"] >= ACCURACY_PROMISED


@pytest.mark.slow
def test_the_run_leaves_nothing_that_bills(whole_run, cloud):
    sagemaker = cloud.client("sagemaker")
    assert sagemaker.list_endpoints()["Endpoints"] == []
    assert sagemaker.list_notebook_instances()["NotebookInstances"] == []
    running = sagemaker.list_training_jobs(StatusEquals="InProgress")
    assert running["TrainingJobSummaries"] == []


@pytest.mark.slow
def test_nbval_runs_each_on_a_slice(new_cloud, tmp_path):
    shutil.copytree(runner.ROOT / "data", tmp_path / "data")
    for path in PATHS:
        copy_with_few_utterances(path, tmp_path.joinpath(*path.parts[-3:]))
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env", "-q"]
    command += ["--color=no", "-p", "no:cacheprovider", *TRACK]
    environment = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    environment |= {"MAZE_HOME": str(new_cloud.home), "MAZE_MODE": "local"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def copy_with_few_utterances(path: Path, copy: Path) -> None:
    """Copy a notebook whose parameters are those of a slice."""
    notebook = notebooks.read_notebook(path)
    [parameters] = notebooks.tagged(notebook, "parameters")
    assert "utterances_per_intent = " in parameters.source
    parameters.source += f"\nutterances_per_intent = {FEW}"
    copy.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, copy)
