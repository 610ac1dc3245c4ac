"""A Python environment for one job, laid over the one that runs the container.

What the job installs, by requirements.txt or by itself, lands here and ends with the job; the
environment below is only read. It is what `python -m venv --without-pip` makes, in a millisecond.
"""

from __future__ import annotations

import os
import shlex
import sys

_CONTAINER_FOLDER = os.path.dirname(os.path.abspath(__file__))
# What the user's code can import beside what is installed: the image's own packages, and this.
_BELOW = [
    os.path.join(_CONTAINER_FOLDER, "image_packages"),
    os.path.abspath(os.path.join(_CONTAINER_FOLDER, *[os.pardir] * 3)),
]


class PythonEnvironment:
    """An environment in a folder of its own: `executable`, and what is installed for it."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.executable = os.path.join(folder, "bin", "python")
        self.site_packages = os.path.join(folder, "lib", _python_name(), "site-packages")
        self._below = [path for path in sys.path if _is_site(path)]

    def make(self) -> None:
        """Make the environment's files. Raises: OSError, such as on a full disk."""
        base = _base_executable()
        os.makedirs(self.site_packages)
        os.makedirs(os.path.dirname(self.executable))
        os.symlink(base, self.executable)
        for name in ("python3", _python_name()):
            os.symlink("python", os.path.join(self.folder, "bin", name))
        # Where Python's platlib is below lib64, it must be the same folder.
        os.symlink("lib", os.path.join(self.folder, "lib64"))
        version = ".".join(map(str, sys.version_info[:3]))
        _write(
            os.path.join(self.folder, "pyvenv.cfg"),
            f"home = {os.path.dirname(base)}\n"
            f"include-system-site-packages = false\nversion = {version}\n",
        )
        # The pip of the environment below, which is on PATH as well, would change that one.
        self.add_program("pip", "pip")
        self.add_program("pip3", "pip")
        # addsitedir rather than plain paths: what is installed in editable mode counts, too.
        adding = "; ".join(f"site.addsitedir({path!r})" for path in self._below)
        _write(os.path.join(self.site_packages, "below.pth"), f"import site; {adding}\n")

    def add_program(self, name: str, module: str) -> None:
        """Make a command that runs a module by this environment's Python."""
        path = os.path.join(self.folder, "bin", name)
        _write(path, f'#!/bin/sh\nexec {shlex.quote(self.executable)} -m {module} "$@"\n')
        os.chmod(path, 0o755)

    def search_path(self, code_folder: str, own_path: list[str]) -> str:
        """Return PYTHONPATH for the script: its code, then all that the container's Python sees.

        The environment's packages come before those of the environment below, and the image's
        own last of all.
        own_path: the container's `sys.path`, without the folder of its own program.
        """
        library = [path for path in own_path if not _is_site(path)]
        return os.pathsep.join([code_folder, *library, *self._packages(own_path), *_BELOW])

    def import_path(self, code_folder: str, own_path: list[str]) -> str:
        """Return PYTHONPATH for a program that imports the code as if it were installed.

        The code comes after the standard library, which it thus cannot hide, and before
        everything else.
        own_path: as for `search_path`.
        """
        standard = [path for path in own_path if _is_standard(path)]
        others = [path for path in own_path if not (_is_standard(path) or _is_site(path))]
        packages = self._packages(own_path)
        return os.pathsep.join([*standard, code_folder, *others, *packages, *_BELOW])

    def _packages(self, own_path: list[str]) -> list[str]:
        return [self.site_packages, *(path for path in own_path if _is_site(path))]

    def variables(self) -> dict[str, str]:
        """Return the variables by which the script's commands, pip above all, use this."""
        path = os.environ.get("PATH", os.defpath)
        return {
            "PATH": os.pathsep.join([os.path.dirname(self.executable), path]),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_ROOT_USER_ACTION": "ignore",
            # A user's own setting would put the packages into the home folder.
            "PIP_USER": "0",
        }

    def has_module(self, name: str) -> bool:
        """Return whether a package of this name can be imported."""
        return any(os.path.isdir(os.path.join(path, name)) for path in self._search())

    def version_of(self, distribution: str) -> str | None:
        """Return the version of an installed distribution, or None.

        importlib.metadata knows as well, but takes as long to import as all the rest.
        """
        prefix = distribution.replace("-", "_").lower() + "-"
        for path in self._search():
            if not os.path.isdir(path):
                continue
            for name in os.listdir(path):
                stem, extension = os.path.splitext(name)
                if extension in (".dist-info", ".egg-info") and stem.lower().startswith(prefix):
                    return stem[len(prefix) :].partition("-")[0]
        return None

    def _search(self) -> list[str]:
        return [self.site_packages, *self._below]


def _is_site(path: str) -> bool:
    return os.path.basename(path) in ("site-packages", "dist-packages")


def _is_standard(path: str) -> bool:
    return path.startswith(sys.base_prefix + os.sep) and not _is_site(path)


def _base_executable() -> str:
    """Return the interpreter itself, where the one that runs is a virtual environment's."""
    candidate = os.path.join(sys.base_prefix, "bin", _python_name())
    return candidate if os.path.exists(candidate) else os.path.realpath(sys.executable)


def _python_name() -> str:
    return f"python{sys.version_info[0]}.{sys.version_info[1]}"


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
