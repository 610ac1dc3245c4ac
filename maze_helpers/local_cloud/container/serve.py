"""What a serving image runs: `python -m …container.serve FRAMEWORK VERSION …`.

It puts the source code in place, installs its requirements, once, and becomes gunicorn, whose
workers load the user's module and model. Standard library only, but for gunicorn, and Python
3.8 will do: it stands for what is inside the image.
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from maze_helpers.local_cloud.container import serving_failure
from maze_helpers.local_cloud.container.failure import InstallModuleError
from maze_helpers.local_cloud.container.framework import (
    HUGGING_FACE,
    PYTORCH,
    SCIKIT_LEARN,
    Framework,
)
from maze_helpers.local_cloud.container.paths import home_folder
from maze_helpers.local_cloud.container.python_environment import PythonEnvironment
from maze_helpers.local_cloud.container.runner import Runner
from maze_helpers.local_cloud.container.serving_environment import ServingEnvironment
from maze_helpers.local_cloud.container.serving_failure import ServingError
from maze_helpers.local_cloud.container.serving_images.huggingface import HuggingFaceImage
from maze_helpers.local_cloud.container.serving_images.image import Installation, ServingImage
from maze_helpers.local_cloud.container.serving_images.pytorch import PyTorchImage
from maze_helpers.local_cloud.container.serving_images.scikit_learn import ScikitLearnImage
from maze_helpers.local_cloud.container.train_log import ServeLog

FAILED = 1
_IMAGES = {
    SCIKIT_LEARN: ScikitLearnImage,
    PYTORCH: PyTorchImage,
    HUGGING_FACE: HuggingFaceImage,
}
_SETTINGS = "python:maze_helpers.local_cloud.container.gunicorn_settings"


def main(framework: Framework) -> int:
    """Become the model server; return the container's exit code where that cannot be."""
    log = ServeLog()
    image = _IMAGES[framework.name](framework)
    try:
        os.environ.update(image.variables(os.environ))
        environment = ServingEnvironment(os.environ)
        python = _prepare(image, environment, log)
    except ServingError as error:
        log.error(str(error))
        serving_failure.report(str(error))
        return FAILED
    _become_gunicorn(image, environment, python)


def _prepare(
    image: ServingImage, environment: ServingEnvironment, log: ServeLog
) -> PythonEnvironment:
    image.place_code(environment, log)
    python = PythonEnvironment(_new_folder())
    python.make()
    os.environ.update(python.variables())
    installation = image.installation(environment)
    if installation:
        _install(installation, python, log)
    image.framework.check_version(python, log)
    return python


def _new_folder() -> str:
    """Return the path of a folder to make, in the home folder, which is the container's own."""
    return os.path.join(home_folder(), f"python-{os.urandom(4).hex()}")


def _install(installation: Installation, python: PythonEnvironment, log: ServeLog) -> None:
    """Install what the code asks for: before the first ping, and for all workers."""
    command = [python.executable, "-m", "pip", "install", *installation.arguments]
    log.info(f"{installation.announcement}\n{' '.join(command)}")
    runner = Runner(installation.folder)
    try:
        if not python.has_module("pip"):
            ensure_pip = [python.executable, "-m", "ensurepip"]
            runner.run(ensure_pip, os.environ, InstallModuleError)
        runner.run(command, os.environ, InstallModuleError)
    except InstallModuleError as error:
        raise ServingError(
            f"What {installation.source} asks for could not be installed: pip exited with "
            f"{error.exit_code}; the log says why."
        ) from error


def _become_gunicorn(
    image: ServingImage, environment: ServingEnvironment, python: PythonEnvironment
) -> NoReturn:
    """Replace this process by gunicorn. It ends up as the container's main process.

    sys.path[0] is where `python -m` found this program.
    """
    path = image.import_path(environment, python, sys.path[1:])
    command = [python.executable, "-m", "gunicorn", "--config", _SETTINGS, image.application]
    os.chdir(image.working_folder(environment))
    sys.stdout.flush()
    os.execve(command[0], command, {**os.environ, "PYTHONPATH": path})


if __name__ == "__main__":
    sys.exit(main(Framework(*sys.argv[1:])))
