"""A model server as a WSGI application: what each worker of the PyTorch and Hugging Face images
runs.

It answers as TorchServe and the Multi Model Server do, as far as SageMaker asks them.
Differs from AWS: a form is a body like any other; there, handlers get its field "body", or None.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from maze_helpers.local_cloud.container.model_server.answers import (
    Answer,
    document,
    error_document,
    to_bytes,
    worker_died,
)
from maze_helpers.local_cloud.container.model_server.errors import (
    UNAVAILABLE,
    PredictionException,
)
from maze_helpers.local_cloud.container.model_server.limits import Limits
from maze_helpers.local_cloud.container.model_server.loader import ServiceLoader
from maze_helpers.local_cloud.container.model_server.service import Service
from maze_helpers.local_cloud.container.user_traceback import user_frames
from maze_helpers.local_cloud.container.wsgi_request import read_body

OK, NOT_FOUND, NOT_ALLOWED, TOO_LARGE, FAILED = 200, 404, 405, 413, 500


class ServerApp:
    """Answers pings and invocations with one service."""

    def __init__(self, service: Service, limits: Limits) -> None:
        self.loader = ServiceLoader(service)
        self._service = service
        self._limits = limits
        self._log = logging.getLogger(service.environment.module_name)

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer one request."""
        body = read_body(environ)
        if len(body) > self._limits.request_bytes:
            return Answer(TOO_LARGE, {}, b"").send(start_response)
        return self._answer(environ, body).send(start_response)

    def _answer(self, environ: dict[str, Any], body: bytes) -> Answer:
        # Whatever the method: so are they there.
        name = environ["PATH_INFO"].strip("/")
        if name == "ping":
            return self._ping()
        if name == "invocations":
            return self._invoke(environ, body)
        if name:
            text = "Requested resource is not found, please refer to API document."
            return error_document(NOT_FOUND, text, "ResourceNotFoundException")
        text = "Requested method is not allowed, please refer to API document."
        return error_document(NOT_ALLOWED, text, "MethodNotAllowedException")

    def _ping(self) -> Answer:
        """Say whether requests are answered.

        Differs from AWS: the first good answer comes once the model is loaded; there it comes
        before, and the first requests wait.
        """
        if self._service.is_healthy_without_model or self.loader.loaded or self.loader.load():
            return document(OK, {"status": "Healthy"})
        return document(FAILED, {"status": "Unhealthy"})

    def _invoke(self, environ: dict[str, Any], body: bytes) -> Answer:
        context = self.loader.context
        request = context.begin(environ)
        if not self.loader.loaded and not self.loader.load():
            return self._service.refusal(self.loader.error)
        try:
            content = to_bytes(self._service.handle(bytearray(body), context))
        except PredictionException as error:
            self._log.error("Prediction error", exc_info=_about(error))
            return error_document(error.error_code, error.message)
        except Exception as error:
            self._log.warning("Invoking custom service failed.", exc_info=_about(error))
            return error_document(UNAVAILABLE, "Prediction failed")
        except SystemExit as error:
            self._log.error("The worker is asked to end", exc_info=_about(error))
            return worker_died()
        if len(content) > self._limits.response_bytes:
            self._log.error(
                "The response has %d bytes, of which %d may be.",
                len(content),
                self._limits.response_bytes,
            )
            return worker_died()
        return Answer(request.get_response_status_code(), request.get_response_headers(), content)


def _about(error: BaseException) -> Any:
    cause = error.__cause__ or error
    return type(cause), cause, user_frames(cause)
