"""The train contract of PyTorch's image against AWS's own sagemaker-pytorch-training.

Hugging Face's image is trained by the same toolkit.
"""

import re

import pytest
from pytorch_training_cases import LOCAL_HOST, PYTORCH_SAME, TORCHRUN_SAME, TORCHRUN_SAME_END
from training_cases import SAME, SAME_END
from training_folder import TRAIN_HUGGING_FACE, TRAIN_PYTORCH, Job
from training_toolkits import (
    assert_same_end,
    assert_same_outcome,
    neutral,
    run_both,
    toolkit_command,
)

pytestmark = pytest.mark.slow

# Differs from AWS: jobs on one host meet on a port of their own, unless they are told one.
AT_PORT = ["env", "MAZE_RENDEZVOUS_PORT=7777"]
OURS = [*AT_PORT, *TRAIN_PYTORCH]
OURS_OF_HUGGING_FACE = [*AT_PORT, *TRAIN_HUGGING_FACE]
# Without those that wait for hosts that are not there: here, the switch means something.
ALL_SAME = {**SAME, **PYTORCH_SAME}
del ALL_SAME["distributed over a group"]


@pytest.fixture(scope="module")
def toolkit() -> list[str]:
    """The toolkit's train command."""
    return toolkit_command("pytorch")


@pytest.fixture(scope="module")
def toolkit_with_torch() -> list[str]:
    """The toolkit's train command, where torch and torchrun are installed."""
    return toolkit_command("pytorch", with_torch=True)


@pytest.mark.parametrize("name", ALL_SAME)
def test_the_outcome_is_the_toolkits(name, toolkit, tmp_path):
    assert_same_outcome(*run_both(ALL_SAME[name], toolkit, OURS, tmp_path))


@pytest.mark.parametrize("name", SAME_END)
def test_a_job_that_cannot_start_ends_as_the_toolkits(name, toolkit, tmp_path):
    assert_same_end(*run_both(SAME_END[name], toolkit, OURS, tmp_path))


@pytest.mark.parametrize("name", ["hyperparameters of all kinds", "an exception"])
def test_hugging_faces_image_is_trained_by_the_same(name, toolkit, tmp_path):
    assert_same_outcome(*run_both(SAME[name], toolkit, OURS_OF_HUGGING_FACE, tmp_path))


def test_the_variables_for_distributed_training_are_the_toolkits(toolkit_with_torch, tmp_path):
    job = Job(resource_config=LOCAL_HOST)
    theirs, ours = run_both(job, toolkit_with_torch, OURS, tmp_path)
    names = re.compile("MASTER_.*|NCCL_.*|SM_DLC_.*")
    picked = [
        {name: value for name, value in outcome.variables.items() if names.fullmatch(name)}
        for outcome in (theirs, ours)
    ]
    assert picked[0] == picked[1]
    assert len(picked[0]) == 6


@pytest.mark.parametrize("name", TORCHRUN_SAME)
def test_torchrun_gets_and_gives_the_same(name, toolkit_with_torch, tmp_path):
    theirs, ours = run_both(TORCHRUN_SAME[name], toolkit_with_torch, OURS, tmp_path)
    assert_same_end(theirs, ours)
    assert torchrun_lines(ours.log) == torchrun_lines(theirs.log) != []
    if theirs.succeeded:
        assert ours.probe["arguments"] == theirs.probe["arguments"]
        assert rank(ours.variables) == rank(theirs.variables)
    else:
        assert first_and_last_line(ours.failure) == first_and_last_line(theirs.failure)


@pytest.mark.parametrize("name", TORCHRUN_SAME_END)
def test_what_torchrun_cannot_run_ends_as_the_toolkits(name, toolkit_with_torch, tmp_path):
    job = TORCHRUN_SAME_END[name]
    assert_same_end(*run_both(job, toolkit_with_torch, OURS, tmp_path))


def rank(variables: dict[str, str]) -> dict[str, str]:
    return {name: variables[name] for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "GROUP_RANK")}


def first_and_last_line(failure: str) -> tuple[str, str]:
    """Between them is what torchrun writes, with the time and numbers of processes."""
    lines = neutral(failure).splitlines()
    return lines[0], lines[-1]


def torchrun_lines(log: str) -> list[str]:
    return [line for line in log.splitlines() if line.startswith("torchrun ")]
