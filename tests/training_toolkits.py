"""AWS's own training toolkits, which run the same jobs as our containers do."""

import os
import re
import sys
import sysconfig
from pathlib import Path

from cached_environment import cached_environment
from training_folder import Job, Outcome, run_job

TOOLKITS = ("sagemaker-training==5.1.4", "sagemaker-pytorch-training==3.0.0")
# What sagemaker-scikit-learn-container does with the toolkit.
_SCIKIT_LEARN_MODULE = """
from sagemaker_training import entry_point, environment

def main():
    job = environment.Environment()
    entry_point.run(job.module_dir, job.user_entry_point, job.to_cmd_args(), job.to_env_vars())
"""
_MODULES = {
    "scikit-learn": "sagemaker_sklearn_container.training:main",
    "pytorch": "sagemaker_pytorch_container.training:main",
}
# The names of a test's hosts do not resolve, for which the toolkit waits a quarter of an hour.
TOOLKIT_ONLY = {"SM_STUDIO_LOCAL_MODE": "true"}
_OF_THE_IMAGE = {
    "SM_INPUT",
    "SM_INPUT_TRAINING_CONFIG_FILE",
    "SM_INPUT_DATA_CONFIG_FILE",
    "SM_CHECKPOINT_CONFIG_FILE",
    "SAGEMAKER_SKLEARN_VERSION",
    # Of torch, which is not where the toolkit is.
    "SM_DLC_TORCH_VERSION",
}
_OF_THE_CONTRACT = re.compile(
    r"SM_.*|SAGEMAKER_.*|CURRENT_HOST|TRAINING_.*|GREETING|"
    # Names of hosts and interfaces are those of the machine.
    r"MASTER_PORT|NCCL_(?!SOCKET_IFNAME).*"
)


def toolkit_command(framework: str, with_torch: bool = False) -> list[str]:
    """Return the train command of a framework's toolkit.

    with_torch: whether it has the torch that is installed here, and torchrun.
    """
    name = f"{TOOLKITS[1].replace('==', '-')}-py{sys.version_info[0]}.{sys.version_info[1]}"
    python = cached_environment(name, sys.executable, *TOOLKITS)
    modules = python.parents[1] / "modules"
    module = modules / "sagemaker_sklearn_container" / "training.py"
    module.parent.mkdir(parents=True, exist_ok=True)
    (module.parent / "__init__.py").touch()
    module.write_text(_SCIKIT_LEARN_MODULE)
    variables = {"PYTHONPATH": str(modules), "SAGEMAKER_TRAINING_MODULE": _MODULES[framework]}
    if with_torch:
        variables["PYTHONPATH"] += os.pathsep + sysconfig.get_path("purelib")
        programs = python.parents[1] / "programs"
        programs.mkdir(exist_ok=True)
        torchrun = programs / "torchrun"
        torchrun.write_text(f'#!/bin/sh\nexec {python} -m torch.distributed.run "$@"\n')
        torchrun.chmod(0o755)
        variables["PATH"] = os.pathsep.join([str(programs), os.environ["PATH"]])
    settings = {**variables, **TOOLKIT_ONLY}
    assignments = [f"{name}={value}" for name, value in settings.items()]
    return ["env", *assignments, str(python), str(python.parent / "train")]


def run_both(
    job: Job, theirs: list[str], ours: list[str], tmp_path: Path
) -> tuple[Outcome, Outcome]:
    """Run a job by the toolkit and by our container, on folders of the same path."""
    folder = tmp_path / "ml"
    outcomes = []
    for command, name in ((theirs, "theirs"), (ours, "ours")):
        outcome = run_job(job, folder, command)
        kept = folder.rename(tmp_path / name)
        outcomes.append(Outcome(kept, outcome.exit_code, outcome.log))
    return outcomes[0], outcomes[1]


def assert_same_outcome(theirs: Outcome, ours: Outcome) -> None:
    """Compare exit code, failure and success files, code, arguments and variables."""
    assert_same_end(theirs, ours)
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


def assert_same_end(theirs: Outcome, ours: Outcome) -> None:
    """Compare how the jobs ended."""
    assert ours.exit_code == theirs.exit_code, ours.log + theirs.log
    assert (ours.failure is None) == (theirs.failure is None)
    assert ours.succeeded == theirs.succeeded


def neutral(text: str | None) -> str | None:
    """Leave out which interpreter ran."""
    return text and re.sub(r"\S+/bin/python[\d.]*", "PYTHON", text)


def variables(outcome: Outcome) -> dict[str, str]:
    """Return the variables that the contract is about."""
    left_out = {*TOOLKIT_ONLY, *_OF_THE_IMAGE}
    return {
        name: value
        for name, value in outcome.variables.items()
        if _OF_THE_CONTRACT.fullmatch(name) and name not in left_out
    }
