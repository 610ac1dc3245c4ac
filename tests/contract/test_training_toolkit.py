"""The train contract against AWS's own: sagemaker-training runs the same jobs beside ours.

As scikit-learn's image uses it; test_pytorch_training_toolkit.py has PyTorch's.
"""

import json
import re
from pathlib import Path

import pytest
from training_cases import SAME, SAME_END
from training_folder import TRAIN, Job, Outcome
from training_toolkits import assert_same_end, assert_same_outcome, run_both, toolkit_command

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def toolkit() -> list[str]:
    """The toolkit's train command."""
    return toolkit_command("scikit-learn")


def both(job: Job, toolkit: list[str], tmp_path: Path) -> tuple[Outcome, Outcome]:
    return run_both(job, toolkit, TRAIN, tmp_path)


@pytest.mark.parametrize("name", SAME)
def test_the_outcome_is_the_toolkits(name, toolkit, tmp_path):
    assert_same_outcome(*both(SAME[name], toolkit, tmp_path))


@pytest.mark.parametrize("name", SAME_END)
def test_a_job_that_cannot_start_ends_as_the_toolkits(name, toolkit, tmp_path):
    assert_same_end(*both(SAME_END[name], toolkit, tmp_path))


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
