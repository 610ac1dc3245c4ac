"""What differs between the images that serve, until their model server runs."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple

from maze_helpers.local_cloud.container.framework import Framework
from maze_helpers.local_cloud.container.paths import Paths
from maze_helpers.local_cloud.container.python_environment import PythonEnvironment
from maze_helpers.local_cloud.container.serving_environment import OPT_ML, ServingEnvironment
from maze_helpers.local_cloud.container.train_log import ServeLog


class Installation(NamedTuple):
    """What is to be installed before the server starts.

    arguments: of `pip install`. folder: where pip runs. source: what asks for it, for people.
    announcement: the line of the log before it.
    """

    arguments: list[str]
    folder: str
    source: str
    announcement: str


class ServingImage(ABC):
    """One image. application: the WSGI application that its workers run, "module:name"."""

    application: str

    def __init__(self, framework: Framework) -> None:
        self.framework = framework

    @abstractmethod
    def variables(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return the variables to set beside those that the model's container was given.

        Raises: ServingError, if one that it was given makes no sense.
        """

    @abstractmethod
    def place_code(self, environment: ServingEnvironment, log: ServeLog) -> None:
        """Put the model and the user's code where they are served from.

        Raises: ServingError, if that cannot be.
        """

    @abstractmethod
    def installation(self, environment: ServingEnvironment) -> Installation | None:
        """Return what the user's code asks to install, or None."""

    @abstractmethod
    def import_path(
        self, environment: ServingEnvironment, python: PythonEnvironment, own_path: list[str]
    ) -> str:
        """Return PYTHONPATH of the workers.

        own_path: this container's `sys.path`, without the folder of its own program.
        """

    @abstractmethod
    def working_folder(self, environment: ServingEnvironment) -> str:
        """Return the folder that the workers run in."""


def has_file(folder: str, name: str) -> bool:
    """Return whether a folder holds a file or folder of this name."""
    return os.path.exists(os.path.join(folder, name))


def paths_of(given: Mapping[str, str]) -> Paths:
    """Return the folders of a container by its variables."""
    return Paths(given.get("SAGEMAKER_BASE_DIR", OPT_ML))
