"""What a serving image runs: `python -m …container.serve FRAMEWORK VERSION`.

It puts the source code in place, installs its requirements, once, and becomes gunicorn, whose
workers load the user's module and model. Standard library only, but for gunicorn, and Python
3.8 will do: it stands for what is inside the image.
"""

from __future__ import annotations

import os
import sys
import tarfile
import zlib
from typing import NoReturn

from maze_helpers.local_cloud.container import serving_failure, source_code
from maze_helpers.local_cloud.container.failure import InstallModuleError
from maze_helpers.local_cloud.container.framework import Framework
from maze_helpers.local_cloud.container.paths import home_folder
from maze_helpers.local_cloud.container.python_environment import PythonEnvironment
from maze_helpers.local_cloud.container.runner import Runner
from maze_helpers.local_cloud.container.serving_environment import ServingEnvironment
from maze_helpers.local_cloud.container.serving_failure import ServingError, listing
from maze_helpers.local_cloud.container.train_log import ServeLog

FAILED = 1
_PACKAGE = "maze_helpers.local_cloud.container"


def main(framework: Framework) -> int:
    """Become the model server; return the container's exit code where that cannot be."""
    log = ServeLog()
    try:
        environment = ServingEnvironment(os.environ)
        python = _prepare(framework, environment, log)
    except ServingError as error:
        log.error(str(error))
        serving_failure.report(str(error))
        return FAILED
    _become_gunicorn(python, environment)


def _prepare(
    framework: Framework, environment: ServingEnvironment, log: ServeLog
) -> PythonEnvironment:
    paths = environment.paths
    _place_code(environment, log)
    os.environ.update(framework.serving_variables(paths.model, os.environ))
    python = PythonEnvironment(_new_folder())
    python.make()
    os.environ.update(python.variables())
    _install(paths.code, python, log)
    framework.check_version(python, log)
    return python


def _place_code(environment: ServingEnvironment, log: ServeLog) -> None:
    # Imported late: for its HTTP client, which a server with local code does without.
    from maze_helpers.local_cloud.container.s3_download import DownloadError

    code = environment.paths.code
    try:
        source_code.place(environment.code_uri, code, os.environ, log)
    except (DownloadError, OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise ServingError(
            f"The source code could not be fetched from {environment.code_uri}: {error}"
        ) from error
    if os.path.exists(os.path.join(code, "setup.py")):
        return
    name = environment.module_name
    if "/" in name:
        raise ServingError(
            f"The entry point {environment.program} must be at the top of the source directory, "
            f"which holds: {listing(code)}."
        )
    if not any(os.path.exists(os.path.join(code, found)) for found in (f"{name}.py", name)):
        raise ServingError(
            f"The entry point {environment.program} is not in the source archive; "
            f"it holds: {listing(code)}."
        )


def _new_folder() -> str:
    """Return the path of a folder to make, in the home folder, which is the container's own."""
    return os.path.join(home_folder(), f"python-{os.urandom(4).hex()}")


def _install(code: str, python: PythonEnvironment, log: ServeLog) -> None:
    """Install what the code asks for: before the first ping, and for all workers.

    Differs from AWS: code without a setup.py is imported from where it is; AWS makes it a
    package and installs that as well.
    """
    has_setup, has_requirements = (
        os.path.exists(os.path.join(code, name)) for name in ("setup.py", "requirements.txt")
    )
    if not has_setup and not has_requirements:
        return
    what = [
        *(["."] if has_setup else []),
        *(["-r", "requirements.txt"] if has_requirements else []),
    ]
    command = [python.executable, "-m", "pip", "install", *what]
    log.info(f"Installing module with the following command:\n{' '.join(command)}")
    runner = Runner(code)
    try:
        if not python.has_module("pip"):
            ensure_pip = [python.executable, "-m", "ensurepip"]
            runner.run(ensure_pip, os.environ, InstallModuleError)
        runner.run(command, os.environ, InstallModuleError)
    except InstallModuleError as error:
        name = "requirements.txt" if has_requirements else "the source code's setup.py"
        raise ServingError(
            f"What {name} asks for could not be installed: pip exited with {error.exit_code}; "
            "the log says why."
        ) from error


def _become_gunicorn(python: PythonEnvironment, environment: ServingEnvironment) -> NoReturn:
    """Replace this process by gunicorn. It ends up as the container's main process.

    sys.path[0] is where `python -m` found this program. The working directory is the
    container's own home, not the code: on AWS, the code is elsewhere, too.
    """
    code = environment.paths.code
    variables = {**os.environ, "PYTHONPATH": python.import_path(code, sys.path[1:])}
    settings = f"python:{_PACKAGE}.gunicorn_settings"
    application = f"{_PACKAGE}.serving_app:application"
    command = [python.executable, "-m", "gunicorn", "--config", settings, application]
    os.chdir(home_folder())
    sys.stdout.flush()
    os.execve(command[0], command, variables)


if __name__ == "__main__":
    sys.exit(main(Framework(*sys.argv[1:])))
