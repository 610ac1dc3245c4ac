"""The instance of a notebook instance: one container, from its start to its stop."""

from __future__ import annotations

import base64
import http.client
import json
import logging
import secrets
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from maze_helpers.local_cloud.container.notebook_instance import TIMED_OUT
from maze_helpers.local_cloud.container.notebook_token import TOKEN_ARGUMENT, make_token
from maze_helpers.local_cloud.engine.containers import Container, Sample
from maze_helpers.local_cloud.engine.notebooks.environment import notebook_environment
from maze_helpers.local_cloud.engine.notebooks.folder import VOLUME, NotebookFolder
from maze_helpers.local_cloud.engine.notebooks.log import NotebookLog
from maze_helpers.local_cloud.engine.notebooks.record import CREATED, PORT, Document
from maze_helpers.local_cloud.ports import HOST, preferred_port

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

log = logging.getLogger(__name__)

# Source: CreateNotebookInstanceLifecycleConfig.
SCRIPT_LIMIT_S = 300.0
# Source: CreatePresignedNotebookInstanceUrl.
URL_VALID_S = 300.0
STOP_GRACE_S = 10.0
# Jupyter takes one or two seconds.
_JUPYTER_TIMEOUT_S = 120.0
_LOOK_PAUSE_S = 0.1
_PING_TIMEOUT_S = 2.0
_OK = 200
_SAMPLE_PERIOD_S = 10.0
_MODULE = "maze_helpers.local_cloud.container.notebook_instance"


class InstanceFailed(Exception):
    """An instance did not come up; the text is the FailureReason."""


class Instance:
    """One container, with its log. port: where its Jupyter listens, once it is started."""

    def __init__(
        self,
        cloud: LocalCloud,
        document: Document,
        config: Document | None,
        folder: NotebookFolder,
        on_end: Callable[[Instance], None],
    ) -> None:
        """config: the lifecycle configuration; None for none. on_end: called when it has ended."""
        self.port = 0
        self._document = document
        self._config = config
        self._folder = folder
        self._credentials = cloud.credentials
        self._log = NotebookLog(cloud, document)
        self._secret = secrets.token_urlsafe(32)
        self._on_end = on_end
        self._stopped = threading.Event()
        self._prepare()
        self._container = Container(
            folder.root,
            [sys.executable, "-m", _MODULE, str(folder.settings)],
            notebook_environment(cloud, document, folder, self._secret),
            on_line=self._log.add,
            on_sample=_ignore,
            sample_period_s=_SAMPLE_PERIOD_S,
            on_end=self._ended,
            directory=folder.home_seen,
            user_home=folder.home,
        )

    def launch(self) -> None:
        """Set it going."""
        self._container.start()
        self._folder.note_container(self._container.pid, self._container.created_at)

    def await_jupyter(self) -> None:
        """Return once its scripts have run and its Jupyter answers. Raises: InstanceFailed."""
        deadline_s = _JUPYTER_TIMEOUT_S + len(self._scripts()) * SCRIPT_LIMIT_S
        for _ in range(int(deadline_s / _LOOK_PAUSE_S)):
            if self._container.wait(_LOOK_PAUSE_S) is not None:
                raise InstanceFailed(self.failure())
            if self._answers():
                return
        raise InstanceFailed("InternalServerError: The Jupyter server does not answer.")

    def stop(self, grace_s: float = STOP_GRACE_S) -> None:
        """End its every process, and return when nothing is left of it but the volume."""
        self._container.stop(grace_s)
        self._stopped.wait()

    @property
    def has_ended(self) -> bool:
        """Whether nothing is left of it but the volume."""
        return self._stopped.is_set()

    def url(self, session_s: float, now_s: float) -> str:
        """Return a URL by which to open its Jupyter, for a session of so many seconds."""
        # Differs from AWS: there is no host name of its own, and no TLS on this machine alone.
        token = make_token(self._secret, now_s, URL_VALID_S, session_s)
        return f"http://{HOST}:{self.port}?{TOKEN_ARGUMENT}={token}"

    def failure(self) -> str:
        """Return why it ended by itself."""
        for script, ending in self._log.endings.items():
            if ending != "0":
                return self._script_failure(script, ending)
        return (
            "InternalServerError: The instance ended by itself, with exit code "
            f"{self._container.wait()}. See its log stream jupyter.log."
        )

    def _script_failure(self, script: str, ending: str) -> str:
        """Return the reason, in AWS's words where the script took too long.

        Source: issue 4 of aws-samples/amazon-sagemaker-optuna-hpo-blog.
        """
        assert self._config
        # Differs from AWS: there, of a script that failed it is said that it took too long.
        what = (
            "took longer than 5 minutes"
            if ending == TIMED_OUT
            else f"failed: its {script} script exited with code {ending}"
        )
        return (
            "Notebook Instance Lifecycle Config "
            f"'{self._config['NotebookInstanceLifecycleConfigArn']}' for Notebook Instance "
            f"'{self._document['NotebookInstanceArn']}' {what}. Please check your CloudWatch logs "
            "for more details if your Notebook Instance has Internet access."
        )

    def _prepare(self) -> None:
        document, folder = self._document, self._folder
        name, arn = document["NotebookInstanceName"], document["NotebookInstanceArn"]
        folder.make_instance(name, arn)
        self._runtime = folder.runtime
        folder.write_settings(
            {
                "scripts": self._scripts(),
                "script_limit_s": SCRIPT_LIMIT_S,
                "port": document.get(PORT) or preferred_port(folder.root),
                "volume": str(folder.home_seen / VOLUME),
            }
        )

    def _scripts(self) -> list[tuple[str, str]]:
        """Return the names and texts of the scripts to run, in order."""
        if self._config is None:
            return []
        # That a creation that failed begins again with OnCreate is a guess.
        names = ["OnStart"] if self._document[CREATED] else ["OnCreate", "OnStart"]
        return [
            (name, base64.b64decode(hook["Content"]).decode(errors="replace"))
            for name in names
            for hook in self._config.get(name, [])
            if "Content" in hook
        ]

    def _answers(self) -> bool:
        port = _port_in(self._runtime)
        if port is None:
            return False
        connection = http.client.HTTPConnection(HOST, port, timeout=_PING_TIMEOUT_S)
        try:
            connection.request("GET", "/api")
            answered = connection.getresponse().status == _OK
        except OSError:
            return False
        finally:
            connection.close()
        self.port = port
        return answered

    def _ended(self) -> None:
        try:
            self._log.close()
        finally:
            self._folder.revoke_key(self._credentials)
            try:
                self._folder.remove_instance()
            except OSError:
                log.exception("a notebook instance left files in %s", self._folder.root)
            self._stopped.set()
            self._on_end(self)


def _port_in(runtime: Path) -> int | None:
    """Return where Jupyter listens, None before it does."""
    for path in runtime.glob("jpserver-*.json"):
        try:
            return json.loads(path.read_text(encoding="utf-8"))["port"]
        except (ValueError, OSError):
            return None  # It is being written, or gone with the instance.
    return None


def _ignore(sample: Sample) -> None:
    """Take a sample: AWS publishes no metrics of notebook instances."""
