"""What an image runs for a processing job: `python -m …container.process COMMAND…`.

It gives the job a Python environment of its own, and then becomes the command, as given: no
toolkit of AWS's takes part in a processing job. Standard library only, and Python 3.8 will do: it
stands for what is inside the image.
"""

from __future__ import annotations

import os
import subprocess
import sys

from maze_helpers.local_cloud.container.paths import home_folder
from maze_helpers.local_cloud.container.python_environment import PythonEnvironment

# What `docker run` exits with when the command cannot be run, or is not there.
CANNOT_RUN, NOT_FOUND = 126, 127
_OPT_ML = "/opt/ml/"


def main(command: list[str]) -> int:
    """Become the command; return the container's exit code if that cannot be done.

    Differs from AWS: it starts in the container's home folder, where it can write, rather than
    in the root of the file system.
    """
    python = PythonEnvironment(os.path.join(home_folder(), f"python-{os.urandom(4).hex()}"))
    python.make()
    os.environ.update(python.variables())
    # sys.path[0] is where `python -m` found this program.
    os.environ["PYTHONPATH"] = python.search_path(sys.path[1], sys.path[2:])
    os.chdir(home_folder())
    if not python.has_module("pip"):
        subprocess.run([python.executable, "-m", "ensurepip"], stdout=subprocess.DEVNULL)
    command = with_base(command, os.environ.get("SAGEMAKER_BASE_DIR"))
    sys.stdout.flush()
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"cannot run {command[0]}: {error.strerror}", file=sys.stderr)
        return NOT_FOUND if isinstance(error, FileNotFoundError) else CANNOT_RUN


def with_base(command: list[str], base: str | None) -> list[str]:
    """Return a command whose paths below /opt/ml lead to the folder that stands for it.

    base: that folder; None where there is an /opt/ml.
    """
    if base is None:
        return command
    return [
        os.path.join(base, word[len(_OPT_ML) :]) if word.startswith(_OPT_ML) else word
        for word in command
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
