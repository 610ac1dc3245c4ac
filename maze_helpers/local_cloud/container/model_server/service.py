"""What a model server runs in each worker: a service that loads the model and answers requests."""

from __future__ import annotations

import importlib
import os
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from maze_helpers.local_cloud.container.load_failure import refuse_pythons_own
from maze_helpers.local_cloud.container.model_server.answers import Answer
from maze_helpers.local_cloud.container.model_server.context import Context
from maze_helpers.local_cloud.container.serving_environment import ServingEnvironment

_CONTENT_TYPE = re.compile("[Cc]ontent-?[Tt]ype")
_STEPS = ("input_fn", "predict_fn", "output_fn")


class Service(ABC):
    """The handlers of one image, completed by the user's.

    is_healthy_without_model: whether pings are answered well where the model cannot be loaded.
    libraries: the modules that the image stands on.
    """

    is_healthy_without_model = False
    libraries: tuple[str, ...] = ()

    def __init__(self, environment: ServingEnvironment) -> None:
        self.environment = environment

    @abstractmethod
    def initialize(self, context: Context) -> None:
        """Import the user's module and load the model. Raises: whatever goes wrong."""

    @abstractmethod
    def handle(self, body: bytearray, context: Context) -> Any:
        """Return what becomes the answer's body.

        Raises: PredictionException, for an answer of the server's own.
        """

    @abstractmethod
    def refusal(self, error: BaseException) -> Answer:
        """Return what a request is answered with where the model could not be loaded."""


def find_module(environment: ServingEnvironment) -> ModuleType | None:
    """Return the user's module, imported, or None where there is none."""
    code = os.path.join(environment.paths.model, "code")
    if sys.path[0] != code:
        # Before the working folder, which gunicorn puts there.
        sys.path.insert(0, code)
    if find_spec(environment.module_name) is None:
        return None
    module = importlib.import_module(environment.module_name)
    refuse_pythons_own(module, environment.program)
    return module


def given_functions(module: ModuleType | None, *others: str) -> Mapping[str, Any]:
    """Return the handlers that a module has, None for each that it has not."""
    return {name: getattr(module, name, None) for name in (*_STEPS, "transform_fn", *others)}


def has_both(functions: Mapping[str, Any]) -> bool:
    """Return whether there is a transform_fn beside what it stands for."""
    return bool(functions["transform_fn"] and any(functions[name] for name in _STEPS))


def content_type_of(headers: Mapping[str, str]) -> str | None:
    """Return the value of the header Content-Type, or ContentType, or None."""
    for name in headers:
        if _CONTENT_TYPE.match(name):
            return headers[name]
    return None
