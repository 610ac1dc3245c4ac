"""The model server of the scikit-learn image as a WSGI application: what each worker runs.

It answers as nginx, Flask and the scikit-learn image's code do together.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from typing import Any

from maze_helpers.local_cloud.container.content_types import ANY, JSON, OCTET_STREAM, UTF8_TYPES
from maze_helpers.local_cloud.container.flask_context import flask_context
from maze_helpers.local_cloud.container.load_failure import FAILURES
from maze_helpers.local_cloud.container.model_loader import ModelLoader
from maze_helpers.local_cloud.container.responses import Response, error_page, to_response
from maze_helpers.local_cloud.container.serving_environment import ServingEnvironment
from maze_helpers.local_cloud.container.serving_log import configure_logging
from maze_helpers.local_cloud.container.user_traceback import user_frames
from maze_helpers.local_cloud.container.wsgi_request import read_body

# What nginx passes on; it answers all else itself.
_PASSED_ON = ("/ping", "/invocations", "/execution-parameters")


class ServingApp:
    """Answers pings and invocations with one user's module and model."""

    def __init__(self, environment: ServingEnvironment) -> None:
        self.loader = ModelLoader(environment)
        self._default_accept = environment.default_accept
        self._log = logging.getLogger(environment.module_name)

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer one request."""
        body = read_body(environ)
        path = environ["PATH_INFO"]
        if not path.startswith(_PASSED_ON):
            return Response("{}", status=404, mimetype=OCTET_STREAM)(environ, start_response)
        if self.loader.handlers is None and not self.loader.load():
            return error_page(500)(environ, start_response)
        try:
            return self._answer(path, environ, body)(environ, start_response)
        except FAILURES as error:
            about = type(error), error, user_frames(error)
            method = environ["REQUEST_METHOD"]
            self._log.error("Exception on %s [%s]", path, method, exc_info=about)
            return error_page(500)(environ, start_response)

    def _answer(
        self, path: str, environ: dict[str, Any], body: bytes
    ) -> Callable[..., Iterable[bytes]]:
        method = environ["REQUEST_METHOD"]
        handlers = self.loader.handlers
        assert handlers
        if path == "/invocations":
            return self._invoke(environ, body) if method == "POST" else _not_allowed("POST")
        if path == "/ping":
            return Response() if method in ("GET", "HEAD") else _not_allowed("GET, HEAD")
        if path == "/execution-parameters" and handlers.execution_parameters_fn:
            if method not in ("GET", "HEAD"):
                return _not_allowed("GET, HEAD")
            with flask_context(environ):
                return to_response(handlers.execution_parameters_fn())
        return error_page(404)

    def _invoke(self, environ: dict[str, Any], body: bytes) -> Callable[..., Iterable[bytes]]:
        handlers = self.loader.handlers
        assert handlers
        content_type = environ.get("HTTP_CONTENTTYPE") or environ.get("CONTENT_TYPE") or JSON
        accept = environ.get("HTTP_ACCEPT")
        if not accept or accept == ANY:
            accept = self._default_accept
        content = body.decode("utf-8", "replace") if content_type in UTF8_TYPES else body
        with flask_context(environ):
            result = handlers.transform(self.loader.model, content, content_type, accept)
            return to_response(result)


def _not_allowed(methods: str) -> Response:
    page = error_page(405)
    page.headers["Allow"] = methods
    return page


configure_logging()
application = ServingApp(ServingEnvironment(os.environ))
