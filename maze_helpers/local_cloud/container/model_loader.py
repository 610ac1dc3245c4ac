"""Loads the user's module and model in a worker, and says why where that fails."""

from __future__ import annotations

import hashlib
import importlib
import logging
import os
import sys
import time
import traceback
from types import ModuleType
from typing import Any

from maze_helpers.local_cloud.container import serving_failure
from maze_helpers.local_cloud.container.framework import OURS
from maze_helpers.local_cloud.container.handlers import Handlers
from maze_helpers.local_cloud.container.serving_environment import ServingEnvironment
from maze_helpers.local_cloud.container.serving_failure import ServingError, listing
from maze_helpers.local_cloud.container.user_traceback import user_frames

# What code can raise to say that it failed. A user's sys.exit() must not end the worker: the
# next one would do the same.
FAILURES = (Exception, SystemExit)


class ModelLoader:
    """The user's module and model in this worker, once they are loaded.

    handlers: None until then. model: what model_fn returned, which may be None.
    """

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
            self._refuse_pythons_own(module)
            doing = f"{program} cannot be served"
            handlers = Handlers(module, program)
            doing = f"model_fn of {program} failed"
            self.model = handlers.model_fn(self._environment.paths.model)
        except FAILURES as error:
            self._report(doing, error)
            return False
        self.handlers = handlers
        serving_failure.withdraw()
        logging.getLogger(OURS).info(
            "%s and its model are loaded: it took %.3f s", program, time.monotonic() - began_s
        )
        return True

    def _refuse_pythons_own(self, module: ModuleType) -> None:
        """Raise ServingError, if Python's library has a module of the same name.

        As on AWS, the code cannot hide that: the entry point's name is what is wrong.
        """
        if _is_pythons_own(module):
            raise ServingError(
                f"{self._environment.program} was not imported, but Python's own module "
                f"{module.__name__}: give the entry point another name."
            )

    def _report(self, doing: str, error: BaseException) -> None:
        if isinstance(error, ServingError):
            text = sentence = str(error)
        else:
            sentence = self._sentence(doing, error)
            lines = traceback.format_exception(type(error), error, user_frames(error))
            text = f"{sentence}\n{''.join(lines)}".rstrip("\n")
        serving_failure.report(sentence)
        if _is_news(text):
            logging.getLogger(OURS).error("%s", text)

    def _sentence(self, doing: str, error: BaseException) -> str:
        said = f"{type(error).__name__}: {error}".rstrip(": ")
        sentence = f"{doing}: {said}"
        folder = self._environment.paths.model
        if isinstance(error, FileNotFoundError) and folder in str(error.filename or error):
            sentence += f" ({folder} holds: {listing(folder)})"
        return sentence


def _is_pythons_own(module: ModuleType) -> bool:
    spec = getattr(module, "__spec__", None)
    if spec is None or spec.origin is None:
        return False
    folder = os.path.dirname(spec.origin)
    if spec.submodule_search_locations is not None:
        folder = os.path.dirname(folder)
    return spec.origin in ("built-in", "frozen") or folder == os.path.dirname(os.__file__)


def _is_news(text: str) -> bool:
    """Return whether no worker of this server has logged the text yet."""
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
    # The environment that runs this is the server's own: see `serve`.
    mark = os.path.join(sys.prefix, f"logged-{digest}")
    try:
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return False
    return True
