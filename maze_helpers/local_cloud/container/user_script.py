"""The user's entry point: what kind it is, what it needs first, and how it runs."""

from __future__ import annotations

import os
import re
import shlex

from maze_helpers.local_cloud.container.failure import (
    CommandError,
    InstallModuleError,
    InstallRequirementsError,
    JobError,
)

# Names that a shell or the interpreter would read as anything but a file are refused, as the
# toolkit does (observed).
_ENTRY_POINT = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._+-]*(/[A-Za-z0-9._+-]+)*")


class UserScript:
    """An entry point in the code folder."""

    def __init__(self, code_folder: str, name: object) -> None:
        """Check that the name is a path below the folder.

        Raises: JobError, if it is not.
        """
        self.code_folder = code_folder
        self.name = _checked(code_folder, name)

    @property
    def is_command(self) -> bool:
        """Whether a shell runs it: all but Python files and packages."""
        return self.name.endswith(".sh") or not (self.is_package or self.name.endswith(".py"))

    @property
    def is_package(self) -> bool:
        """Whether the code is a package, which is installed and then run by name."""
        return not self.name.endswith(".sh") and self._has("setup.py")

    def install_command(self, python: str) -> list[str] | None:
        """Return what installs the code or its requirements, or None where there is nothing."""
        requirements = ["-r", "requirements.txt"] if self._has("requirements.txt") else []
        if self.is_package:
            return [python, "-m", "pip", "install", ".", *requirements]
        if self.is_command or not requirements:
            return None
        return [python, "-m", "pip", "install", *requirements]

    def install_error(self) -> type[CommandError]:
        """Return what the failure of `install_command` is called."""
        return InstallModuleError if self.is_package else InstallRequirementsError

    def command(self, python: str, arguments: list[str]) -> list[str]:
        """Return the command that runs it."""
        if self.is_command:
            quoted = " ".join(shlex.quote(argument) for argument in arguments)
            return ["/bin/sh", "-c", f"./{shlex.quote(self.name)} {quoted}"]
        if self.is_package:
            return [python, "-m", re.sub(r"\.py$", "", self.name), *arguments]
        return [python, "--", self.name, *arguments]

    def make_executable(self) -> None:
        """Let a shell run it."""
        if self.is_command:
            os.chmod(os.path.join(self.code_folder, self.name), 0o777)

    def _has(self, name: str) -> bool:
        return os.path.exists(os.path.join(self.code_folder, name))


def _checked(code_folder: str, name: object) -> str:
    if not name or not isinstance(name, str):
        raise JobError(
            "There is no entry point: the hyperparameter sagemaker_program must name the script "
            "to run, such as train.py."
        )
    if not _ENTRY_POINT.fullmatch(name) or {".", ".."} & set(name.split("/")):
        raise JobError(
            f"The entry point {name!r} cannot be run: it must be a path below the source "
            "directory, of letters, digits, '.', '_', '+', '-' and '/', such as bin/train.py."
        )
    root = os.path.realpath(code_folder)
    if not os.path.realpath(os.path.join(root, name)).startswith(root + os.sep):
        raise JobError(f"The entry point {name!r} is a link that leads out of the source code.")
    return name
