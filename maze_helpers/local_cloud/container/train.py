"""What a training image runs: `python -m …container.train FRAMEWORK VERSION`.

It reads the job's configuration below /opt/ml, puts the source code in place, installs its
requirements and runs the entry point, as SageMaker's framework images do. Standard library
only, and Python 3.8 will do: it stands for what is inside the image.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping

from maze_helpers.local_cloud.container import source_code
from maze_helpers.local_cloud.container.arguments import to_arguments
from maze_helpers.local_cloud.container.distribution import Distribution
from maze_helpers.local_cloud.container.environment import Environment
from maze_helpers.local_cloud.container.failure import (
    ExecuteUserScriptError,
    JobError,
    write_failure,
    write_success,
)
from maze_helpers.local_cloud.container.framework import Framework
from maze_helpers.local_cloud.container.paths import Paths, home_folder
from maze_helpers.local_cloud.container.python_environment import PythonEnvironment
from maze_helpers.local_cloud.container.runner import Runner
from maze_helpers.local_cloud.container.sm_variables import sm_variables, training_env
from maze_helpers.local_cloud.container.train_log import TrainLog
from maze_helpers.local_cloud.container.user_script import UserScript

FAILED = 1
_GLOO_HUNG_UP = "terminate called after throwing an instance of 'gloo::EnforceNotMet'"


def main(framework: Framework) -> int:
    """Run the job and return the container's exit code: 0, or 1 when the job failed.

    An error that is not the job's own gives its errno, where it has one, as the toolkit does.
    """
    log = TrainLog()
    paths = Paths(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
    try:
        train(framework, paths, log)
    except JobError as error:
        return _fail(paths, log, str(error), FAILED)
    except Exception as error:
        import traceback  # Slow to import, and of no use to a job that goes well.

        text = f"Framework Error: \n{traceback.format_exc()}\n{error}"
        return _fail(paths, log, text, getattr(error, "errno", None) or FAILED)
    log.info("Reporting training SUCCESS")
    write_success(paths.output)
    return 0


def train(framework: Framework, paths: Paths, log: TrainLog) -> None:
    """Do what the job's configuration says. Raises: JobError, or what went wrong on the way."""
    runner = Runner(paths.code)
    os.environ.update(framework.variables(paths.input, os.environ))
    environment = _read_environment(paths, log)
    runner.captures = framework.is_pytorch and not environment.has_launcher_of_its_own
    variables = sm_variables(environment)
    log.info(f"Imported framework {framework.module}")
    distribution = _distribute(framework, environment, log)
    log.info("Invoking user training script.", name=framework.module)
    source_code.place(environment.module_dir, paths.code, os.environ, log)
    script = UserScript(paths.code, environment.user_entry_point)
    python = PythonEnvironment(_new_folder())
    python.make()
    os.environ.update({**python.variables(), **environment.platform_variables()})
    framework.prepare(python, os.environ)
    _install(runner, script, python, log)
    framework.check_version(python, log)
    # sys.path[0] is where `python -m` found this program.
    variables["PYTHONPATH"] = python.search_path(paths.code, sys.path[1:])
    arguments = to_arguments(environment.hyperparameters)
    command = (
        distribution.command(script, arguments)
        if distribution is not None and distribution.is_by_torchrun
        else script.command(python.executable, arguments)
    )
    log.info(_invocation(environment, variables, command))
    script.make_executable()
    os.environ.update(variables)
    _run(runner, command, log)


def _distribute(
    framework: Framework, environment: Environment, log: TrainLog
) -> Distribution | None:
    """Set the variables of a distributed training, where the image does; return how it is run."""
    if not framework.is_pytorch:
        return None
    distribution = Distribution(environment)
    os.environ.update(distribution.variables())
    if distribution.is_by_torchrun:
        log.info("Invoking TorchDistributed...", name=framework.module)
    return distribution


def _run(runner: Runner, command: list[str], log: TrainLog) -> None:
    try:
        runner.run(command, os.environ, ExecuteUserScriptError)
    except ExecuteUserScriptError as error:
        # PyTorch's image lets this pass: the processes that are ready first hang up on the others.
        if _GLOO_HUNG_UP not in error.message:
            raise
        log.warning(f"Known exception: {error}")


def _new_folder() -> str:
    """Return the path of a folder to make, in the home folder, which is the container's own."""
    return os.path.join(home_folder(), f"python-{os.urandom(4).hex()}")


def _read_environment(paths: Paths, log: TrainLog) -> Environment:
    environment = Environment(
        paths,
        os.environ,
        lambda name, value: log.info(f"The hyperparameter {name} is not JSON: {value!r} is used"),
    )
    log.level = environment.log_level
    return environment


def _install(runner: Runner, script: UserScript, python: PythonEnvironment, log: TrainLog) -> None:
    command = script.install_command(python.executable)
    if command is None:
        return
    what = "the module" if script.is_package else "dependencies from requirements.txt"
    log.info(f"Installing {what}")
    if not python.has_module("pip"):
        ensure_pip = [python.executable, "-m", "ensurepip"]
        runner.run(ensure_pip, os.environ, script.install_error())
    runner.run(command, os.environ, script.install_error())


def _invocation(environment: Environment, variables: Mapping[str, str], command: list[str]) -> str:
    """Return the log's text that shows how the entry point is run."""
    lines = "\n".join(f"{name}={value}" for name, value in variables.items())
    return (
        "Invoking user script\n\nTraining Env:\n\n"
        f"{json.dumps(training_env(environment), indent=4)}\n\n"
        f"Environment variables:\n\n{lines}\n\n"
        f"Invoking script with the following command:\n\n{' '.join(command)}\n\n"
    )


def _fail(paths: Paths, log: TrainLog, text: str, exit_code: int) -> int:
    write_failure(paths.output, text)
    log.error("Reporting training FAILURE")
    log.error(text)
    log.error(f"Encountered exit_code {exit_code}")
    return exit_code


if __name__ == "__main__":
    sys.exit(main(Framework(*sys.argv[1:])))
