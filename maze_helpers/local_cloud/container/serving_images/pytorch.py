"""The PyTorch image, whose model server is TorchServe.

Source: sagemaker-pytorch-inference 2.0.25, torchserve and ts_environment.
"""

from __future__ import annotations

from collections.abc import Mapping

from maze_helpers.local_cloud.container.serving_environment import DEFAULT_TIMEOUT_S, count
from maze_helpers.local_cloud.container.serving_images.toolkit import ToolkitImage

_PREFIX = "SAGEMAKER_TS_"
_SETTINGS = ("BATCH_SIZE", "MAX_BATCH_DELAY", "MIN_WORKERS", "MAX_WORKERS", "RESPONSE_TIMEOUT")


class PyTorchImage(ToolkitImage):
    """Serves a PyTorch model."""

    application = "maze_helpers.local_cloud.container.model_server.pytorch_app:application"

    def variables(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return what the image sets, and workers and time-out where SAGEMAKER_TS_* say them.

        Any of these variables replaces the settings of SAGEMAKER_MODEL_SERVER_*, with a default
        for each that is missing.
        Differs from AWS: there are always as many workers as at least, and requests are handed
        over one by one, whatever the batch size; the handlers get them one by one there, too.
        """
        own = super().variables(given)
        if not any(_PREFIX + setting in given for setting in _SETTINGS):
            return own
        for setting in ("BATCH_SIZE", "MAX_BATCH_DELAY", "MAX_WORKERS"):
            count(given, _PREFIX + setting, 1)
        workers = count(given, f"{_PREFIX}MIN_WORKERS", 1)
        timeout_s = count(given, f"{_PREFIX}RESPONSE_TIMEOUT", DEFAULT_TIMEOUT_S)
        own["SAGEMAKER_MODEL_SERVER_WORKERS"] = str(workers)
        own["SAGEMAKER_MODEL_SERVER_TIMEOUT"] = str(timeout_s)
        return own
