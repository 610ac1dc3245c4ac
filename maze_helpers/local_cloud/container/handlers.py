"""The functions that answer a request: the user's, and the scikit-learn image's own for the rest.

Source: aws/sagemaker-scikit-learn-container, serving. None of them gets a context: this image
calls each with the arguments below, by position.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from maze_helpers.local_cloud.container import codecs
from maze_helpers.local_cloud.container.content_types import UTF8_TYPES
from maze_helpers.local_cloud.container.responses import Response
from maze_helpers.local_cloud.container.serving_failure import ServingError


class Handlers:
    """What a user's module says about loading and predicting, completed by the defaults."""

    def __init__(self, module: ModuleType, file_name: str) -> None:
        """Find the functions.

        Raises: ServingError, if there is no model_fn, or a transform_fn beside what it replaces.
        """
        given = {name: getattr(module, name, None) for name in _NAMES}
        if not given["model_fn"]:
            raise ServingError(
                f"{file_name} has no model_fn: the scikit-learn image needs a function "
                "model_fn(model_dir) that loads the model and returns it."
            )
        replaced = [name for name in _STEPS if given[name]]
        if given["transform_fn"] and replaced:
            raise ServingError(
                f"{file_name} has transform_fn and {', '.join(replaced)}: transform_fn stands for "
                "input_fn, predict_fn and output_fn together, so have it or them."
            )
        self.model_fn = given["model_fn"]
        self.execution_parameters_fn = given["execution_parameters_fn"]
        self._transform_fn = given["transform_fn"]
        self._input_fn = given["input_fn"] or default_input_fn
        self._predict_fn = given["predict_fn"] or default_predict_fn
        self._output_fn = given["output_fn"] or default_output_fn

    def transform(self, model: Any, content: Any, content_type: str, accept: str) -> Any:
        """Return what becomes the response: see `responses.to_response`.

        content: text for JSON and CSV, bytes for all else.
        """
        if self._transform_fn:
            return self._transform_fn(model, content, content_type, accept)
        data = self._input_fn(content, content_type)
        prediction = self._predict_fn(data, model)
        return self._output_fn(prediction, accept)


def default_input_fn(content: Any, content_type: str) -> np.ndarray:
    """Return the request's array: float32 where it came as text, as it is where it is NPY."""
    array = codecs.decode(content, content_type)
    return array.astype(np.float32) if content_type in UTF8_TYPES else array


def default_predict_fn(data: Any, model: Any) -> Any:
    """Return what the model predicts."""
    return model.predict(data)


def default_output_fn(prediction: Any, accept: str) -> Response:
    """Return the prediction in the type that the caller accepts."""
    return Response(codecs.encode(prediction, accept), mimetype=accept)


_STEPS = ("input_fn", "predict_fn", "output_fn")
_NAMES = ("model_fn", *_STEPS, "transform_fn", "execution_parameters_fn")
