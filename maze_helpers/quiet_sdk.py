"""What importing the SDK does to a notebook, undone: notices, a hold on tracebacks, slowness."""

import logging
import os
import sys
import warnings

from maze_helpers import slow_imports

# What rich's `traceback.install`, which the SDK calls, replaces on the shell.
REPLACED = ("_showtraceback", "showtraceback", "showsyntaxerror")


def quieten() -> None:
    """Keep the SDK's notices out of a notebook, where they look like errors, in red.

    An error there stays an error of Jupyter's: the SDK would show a drawing in its place, which
    a runner does not know for one, and in which a check's one sentence is lost.
    """
    slow_imports.leave_out()
    os.environ.setdefault("SAGEMAKER_SUPPRESS_V2_WARNING", "1")
    # Importing the SDK sends every logger's INFO to stderr; its "sagemaker.config" has a level
    # of its own.
    for name in ("botocore", "sagemaker", "sagemaker.config"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # Transformers imports tqdm's widgets: their absence would be a red box in every notebook.
    warnings.filterwarnings("ignore", message="IProgress not found")
    shell = _shell()
    if shell is not None and _give_back_tracebacks not in shell.events.callbacks["post_execute"]:
        shell.events.register("post_execute", _give_back_tracebacks)


def _give_back_tracebacks() -> None:
    for name in REPLACED:
        vars(_shell()).pop(name, None)


def _shell() -> object | None:
    """Return IPython's shell, if this is a notebook or the like."""
    # Another thread may be importing it just now: then this is no notebook.
    get_shell = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return get_shell() if get_shell else None
