"""Loads the user's module and model in a worker of the scikit-learn image."""

from __future__ import annotations

import importlib
import logging
import time
from typing import Any

from maze_helpers.local_cloud.container import serving_failure
from maze_helpers.local_cloud.container.framework import OURS
from maze_helpers.local_cloud.container.handlers import Handlers
from maze_helpers.local_cloud.container.load_failure import (
    FAILURES,
    refuse_pythons_own,
    report_failure,
)
from maze_helpers.local_cloud.container.serving_environment import ServingEnvironment


class ModelLoader:
    """The user's module and model in this worker, once they are loaded.

    handlers: None until then. model: what model_fn returned, which may be None. is_hopeless:
    whether trying again is vain.
    """

    is_hopeless = False

    def __init__(self, environment: ServingEnvironment) -> None:
        self.handlers: Handlers | None = None
        self.model: Any = None
        self._environment = environment

    def load(self) -> bool:
        """Import the module, call model_fn, and return whether that went well.

        A failure is in the log once for each server and cause, however often it is tried.
        """
        program = self._environment.program
        began_s = time.monotonic()
        doing = f"{program} cannot be imported"
        try:
            module = importlib.import_module(self._environment.module_name)
            refuse_pythons_own(module, program)
            doing = f"{program} cannot be served"
            handlers = Handlers(module, program)
            doing = f"model_fn of {program} failed"
            self.model = handlers.model_fn(self._environment.paths.model)
        except FAILURES as error:
            report_failure(self._environment, doing, error)
            return False
        self.handlers = handlers
        serving_failure.withdraw()
        logging.getLogger(OURS).info(
            "%s and its model are loaded: it took %.3f s", program, time.monotonic() - began_s
        )
        return True
