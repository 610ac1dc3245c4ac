"""The framework that an image is for, and the version of it that really runs."""

from __future__ import annotations

import platform
from collections.abc import Mapping

from maze_helpers.local_cloud.container.python_environment import PythonEnvironment
from maze_helpers.local_cloud.container.train_log import TrainLog

OURS = "local-cloud"
# Source: the Dockerfiles of aws/sagemaker-scikit-learn-container.
_MODULES = {"scikit-learn": "sagemaker_sklearn_container.training:main"}
_SERVING_MODULES = {"scikit-learn": "sagemaker_sklearn_container.serving:main"}
_VERSION_VARIABLES = {"scikit-learn": "SAGEMAKER_SKLEARN_VERSION"}


class Framework:
    """A framework image.

    name: the library's, on PyPI. image_version: such as "1.2-1".
    """

    def __init__(self, name: str, image_version: str) -> None:
        self.name = name
        self.image_version = image_version

    @property
    def module(self) -> str:
        """The module by which the image runs training; it is named in the log only."""
        return _MODULES[self.name].partition(":")[0]

    def variables(self, input_folder: str, given: Mapping[str, str]) -> dict[str, str]:
        """Return the variables that the image sets, where the job did not."""
        config = f"{input_folder}/config"
        own = {
            "SAGEMAKER_TRAINING_MODULE": _MODULES[self.name],
            _VERSION_VARIABLES[self.name]: self.image_version,
            "SM_INPUT": input_folder,
            "SM_INPUT_TRAINING_CONFIG_FILE": f"{config}/hyperparameters.json",
            "SM_INPUT_DATA_CONFIG_FILE": f"{config}/inputdataconfig.json",
            "SM_CHECKPOINT_CONFIG_FILE": f"{config}/checkpointconfig.json",
        }
        return {name: value for name, value in own.items() if name not in given}

    def serving_variables(self, model_folder: str, given: Mapping[str, str]) -> dict[str, str]:
        """Return the variables that the image sets for a model server, where the model did not."""
        own = {
            "SAGEMAKER_SERVING_MODULE": _SERVING_MODULES[self.name],
            _VERSION_VARIABLES[self.name]: self.image_version,
            "SM_MODEL_DIR": model_folder,
            "PYTHONUNBUFFERED": "1",
        }
        return {name: value for name, value in own.items() if name not in given}

    def check_version(self, python: PythonEnvironment, log: TrainLog) -> None:
        """Log which version runs, and warn where it is not the image's."""
        version = python.version_of(self.name)
        if version is None:
            log.warning(f"{self.name} is not installed here; the image holds it.", OURS)
            return
        log.info(f"{self.name} {version} runs here, on Python {platform.python_version()}.", OURS)
        image_series = self.image_version.partition("-")[0].split(".")[:2]
        if version.split(".")[:2] != image_series:
            log.warning(
                f"The image {self.image_version} holds {self.name} {'.'.join(image_series)}: on "
                f"AWS, this script runs with that, and a model saved here may not load there.",
                OURS,
            )
