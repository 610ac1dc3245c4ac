"""The Hugging Face image, whose model server is the Multi Model Server.

Source: sagemaker-huggingface-inference-toolkit 2.6.0, mms_model_server.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping

from maze_helpers.local_cloud.container.serving_environment import ServingEnvironment
from maze_helpers.local_cloud.container.serving_failure import ServingError
from maze_helpers.local_cloud.container.serving_images.toolkit import ToolkitImage
from maze_helpers.local_cloud.container.train_log import ServeLog

_MODEL_ID = "HF_MODEL_ID"
_TIMEOUT = "SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS"


class HuggingFaceImage(ToolkitImage):
    """Serves a model of transformers."""

    application = "maze_helpers.local_cloud.container.model_server.huggingface_app:application"

    def variables(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return what the image sets, and the time-out under its other name.

        Differs from AWS: the Hugging Face Hub is not asked for anything, unless the model's
        environment says HF_HUB_OFFLINE=0.
        """
        own = super().variables(given)
        if _TIMEOUT in given:
            own["SAGEMAKER_MODEL_SERVER_TIMEOUT"] = given[_TIMEOUT]
        if "HF_HUB_OFFLINE" not in given:
            own["HF_HUB_OFFLINE"] = "1"
        return own

    def place_code(self, environment: ServingEnvironment, log: ServeLog) -> None:
        """Put the model that HF_MODEL_ID names into its folder.

        Differs from AWS: there it is downloaded from the Hugging Face Hub. Here it must be the
        path of a folder, which on AWS it must not be.
        """
        model_id = os.environ.get(_MODEL_ID)
        if model_id is not None:
            _place_model(self._folder_of(model_id), environment.paths.model)
        super().place_code(environment, log)

    def _folder_of(self, model_id: str) -> str:
        if not os.path.isdir(model_id):
            raise ServingError(
                f"{_MODEL_ID} is {model_id}, a model of the Hugging Face Hub: the local cloud "
                "downloads none. Save the model with save_pretrained() and pass it as "
                "model_data, packed in a model.tar.gz."
            )
        return model_id


def _place_model(source: str, folder: str) -> None:
    if os.path.realpath(source) == os.path.realpath(folder):
        return
    shutil.copytree(source, folder, dirs_exist_ok=True)
