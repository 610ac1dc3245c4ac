"""Why a worker could not load the user's module or model: for the log and for its owner."""

from __future__ import annotations

import hashlib
import logging
import os
import sys
import traceback
from types import ModuleType

from maze_helpers.local_cloud.container import serving_failure
from maze_helpers.local_cloud.container.framework import OURS
from maze_helpers.local_cloud.container.serving_environment import ServingEnvironment
from maze_helpers.local_cloud.container.serving_failure import ServingError, listing
from maze_helpers.local_cloud.container.user_traceback import user_frames

# What code can raise to say that it failed. A user's sys.exit() must not end the worker: the
# next one would do the same.
FAILURES = (Exception, SystemExit)


def report_failure(environment: ServingEnvironment, doing: str, error: BaseException) -> None:
    """Log a failure, once for each server and cause, and keep its sentence.

    doing: what failed, such as "model_fn of inference.py failed".
    """
    if isinstance(error, ServingError):
        text = sentence = str(error)
    else:
        sentence = _sentence(environment, doing, error)
        lines = traceback.format_exception(type(error), error, user_frames(error))
        text = f"{sentence}\n{''.join(lines)}".rstrip("\n")
    serving_failure.report(sentence)
    if _is_news(text):
        logging.getLogger(OURS).error("%s", text)


def refuse_pythons_own(module: ModuleType, program: str) -> None:
    """Raise ServingError, if Python's library has a module of the same name.

    As on AWS, the code cannot hide that: the entry point's name is what is wrong.
    """
    if _is_pythons_own(module):
        raise ServingError(
            f"{program} was not imported, but Python's own module "
            f"{module.__name__}: give the entry point another name."
        )


def _sentence(environment: ServingEnvironment, doing: str, error: BaseException) -> str:
    said = f"{type(error).__name__}: {error}".rstrip(": ")
    sentence = f"{doing}: {said}"
    folder = environment.paths.model
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
