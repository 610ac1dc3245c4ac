"""AWS JSON 1.0 and 1.1: the operation is in X-Amz-Target, everything else in the body."""

import json
from typing import Any

from botocore.model import OperationModel, ServiceModel
from starlette.requests import Request
from starlette.responses import Response

from maze_helpers.local_cloud.errors import AWSError, SerializationException, UnknownOperation
from maze_helpers.local_cloud.wire import models
from maze_helpers.local_cloud.wire.faults import fault
from maze_helpers.local_cloud.wire.trees import JSONTree


class JSONRPC:
    """The codec of services such as SageMaker and CloudWatch Logs."""

    name = "json"
    _tree = JSONTree()

    def operation(
        self, request: Request, body: bytes, service_models: list[ServiceModel]
    ) -> OperationModel:
        """Return the operation that a request names.

        Raises: UnknownOperation.
        """
        target = request.headers.get("x-amz-target", "")
        prefix, _, operation_name = target.rpartition(".")
        for model in service_models:
            known = operation_name in model.operation_names
            if prefix == model.metadata.get("targetPrefix") and known:
                return model.operation_model(operation_name)
        meant = target or f"{request.method} {request.url.path}"
        raise UnknownOperation(f"The local cloud does not implement {meant}.")

    def parameters(self, request: Request, body: bytes, operation: OperationModel) -> Any:
        """Return the request's parameters.

        Raises: SerializationException.
        """
        return self._tree.decode(models.input_shape(operation), load_json(body))

    def response(
        self, request: Request, operation: OperationModel, result: dict[str, Any]
    ) -> Response:
        """Return the response that carries a result."""
        output = operation.output_shape
        if output is None:
            return self._answer(request, 200, None)
        return self._answer(request, 200, self._tree.encode(output, result))

    def error(self, request: Request, model: ServiceModel, error: AWSError) -> Response:
        """Return the response that carries an error."""
        shown = fault(model, error)
        response = self._answer(
            request, shown.status, {"__type": shown.shape_name, **shown.members}
        )
        response.headers["x-amzn-ErrorType"] = shown.shape_name
        if "awsQueryCompatible" in model.metadata:
            response.headers["x-amzn-query-error"] = f"{shown.code};{shown.side}"
        return response

    def _answer(self, request: Request, status: int, document: dict[str, Any] | None) -> Response:
        content_type = request.headers.get("content-type", "").partition(";")[0]
        if not content_type.startswith("application/x-amz-json-"):
            content_type = "application/x-amz-json-1.1"
        return Response(dump_json(document), status, media_type=content_type)


def load_json(body: bytes) -> dict[str, Any] | list[Any]:
    """Return the document in a request's body.

    Raises: SerializationException, without a message, if there is none: observed.
    """
    try:
        document = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise SerializationException from error
    if not isinstance(document, (dict, list)):
        raise SerializationException
    return document


def _refuse_constant(name: str) -> None:
    """Refuse NaN and Infinity, which Python reads but JSON does not have."""
    raise ValueError(name)


def dump_json(document: dict[str, Any] | None) -> bytes:
    """Return a document as bytes, nothing for None."""
    if document is None:
        return b""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode(
        "utf-8", "surrogatepass"
    )
