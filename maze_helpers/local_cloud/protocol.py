"""From HTTP to operation and back, by the service models that botocore ships."""

import gzip
import io
import uuid
import zlib
from collections.abc import Container
from typing import Any

from botocore.model import OperationModel, ServiceModel
from starlette.requests import Request
from starlette.responses import Response

from maze_helpers.local_cloud.errors import AWSError, SerializationException, UnknownOperation
from maze_helpers.local_cloud.validation import validate
from maze_helpers.local_cloud.wire import models
from maze_helpers.local_cloud.wire.cbor_rpc import CBORRPC
from maze_helpers.local_cloud.wire.json_rpc import JSONRPC
from maze_helpers.local_cloud.wire.query import Query
from maze_helpers.local_cloud.wire.rest_json import RestJSON

Codec = JSONRPC | CBORRPC | Query | RestJSON

# A compressed request may not unpack to more than any other request may hold.
MAX_UNPACKED_BYTES = 32 * 1024 * 1024

CODECS: dict[str, Codec] = {
    codec.name: codec for codec in (JSONRPC(), CBORRPC(), Query(), RestJSON())
}


class ServiceProtocol:
    """What the requests of one signing name look like on the wire.

    service_names: botocore's names of the services that share it; the first one names it in
    messages. Every protocol that a service's model lists is spoken, the request tells which.
    """

    def __init__(self, *service_names: str) -> None:
        self.service_name = service_names[0]
        self._service_names = service_names

    def parse(
        self, request: Request, body: bytes, implemented: Container[str] | None = None
    ) -> tuple[str, dict[str, Any]]:
        """Return the operation's name and its parameters, checked against the model.

        implemented: the operations' names, None for all; another is refused, whatever it asks for.
        Raises: UnknownOperation; SerializationException; the service's validation error.
        """
        body = unpack(request, body)
        codec = self._codec(request)
        operation = codec.operation(request, body, self._models_of(codec))
        if implemented is not None and operation.name not in implemented:
            # Differs from AWS: these are operations there.
            raise UnknownOperation(
                f"The local cloud does not implement {self.service_name} {operation.name}."
            )
        try:
            parameters = codec.parameters(request, body, operation)
            validate(operation, parameters)
        except RecursionError as error:
            # How deep AWS goes is not known.
            raise SerializationException from error
        return operation.name, parameters

    def response(self, request: Request, operation_name: str, result: dict[str, Any]) -> Response:
        """Return the response that carries an operation's result.

        Raises: UnmodelledResult, if the result does not fit the operation's model.
        """
        operation = self._operation(operation_name)
        return _identified(self._codec(request).response(request, operation, result))

    def error(self, request: Request, error: AWSError) -> Response:
        """Return the response that carries an error."""
        codec = self._codec(request)
        return _identified(codec.error(request, self._models_of(codec)[0], error))

    def _codec(self, request: Request) -> Codec:
        spoken = {name for model in self._models() for name in models.protocols(model)}
        if spoken == {"rest-json"}:
            # Its bodies are the caller's own, of any media type.
            return CODECS["rest-json"]
        if "x-amz-target" in request.headers:
            return CODECS["json"]
        if CBORRPC.claims(request):
            return CODECS["smithy-rpc-v2-cbor"]
        if Query.claims(request):
            return CODECS["query"]
        return CODECS[next(name for name in ("query", "rest-json", "json") if name in spoken)]

    def _models(self) -> list[ServiceModel]:
        return [models.service_model(name) for name in self._service_names]

    def _models_of(self, codec: Codec) -> list[ServiceModel]:
        speakers = [model for model in self._models() if codec.name in models.protocols(model)]
        return speakers or self._models()

    def _operation(self, operation_name: str) -> OperationModel:
        for model in self._models():
            if operation_name in model.operation_names:
                return model.operation_model(operation_name)
        raise LookupError(f"{self.service_name} has no operation {operation_name}")


def unpack(request: Request, body: bytes) -> bytes:
    """Return a request's body without its gzip compression, if it has one.

    Raises: SerializationException, if it is damaged or unpacks to over 32 MiB.
    """
    if request.headers.get("content-encoding", "").lower() != "gzip":
        return body
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
            unpacked = file.read(MAX_UNPACKED_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise SerializationException("The request body is not valid gzip") from error
    if len(unpacked) > MAX_UNPACKED_BYTES:
        raise SerializationException("The request body is too large once unpacked")
    return unpacked


def _identified(response: Response) -> Response:
    """Give a response the request id that its body names, or a new one."""
    response.headers.setdefault("x-amzn-RequestId", str(uuid.uuid4()))
    return response
