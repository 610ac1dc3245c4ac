"""The Hugging Face image's handlers.

Source: sagemaker-huggingface-inference-toolkit 2.6.0, handler_service.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any, NamedTuple

from maze_helpers.local_cloud.container.content_types import ANY, CSV, JSON, UTF8_TYPES
from maze_helpers.local_cloud.container.model_server import huggingface_codecs as codecs
from maze_helpers.local_cloud.container.model_server.answers import Answer, error_document
from maze_helpers.local_cloud.container.model_server.context import Context
from maze_helpers.local_cloud.container.model_server.errors import (
    BAD_REQUEST,
    PredictionException,
)
from maze_helpers.local_cloud.container.model_server.huggingface_pipeline import (
    TASK_VARIABLE,
    load_pipeline,
)
from maze_helpers.local_cloud.container.model_server.service import (
    Service,
    content_type_of,
    find_module,
    given_functions,
    has_both,
)
from maze_helpers.local_cloud.container.serving_environment import ServingEnvironment

_NOT_FROM_CSV = ("zero-shot-classification", "table-question-answering")
_MILLISECONDS = 1000
_log = logging.getLogger("sagemaker_huggingface_inference_toolkit.handler_service")


class _Handler(NamedTuple):
    """A function, and whether it takes the context."""

    function: Callable[..., Any]
    takes_context: bool = False

    def __call__(self, context: Context, *arguments: Any) -> Any:
        return self.function(*arguments, *([context] if self.takes_context else []))


class HuggingFaceService(Service):
    """Answers requests with a pipeline.

    As on AWS, pings are answered well where the model cannot be loaded; requests are told why.
    """

    is_healthy_without_model = True
    libraries = ("torch", "transformers")

    def __init__(self, environment: ServingEnvironment) -> None:
        super().__init__(environment)
        self._model: Any = None
        self._handlers: Mapping[str, _Handler] = {}

    def initialize(self, context: Context) -> None:
        """Find the functions and load the model."""
        given = given_functions(find_module(self.environment), "model_fn")
        if has_both(given):
            raise ValueError(
                "Cannot use transform_fn implementation in conjunction with "
                "input_fn, predict_fn, and/or output_fn implementation"
            )
        handlers = {
            name: _handler(given[name], count) if given[name] else None
            for name, count in _ARGUMENT_COUNTS.items()
        }
        defaults = {**_DEFAULTS, "transform_fn": _Handler(self._step_by_step, takes_context=True)}
        self._handlers = {name: handlers[name] or defaults[name] for name in handlers}
        self._model = self._handlers["model_fn"](context, self.environment.paths.model)

    def refusal(self, error: BaseException) -> Answer:
        """Return why the model could not be loaded, which is tried at each request."""
        return error_document(BAD_REQUEST, str(error))

    def handle(self, body: bytearray, context: Context) -> Any:
        """Return the transformed body. Raises: PredictionException, whatever goes wrong."""
        try:
            return self._transform(body, context)
        except Exception as error:
            raise PredictionException(str(error), BAD_REQUEST) from error

    def _transform(self, body: bytearray, context: Context) -> Any:
        headers = context.get_all_request_header(0)
        content_type = content_type_of(headers)
        accept = headers.get("Accept")
        if not accept or accept == ANY:
            # As there: SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT changes nothing.
            accept = JSON
        content = body.decode("utf-8") if content_type in UTF8_TYPES else body
        transform = self._handlers["transform_fn"]
        result = transform(context, self._model, content, content_type, accept)
        context.set_response_content_type(0, accept)
        return result

    def _step_by_step(
        self, model: Any, content: Any, content_type: str | None, accept: str, context: Context
    ) -> Any:
        began_s = time.monotonic()
        data = self._handlers["input_fn"](context, content, content_type)
        decoded_s = time.monotonic()
        prediction = self._handlers["predict_fn"](context, data, model)
        predicted_s = time.monotonic()
        response = self._handlers["output_fn"](context, prediction, accept)
        _log.info(
            "Preprocess time - %s ms\nPredict time - %s ms\nPostprocess time - %s ms",
            (decoded_s - began_s) * _MILLISECONDS,
            (predicted_s - decoded_s) * _MILLISECONDS,
            (time.monotonic() - predicted_s) * _MILLISECONDS,
        )
        return response


def default_input_fn(content: Any, content_type: str | None) -> Any:
    """Return the request's data. Raises: PredictionException, if CSV cannot hold it."""
    task = os.environ.get(TASK_VARIABLE)
    if content_type == CSV and task in _NOT_FROM_CSV:
        raise PredictionException(
            f"content type {content_type} not support with {task}, use different content_type",
            BAD_REQUEST,
        )
    return codecs.decode(content, content_type)


def default_predict_fn(data: Any, model: Any) -> Any:
    """Return what a pipeline says of "inputs", given "parameters" if there are any."""
    inputs = data.pop("inputs", data)
    parameters = data.pop("parameters", None)
    return model(inputs) if parameters is None else model(inputs, **parameters)


def _handler(function: Callable[..., Any], count: int) -> _Handler:
    """Return a user's function as a handler.

    count: of its arguments, without the context. Raises: TypeError, if it takes any other.
    """
    taken = len(signature(function).parameters)
    if taken not in (count, count + 1):
        raise TypeError(
            f"{function.__name__} definition takes {count} or {count + 1} arguments but "
            f"{taken} were given."
        )
    return _Handler(function, takes_context=taken == count + 1)


_ARGUMENT_COUNTS = {
    "model_fn": 1,
    "input_fn": 2,
    "predict_fn": 2,
    "output_fn": 2,
    "transform_fn": 4,
}
_DEFAULTS = {
    "model_fn": _Handler(load_pipeline),
    "input_fn": _Handler(default_input_fn),
    "predict_fn": _Handler(default_predict_fn),
    "output_fn": _Handler(codecs.encode),
}
