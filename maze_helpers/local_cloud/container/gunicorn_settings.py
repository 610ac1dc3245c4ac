"""gunicorn's configuration file: how it serves, and what its processes do when they begin and end.

Each setting is explained at docs.gunicorn.org/en/stable/settings.html.
"""

from __future__ import annotations

import mmap
import os
import sys
from typing import Any

from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer

from maze_helpers.local_cloud.container import serving_failure
from maze_helpers.local_cloud.container.access_log import ServerLog
from maze_helpers.local_cloud.container.serving_environment import ServingEnvironment
from maze_helpers.local_cloud.container.unix_worker import UnixSyncWorker

# So many workers in a row may end while they load the model.
MOST_BROKEN_BOOTS = 3
BROKEN_BOOTS = 5

_environment = ServingEnvironment(os.environ)


class WorkerTimeout(SystemExit):
    """A request, or loading the model, took longer than a worker may."""


bind = f"unix:{_environment.socket_path}"
workers = _environment.workers
timeout = _environment.timeout_s
worker_class = UnixSyncWorker
logger_class = ServerLog
accesslog = "-"
# Of gunicorn 25 and later: a second socket, that nothing here uses.
control_socket_disable = True


def on_starting(server: Any) -> None:
    """Begin counting, in the master."""
    server.broken_boots = 0


def pre_fork(server: Any, worker: Any) -> None:
    """Share a byte between the master and its new worker, which says whether the worker is up."""
    worker.is_up = mmap.mmap(-1, 1)


def post_worker_init(worker: Any) -> None:
    """Load the model when a worker begins.

    Differs from AWS: there a worker loads it at its first request, which is then slow.
    """
    # Unbuffered, `print` writes a line and its end apart, and two workers' lines run together.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, write_through=False)
    # From now on, as at a request, the time-out counts.
    worker.notify()
    loader = worker.wsgi.loader
    if not loader.load() and loader.is_hopeless:
        # Of all exit codes, this one ends the server.
        sys.exit(Arbiter.APP_LOAD_ERROR)
    # Not alive: the master had enough of waiting, see `worker_abort`.
    worker.is_up[0] = int(worker.alive)


def worker_abort(worker: Any) -> None:
    """Say, where the user's code is stuck, why the worker must end."""
    raise WorkerTimeout(
        f"the worker was busy for more than {timeout} s (SAGEMAKER_MODEL_SERVER_TIMEOUT)"
    )


def child_exit(server: Any, worker: Any) -> None:
    """Give up where workers cannot live long enough to load the model.

    Differs from AWS: there gunicorn starts worker after worker, until the health check gives up.
    """
    was_up = worker.is_up[0]
    worker.is_up.close()
    if was_up or not server.LISTENERS:
        server.broken_boots = 0
        return
    server.broken_boots += 1
    if server.broken_boots == MOST_BROKEN_BOOTS:
        sentence = (
            f"{MOST_BROKEN_BOOTS} workers in a row ended while they loaded "
            f"{_environment.program} and its model: the log says how they ended."
        )
        if not serving_failure.is_reported():
            serving_failure.report(sentence)
        raise HaltServer(sentence, BROKEN_BOOTS)
