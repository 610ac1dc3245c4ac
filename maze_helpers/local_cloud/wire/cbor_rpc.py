"""Smithy RPC v2 with CBOR: the operation is in the path, everything else in a CBOR body."""

from datetime import datetime
from typing import Any

import cbor2
from botocore.model import OperationModel, ServiceModel, Shape
from starlette.requests import Request
from starlette.responses import Response

from maze_helpers.local_cloud.errors import AWSError, SerializationException, UnknownOperation
from maze_helpers.local_cloud.wire import models, timestamps
from maze_helpers.local_cloud.wire.faults import fault
from maze_helpers.local_cloud.wire.trees import JSONTree

EPOCH_TAG = 1


class CBORTree(JSONTree):
    """The tree that CBOR carries: blobs are bytes, timestamps carry tag 1, floats are floats."""

    def decode_blob(self, value: Any) -> bytes:
        """Return the bytes of a blob."""
        if not isinstance(value, bytes):
            raise SerializationException("The value can not be converted to a Blob")
        return value

    def encode_scalar(self, shape: Shape, value: Any) -> Any:
        """Return what CBOR holds for a scalar."""
        if isinstance(value, datetime):
            return cbor2.CBORTag(EPOCH_TAG, timestamps.epoch_s(value))
        return value


class CBORRPC:
    """The codec of CloudWatch, as boto3 calls it today."""

    name = "smithy-rpc-v2-cbor"
    _tree = CBORTree()

    @staticmethod
    def claims(request: Request) -> bool:
        """Return whether a request is in this protocol."""
        return request.headers.get("smithy-protocol", "").lower() == "rpc-v2-cbor"

    def operation(
        self, request: Request, body: bytes, service_models: list[ServiceModel]
    ) -> OperationModel:
        """Return the operation that a request's path names.

        Example: /service/GraniteServiceVersion20100801/operation/ListMetrics.
        Raises: UnknownOperation.
        """
        parts = request.url.path.strip("/").split("/")
        if len(parts) >= 4 and parts[-4] == "service" and parts[-2] == "operation":
            for model in service_models:
                if parts[-1] in model.operation_names:
                    return model.operation_model(parts[-1])
        raise UnknownOperation(f"The local cloud does not implement {request.url.path}.")

    def parameters(self, request: Request, body: bytes, operation: OperationModel) -> Any:
        """Return the request's parameters.

        Raises: SerializationException.
        """
        try:
            document = cbor2.loads(body) if body else {}
        except (cbor2.CBORDecodeError, ValueError, TypeError, RecursionError, MemoryError) as error:
            raise SerializationException("The request body is not valid CBOR") from error
        return self._tree.decode(models.input_shape(operation), document)

    def response(
        self, request: Request, operation: OperationModel, result: dict[str, Any]
    ) -> Response:
        """Return the response that carries a result."""
        output = operation.output_shape
        return _answer(200, self._tree.encode(output, result) if output else {})

    def error(self, request: Request, model: ServiceModel, error: AWSError) -> Response:
        """Return the response that carries an error."""
        shown = fault(model, error)
        response = _answer(shown.status, {"__type": shown.shape_name, **shown.members})
        if "awsQueryCompatible" in model.metadata:
            response.headers["x-amzn-query-error"] = f"{shown.code};{shown.side}"
        return response


def _answer(status: int, document: dict[str, Any]) -> Response:
    response = Response(cbor2.dumps(document), status, media_type="application/cbor")
    response.headers["smithy-protocol"] = "rpc-v2-cbor"
    return response
