"""What a handler with a `context` argument gets: the server's context, and in it the request.

Source: ts/context.py of TorchServe 0.12 and mms/context.py of the Multi Model Server 1.1.11, which
have the same names.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from maze_helpers.local_cloud.container.model_server.metrics import Metrics

_CONTENT_TYPE = "content-type"
# How SageMaker spells the headers of its own. A request arrives here without its upper case.
_SPELLINGS = {
    "x-amzn-sagemaker-custom-attributes": "X-Amzn-SageMaker-Custom-Attributes",
    "x-amzn-sagemaker-inference-id": "X-Amzn-SageMaker-Inference-Id",
    "x-amzn-sagemaker-target-model": "X-Amzn-SageMaker-Target-Model",
    "x-amzn-sagemaker-target-variant": "X-Amzn-SageMaker-Target-Variant",
    "x-amzn-sagemaker-session-id": "X-Amzn-SageMaker-Session-Id",
    "contenttype": "ContentType",
}


class Headers(dict):
    """A request's headers.

    Differs from AWS: they are found however their names are spelled.
    """

    def __init__(self, environ: Mapping[str, Any]) -> None:
        items = dict(_header_items(environ))
        super().__init__({_spelled(name): value for name, value in items.items()})

    def __missing__(self, name: str) -> str:
        """Look for the name as it is spelled here."""
        return dict.__getitem__(self, _spelled(name))

    def __contains__(self, name: object) -> bool:
        """Return whether there is such a header."""
        return isinstance(name, str) and super().__contains__(_spelled(name))

    def get(self, name: str, default: Any = None) -> Any:
        """Return a header, or the default."""
        return super().get(_spelled(name), default)


class RequestProcessor:
    """One request's headers, and what its answer is to be."""

    def __init__(self, request_headers: Mapping[str, str]) -> None:
        self._status_code = 200
        self._reason_phrase: str | None = None
        self._response_headers: dict[str, str] = {}
        self._request_headers = request_headers

    def get_request_property(self, key: str) -> str | None:
        """Return a header, or None."""
        return self._request_headers.get(key)

    def get_request_properties(self) -> Mapping[str, str]:
        """Return all headers."""
        return self._request_headers

    def report_status(self, code: int, reason_phrase: str | None = None) -> None:
        """Choose the answer's status."""
        self._status_code = code
        self._reason_phrase = reason_phrase

    def get_response_status_code(self) -> int:
        """Return the answer's status."""
        return self._status_code

    def get_response_status_phrase(self) -> str | None:
        """Return the words beside the answer's status."""
        return self._reason_phrase

    def add_response_property(self, key: str, value: str) -> None:
        """Set a header of the answer."""
        self._response_headers[key] = value

    def get_response_headers(self) -> dict[str, str]:
        """Return the answer's headers."""
        return self._response_headers

    def get_response_header(self, key: str) -> str | None:
        """Return a header of the answer, or None."""
        return self._response_headers.get(key)


class Context:
    """A model and the request that is being answered, which is number 0 of its batch."""

    def __init__(self, model_dir: str, gpu_id: int | None = None) -> None:
        self.model_name = "model"
        self.manifest: Any = None
        self.system_properties = {
            "model_dir": model_dir,
            "gpu_id": gpu_id,
            "batch_size": 1,
            "server_name": "MMS",
            "server_version": "local-cloud",
        }
        self.request_ids: dict[int, str] | None = None
        self.request_processor: list[RequestProcessor] | None = None
        self.metrics = Metrics(self.model_name)

    def begin(self, environ: Mapping[str, Any]) -> RequestProcessor:
        """Turn to a new request, and return it."""
        request = RequestProcessor(Headers(environ))
        self.request_processor = [request]
        self.request_ids = {0: str(uuid.uuid4())}
        return request

    def get_request_id(self, idx: int = 0) -> str | None:
        """Return a request's id."""
        return self.request_ids.get(idx) if self.request_ids else None

    def get_request_header(self, idx: int, key: str) -> str | None:
        """Return a request's header, or None."""
        return self._request(idx).get_request_property(key)

    def get_all_request_header(self, idx: int) -> Mapping[str, str]:
        """Return a request's headers."""
        return self._request(idx).get_request_properties()

    def set_response_content_type(self, idx: int, value: str) -> None:
        """Choose an answer's content type; the toolkit's choice comes after it."""
        self.set_response_header(idx, _CONTENT_TYPE, value)

    def get_response_content_type(self, idx: int) -> str | None:
        """Return an answer's content type."""
        return self.get_response_headers(idx).get(_CONTENT_TYPE)

    def get_response_status(self, idx: int) -> tuple[int, str | None]:
        """Return an answer's status, and the words beside it."""
        request = self._request(idx)
        return request.get_response_status_code(), request.get_response_status_phrase()

    def set_response_status(self, code: int = 200, phrase: str = "", idx: int = 0) -> None:
        """Choose an answer's status."""
        self._request(idx).report_status(code, phrase)

    def set_all_response_status(self, code: int = 200, phrase: str = "") -> None:
        """Choose the status of all answers, of which there is one."""
        self.set_response_status(code, phrase)

    def get_response_headers(self, idx: int) -> dict[str, str]:
        """Return an answer's headers."""
        return self._request(idx).get_response_headers()

    def set_response_header(self, idx: int, key: str, value: str) -> None:
        """Set a header of an answer."""
        self._request(idx).add_response_property(key, value)

    def _request(self, idx: int) -> RequestProcessor:
        if self.request_processor is None:
            raise RuntimeError("There is no request while the model is loaded.")
        return self.request_processor[idx]


def _header_items(environ: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            yield name.replace("_", "-").lower(), environ[name]
    for name, value in environ.items():
        if name.startswith("HTTP_"):
            yield name[5:].replace("_", "-").lower(), value


def _spelled(name: str) -> str:
    return _SPELLINGS.get(name.lower(), name.title())
