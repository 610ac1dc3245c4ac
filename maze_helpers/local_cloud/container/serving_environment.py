"""What a model server is told by its environment variables.

Source: README of aws/sagemaker-containers; how they are read, observed on 2.8.6. As there,
SAGEMAKER_CONTAINER_LOG_LEVEL changes nothing: the server and the user's code log from INFO on.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from maze_helpers.local_cloud.container.content_types import JSON
from maze_helpers.local_cloud.container.paths import Paths
from maze_helpers.local_cloud.container.serving_failure import ServingError

OPT_ML = "/opt/ml"
SOCKET_VARIABLE = "MAZE_MODEL_SERVER_SOCKET"
DEFAULT_TIMEOUT_S = 60


class ServingEnvironment:
    """One model server's settings.

    base: what stands for /opt/ml. program: the entry point, such as "predict.py".
    code_uri: where the source code comes from. socket_path: the unix socket to listen on.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        """Read the settings. Raises: ServingError, if one is missing or not a number."""
        self.base = variables.get("SAGEMAKER_BASE_DIR", OPT_ML)
        self.paths = Paths(self.base)
        self.program = _required(
            variables, "SAGEMAKER_PROGRAM", "the entry point, such as predict.py"
        )
        self.code_uri = self._below_base(
            variables.get("SAGEMAKER_SUBMIT_DIRECTORY", self.paths.code)
        )
        self.socket_path = _required(variables, SOCKET_VARIABLE, "the server's unix socket")
        self.workers = count(variables, "SAGEMAKER_MODEL_SERVER_WORKERS", os.cpu_count() or 1)
        self.timeout_s = count(variables, "SAGEMAKER_MODEL_SERVER_TIMEOUT", DEFAULT_TIMEOUT_S)
        self.default_accept = variables.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", JSON)

    @property
    def module_name(self) -> str:
        """The entry point as it is imported."""
        return self.program[:-3] if self.program.endswith(".py") else self.program

    def _below_base(self, uri: str) -> str:
        """Return where a path below /opt/ml is here; anything else as it is."""
        if uri == OPT_ML or uri.startswith(OPT_ML + "/"):
            return self.base + uri[len(OPT_ML) :]
        return uri


def _required(variables: Mapping[str, str], name: str, what: str) -> str:
    value = variables.get(name)
    if not value:
        raise ServingError(f"The environment variable {name} is missing: it must name {what}.")
    return value


def count(variables: Mapping[str, str], name: str, default: int) -> int:
    """Return a variable that says how many. Raises: ServingError, if it is no number from 1 on."""
    value = variables.get(name, str(default))
    if not value.isdecimal() or int(value) == 0:
        raise ServingError(
            f"The environment variable {name} is {value!r}: it must be a whole number, 1 or more."
        )
    return int(value)
