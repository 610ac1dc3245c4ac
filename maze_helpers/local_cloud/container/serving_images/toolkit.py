"""What the images that stand on sagemaker-inference share: their code is inside the model.

Source: sagemaker-inference 1.10.1, model_server; observed on TorchServe 0.12 and on Multi Model
Server 1.1.11.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from maze_helpers.local_cloud.container.paths import home_folder
from maze_helpers.local_cloud.container.python_environment import PythonEnvironment
from maze_helpers.local_cloud.container.serving_environment import ServingEnvironment
from maze_helpers.local_cloud.container.serving_images.image import (
    Installation,
    ServingImage,
    has_file,
    paths_of,
)
from maze_helpers.local_cloud.container.train_log import ServeLog

_PROGRAM, _SUBMIT_DIRECTORY = "SAGEMAKER_PROGRAM", "SAGEMAKER_SUBMIT_DIRECTORY"
_PLACES_OF_CODE = ("/opt/ml/model/code", "file:///opt/ml/model/code")


class ToolkitImage(ServingImage):
    """Serves the module that /opt/ml/model/code holds, or else its defaults."""

    def variables(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return the entry point by default, and what the Dockerfiles set."""
        own = {
            _PROGRAM: "inference.py",
            "SM_MODEL_DIR": paths_of(given).model,
            "PYTHONUNBUFFERED": "1",
            "DLC_CONTAINER_TYPE": "inference",
        }
        # The SDK sets the entry point to nothing where a model has none.
        return {name: value for name, value in own.items() if not given.get(name)}

    def place_code(self, environment: ServingEnvironment, log: ServeLog) -> None:
        """Leave the code where it is, and say where it was expected if it is elsewhere."""
        code = code_folder(environment)
        elsewhere = os.environ.get(_SUBMIT_DIRECTORY) or _PLACES_OF_CODE[0]
        if not has_file(code, environment.program) and elsewhere not in (*_PLACES_OF_CODE, code):
            log.warning(
                f"{code} holds no {environment.program}, and {_SUBMIT_DIRECTORY} is {elsewhere}: "
                "this image takes its code from the model's archive only, so the image's own "
                "functions serve. Give the model a source_dir beside the entry_point, so that the "
                "SDK packs the code into the archive, or pack it there, below code/."
            )

    def installation(self, environment: ServingEnvironment) -> Installation | None:
        """Return the code's requirements."""
        path = os.path.join(code_folder(environment), "requirements.txt")
        if not os.path.exists(path):
            return None
        announcement = "installing packages from requirements.txt..."
        return Installation(["-r", path], home_folder(), "requirements.txt", announcement)

    def import_path(
        self, environment: ServingEnvironment, python: PythonEnvironment, own_path: list[str]
    ) -> str:
        """Return a path by which the code, then the model's folder, come before all else."""
        first = os.pathsep.join([code_folder(environment), environment.paths.model])
        return python.search_path(first, own_path)

    def working_folder(self, environment: ServingEnvironment) -> str:
        """Return the model's folder."""
        return environment.paths.model


def code_folder(environment: ServingEnvironment) -> str:
    """Return where the user's code is."""
    return os.path.join(environment.paths.model, "code")
