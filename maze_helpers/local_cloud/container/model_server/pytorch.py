"""The PyTorch image's handlers.

Source: sagemaker-inference 1.10.1, transformer, and sagemaker-pytorch-inference 2.0.25,
default_pytorch_inference_handler.
"""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Mapping
from typing import Any, cast

from maze_helpers.local_cloud.container.content_types import ANY, CSV, UTF8_TYPES
from maze_helpers.local_cloud.container.model_server import codecs
from maze_helpers.local_cloud.container.model_server.answers import Answer, worker_died
from maze_helpers.local_cloud.container.model_server.calling import call
from maze_helpers.local_cloud.container.model_server.context import Context
from maze_helpers.local_cloud.container.model_server.errors import (
    INTERNAL_ERROR,
    BaseInferenceToolkitError,
    GenericInferenceToolkitError,
    UnsupportedFormatError,
)
from maze_helpers.local_cloud.container.model_server.service import (
    Service,
    content_type_of,
    find_module,
    given_functions,
    has_both,
)
from maze_helpers.local_cloud.container.serving_environment import ServingEnvironment
from maze_helpers.local_cloud.container.user_traceback import user_frames

DEFAULT_MODEL_FILE = "model.pt"
_MODEL_SUFFIXES = (".pt", ".pth")
_log = logging.getLogger("sagemaker-inference")


class ModelLoadError(Exception):
    """The model's file holds no TorchScript."""


class PyTorchService(Service):
    """Answers requests with a PyTorch model.

    Differs from AWS: where the model cannot be loaded, pings say so at once, and the endpoint
    fails. TorchServe answers them well while it tries again, for minutes.
    """

    libraries = ("torch",)

    def __init__(self, environment: ServingEnvironment) -> None:
        super().__init__(environment)
        self._model: Any = None
        self._functions: Mapping[str, Any] = {}

    def initialize(self, context: Context) -> None:
        """Find the functions and load the model, with what is to come before and after it."""
        module = find_module(self.environment)
        given = given_functions(module, "model_fn", "pre_model_fn", "model_warmup_fn")
        if has_both(given):
            raise ValueError(
                "Cannot use transform_fn implementation in conjunction with "
                "input_fn, predict_fn, and/or output_fn implementation"
            )
        self._functions = {name: given[name] or _DEFAULTS.get(name) for name in given}
        folder = self.environment.paths.model
        if given["pre_model_fn"]:
            call(given["pre_model_fn"], context, folder)
        self._model = call(self._functions["model_fn"], context, folder)
        if given["model_warmup_fn"]:
            call(given["model_warmup_fn"], context, folder, self._model)

    def refusal(self, error: BaseException) -> Answer:
        """Return the answer of a server whose workers do not come up."""
        return worker_died()

    def handle(self, body: bytearray, context: Context) -> Any:
        """Return the transformed body; an error's message and traceback, with its status."""
        try:
            return self._transform(body, context)
        except Exception as error:
            return _refusal(context, _chosen_answer(error), error)

    def _transform(self, body: bytearray, context: Context) -> Any:
        headers = context.get_all_request_header(0)
        content_type = content_type_of(headers)
        accept = headers.get("Accept")
        if not accept or accept == ANY:
            accept = self.environment.default_accept
        content = body.decode("utf-8") if content_type in UTF8_TYPES else body
        transform_fn = self._functions["transform_fn"]
        if transform_fn:
            result = call(transform_fn, context, self._model, content, content_type, accept)
        else:
            result = self._step_by_step(context, content, content_type, accept)
        if isinstance(result, tuple):
            result, accept = result[0], result[1]
        context.set_response_content_type(0, accept)
        return result

    def _step_by_step(
        self, context: Context, content: Any, content_type: str | None, accept: str
    ) -> Any:
        data = call(self._functions["input_fn"], context, content, content_type)
        prediction = call(self._functions["predict_fn"], context, data, self._model)
        return call(self._functions["output_fn"], context, prediction, accept)


def default_model_fn(model_dir: str) -> Any:
    """Return the TorchScript model of a folder: model.pt, or else its only file of that kind.

    Raises: ValueError, ModelLoadError, with the texts of AWS's.
    """
    import torch

    path = os.path.join(model_dir, DEFAULT_MODEL_FILE)
    if not os.path.exists(path):
        names = [name for name in os.listdir(model_dir) if _is_model_file(name)]
        if len(names) != 1:
            raise ValueError(
                f"Exactly one .pth or .pt file is required for PyTorch models: {names}"
            )
        path = os.path.join(model_dir, names[0])
    try:
        model = torch.jit.load(path, map_location=_device())
    except RuntimeError as error:
        raise ModelLoadError(
            f"Failed to load {path}. Please ensure model is saved using torchscript."
        ) from error
    return model.to(_device())


def default_input_fn(content: Any, content_type: str | None) -> Any:
    """Return the request's tensor: of float32 where it came as text, as it is where it is NPY."""
    import torch

    array = codecs.decode(content, content_type)
    is_text = content_type in UTF8_TYPES
    tensor = torch.FloatTensor(array) if is_text else torch.from_numpy(array)
    return tensor.to(_device())


def default_predict_fn(data: Any, model: Any) -> Any:
    """Return what the model says of a tensor."""
    import torch

    with torch.no_grad():
        model = model.to(_device())
        model.eval()
        return model(data.to(_device()))


def default_output_fn(prediction: Any, accept: str) -> str | bytes:
    """Return a prediction in the first type that the caller accepts and there is a codec for."""
    import torch

    if type(prediction) is torch.Tensor:
        prediction = prediction.detach().cpu().numpy().tolist()
    for content_type in codecs.accepted_types(accept):
        if content_type in codecs.SUPPORTED_CONTENT_TYPES:
            encoded = codecs.encode(prediction, content_type)
            return encoded.encode("utf-8") if content_type == CSV else encoded
    raise UnsupportedFormatError(accept)


def _chosen_answer(error: Exception) -> BaseInferenceToolkitError:
    """Return an error that chooses how it is answered; for any other, that it is a 500."""
    # By name: where sagemaker-inference itself is installed, scripts raise its own.
    name = BaseInferenceToolkitError.__name__
    if any(kind.__name__ == name for kind in type(error).__mro__):
        return cast(BaseInferenceToolkitError, error)
    return GenericInferenceToolkitError(INTERNAL_ERROR, str(error))


def _refusal(context: Context, answer: BaseInferenceToolkitError, error: Exception) -> str:
    """Return an error's message and traceback, and choose the answer's status.

    Differs from AWS: the traceback begins at the user's code, and where it did not get there,
    it is one frame.
    """
    context.set_response_status(answer.status_code, answer.phrase)
    frames = user_frames(error)
    limit = -1 if frames is error.__traceback__ else None
    trace = "".join(traceback.format_exception(type(error), error, frames, limit))
    _log.error("Transform failed for model: %s\n%s", context.model_name, trace.rstrip("\n"))
    return f"{answer.message}\n{trace}"


def _is_model_file(path: str) -> bool:
    # The toolkit looks for the name in the working folder, which is the model's.
    return os.path.isfile(path) and os.path.splitext(path)[1] in _MODEL_SUFFIXES


def _device() -> Any:
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


_DEFAULTS = {
    "model_fn": default_model_fn,
    "input_fn": default_input_fn,
    "predict_fn": default_predict_fn,
    "output_fn": default_output_fn,
}
