"""The train contract against AWS's own: sagemaker-training runs the same jobs beside ours."""

import json
import os
import re
import sys
from pathlib import Path

import pytest
from cached_environment import cached_environment
from training_cases import SAME, SAME_END
from training_folder import TRAIN, Job, Outcome, run_job

pytestmark = pytest.mark.slow

TOOLKIT = "sagemaker-training==5.1.4"
# What sagemaker-scikit-learn-container does with the toolkit.
FRAMEWORK_MODULE = """
from sagemaker_training import entry_point, environment

def main():
    job = environment.Environment()
    entry_point.run(job.module_dir, job.user_entry_point, job.to_cmd_args(), job.to_env_vars())
"""
# The names of a test's hosts do not resolve, for which the toolkit waits a quarter of an hour.
TOOLKIT_ONLY = {"SM_STUDIO_LOCAL_MODE": "true"}
OF_THE_IMAGE = {
    "SM_INPUT",
    "SM_INPUT_TRAINING_CONFIG_FILE",
    "SM_INPUT_DATA_CONFIG_FILE",
    "SM_CHECKPOINT_CONFIG_FILE",
}


@pytest.fixture(scope="session")
def toolkit() -> list[str]:
    """The toolkit's train command, in an environment that is kept from run to run."""
    name = f"{TOOLKIT.replace('==', '-')}-py{sys.version_info[0]}.{sys.version_info[1]}"
    python = cached_environment(name, sys.executable, TOOLKIT)
    folder = python.parents[1]
    module = folder / "modules" / "sagemaker_sklearn_container" / "training.py"
    module.parent.mkdir(parents=True, exist_ok=True)
    (module.parent / "__init__.py").touch()
    module.write_text(FRAMEWORK_MODULE)
    return [
        "env",
        f"PYTHONPATH={folder / 'modules'}",
        "SAGEMAKER_TRAINING_MODULE=sagemaker_sklearn_container.training:main",
        *(f"{name}={value}" for name, value in TOOLKIT_ONLY.items()),
        str(python),
        str(python.parent / "train"),
    ]


def both(job: Job, toolkit: list[str], tmp_path: Path) -> tuple[Outcome, Outcome]:
    """Run a job by the toolkit and by our container, on folders of the same path."""
    folder = tmp_path / "ml"
    outcomes = []
    for command, name in ((toolkit, "theirs"), (TRAIN, "ours")):
        outcome = run_job(job, folder, command)
        kept = folder.rename(tmp_path / name)
        outcomes.append(Outcome(kept, outcome.exit_code, outcome.log))
    return outcomes[0], outcomes[1]


def neutral(text: str | None) -> str | None:
    """Leave out which interpreter ran."""
    return text and re.sub(r"\S+/bin/python[\d.]*", "PYTHON", text)


def variables(outcome: Outcome) -> dict[str, str]:
    """Return the variables that the contract is about."""
    names = re.compile(r"SM_.*|SAGEMAKER_.*|CURRENT_HOST|TRAINING_.*|GREETING")
    left_out = {*TOOLKIT_ONLY, *OF_THE_IMAGE, "SAGEMAKER_SKLEARN_VERSION"}
    return {
        name: value
        for name, value in outcome.variables.items()
        if names.fullmatch(name) and name not in left_out
    }


@pytest.mark.parametrize("name", SAME)
def test_the_outcome_is_the_toolkits(name, toolkit, tmp_path):
    theirs, ours = both(SAME[name], toolkit, tmp_path)
    assert ours.exit_code == theirs.exit_code, ours.log + theirs.log
    assert ours.succeeded == theirs.succeeded
    assert (ours.failure is None) == (theirs.failure is None)
    if theirs.failure and not theirs.failure.startswith("Framework Error"):
        assert neutral(ours.failure) == neutral(theirs.failure)
    assert ours.code == theirs.code
    if theirs.succeeded and (theirs.folder / "model" / "probe.json").exists():
        assert ours.probe["arguments"] == theirs.probe["arguments"]
        assert ours.probe["cwd"] == theirs.probe["cwd"]
        assert variables(ours) == variables(theirs)
        ours_first, theirs_first = (
            o.variables["PYTHONPATH"].split(os.pathsep)[0] for o in (ours, theirs)
        )
        assert ours_first == theirs_first


@pytest.mark.parametrize("name", SAME_END)
def test_a_job_that_cannot_start_ends_as_the_toolkits(name, toolkit, tmp_path):
    theirs, ours = both(SAME_END[name], toolkit, tmp_path)
    assert ours.exit_code == theirs.exit_code, ours.log + theirs.log
    assert (ours.failure is None) == (theirs.failure is None)
    assert ours.succeeded == theirs.succeeded


def test_the_log_shows_the_same(toolkit, tmp_path):
    theirs, ours = both(SAME["hyperparameters of all kinds"], toolkit, tmp_path)
    assert training_env(ours) == training_env(theirs)
    assert listed_variables(ours) == listed_variables(theirs)
    stamped = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} sagemaker-training-toolkit INFO     "
    for message in ("Invoking user script\n\nTraining Env:\n", "Reporting training SUCCESS\n"):
        assert re.search(stamped + message, theirs.log)
        assert re.search(stamped + message, ours.log)


def training_env(outcome: Outcome) -> dict:
    text = outcome.log.partition("Training Env:")[2].partition("Environment variables:")[0]
    return json.loads(text)


def listed_variables(outcome: Outcome) -> list[str]:
    text = outcome.log.partition("Environment variables:")[2].partition("Invoking script with")[0]
    return re.sub(r"PYTHONPATH=.*", "PYTHONPATH=", text).splitlines()
