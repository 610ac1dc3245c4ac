"""Loads a service's model in a worker, and says why where that fails."""

from __future__ import annotations

import logging
import time

from maze_helpers.local_cloud.container import serving_failure
from maze_helpers.local_cloud.container.framework import OURS
from maze_helpers.local_cloud.container.load_failure import FAILURES, report_failure
from maze_helpers.local_cloud.container.model_server.context import Context
from maze_helpers.local_cloud.container.model_server.service import Service
from maze_helpers.local_cloud.container.serving_failure import ServingError


class ServiceLoader:
    """A service's model in this worker, once it is loaded.

    error: why it could not be loaded, the last time. is_hopeless: whether trying again is vain.
    """

    def __init__(self, service: Service) -> None:
        self.context = Context(service.environment.paths.model)
        self.loaded = False
        self.error: BaseException = RuntimeError("The model has not been loaded yet.")
        self.is_hopeless = False
        self._service = service

    def load(self) -> bool:
        """Load the model, and return whether that went well.

        A failure is in the log once for each server and cause, however often it is tried.
        """
        environment = self._service.environment
        began_s = time.monotonic()
        try:
            self._service.initialize(self.context)
        except FAILURES as error:
            self.error = self._explained(error)
            report_failure(environment, f"{environment.program} cannot be served", self.error)
            return False
        self.loaded = True
        serving_failure.withdraw()
        logging.getLogger(OURS).info(
            "the model is loaded: it took %.3f s", time.monotonic() - began_s
        )
        return True

    def _explained(self, error: BaseException) -> BaseException:
        """Return an error, or what to install if it is that the image's library is missing."""
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing not in self._service.libraries:
            return error
        self.is_hopeless = True
        return ServingError(
            f"{missing} is not installed here, and the image's model server needs it: "
            'pip install "sagemaker-maze[intent]".'
        )
