"""InvokeEndpoint's request, read by the service's model but without its codec, which takes long."""

import functools
import re
from dataclasses import dataclass
from urllib.parse import unquote

from botocore.model import OperationModel

from maze_helpers.local_cloud.errors import ValidationError
from maze_helpers.local_cloud.request_head import RequestHead
from maze_helpers.local_cloud.validation import validate
from maze_helpers.local_cloud.wire import models
from maze_helpers.local_cloud.wire.trees import wire_name

SERVICE = "sagemaker-runtime"
OPERATION = "InvokeEndpoint"
_PATH = re.compile(r"/endpoints/([^/]+)/invocations/?")
# Members that a container gets, by the headers in which it gets them.
FORWARDED = {
    "ContentType": "Content-Type",
    "Accept": "Accept",
    "CustomAttributes": "X-Amzn-SageMaker-Custom-Attributes",
    "InferenceId": "X-Amzn-SageMaker-Inference-Id",
}
# Source of the first: a public report; no source tells what AWS says of the second.
REFUSED = {
    "TargetModel": (
        "Endpoint {} is not a multi-model endpoint and does not support target model header."
    ),
    "TargetContainerHostname": (
        "Endpoint {} is not a multi-container endpoint and does not support target container "
        "hostname header."
    ),
}


@dataclass(frozen=True)
class Invocation:
    """What an InvokeEndpoint request asks for, but for its body.

    headers: what goes to the container. target_variant: None for any, by weight.
    """

    endpoint: str
    headers: dict[str, str]
    target_variant: str | None


def means_invocation(head: RequestHead) -> bool:
    """Return whether a request is InvokeEndpoint's."""
    return head.method == "POST" and _PATH.fullmatch(head.path) is not None


def read_invocation(head: RequestHead) -> Invocation:
    """Return what a request asks for, checked against the model.

    Raises: ValidationError.
    """
    values = tuple(head.headers.get(wire) for wire in _wire_names().values())
    return _read(head.path, values)


# Most requests come with the headers of the one before.
@functools.lru_cache(maxsize=256)
def _read(path: str, values: tuple[str | None, ...]) -> Invocation:
    match = _PATH.fullmatch(path)
    assert match
    given = zip(_wire_names(), values, strict=True)
    parameters = {name: value for name, value in given if value is not None}
    parameters["EndpointName"] = unquote(match[1])
    validate(_operation(), {**parameters, "Body": b""})
    _refuse(parameters)
    return Invocation(
        endpoint=parameters["EndpointName"],
        headers={wire: parameters[name] for name, wire in FORWARDED.items() if name in parameters},
        target_variant=parameters.get("TargetVariant"),
    )


def _refuse(parameters: dict[str, str]) -> None:
    """Raise if a request has a member that would change what the call means."""
    for name in parameters:
        if name in REFUSED:
            raise ValidationError(REFUSED[name].format(parameters["EndpointName"]))
        if name not in (*FORWARDED, "EndpointName", "TargetVariant"):
            raise ValidationError(f"The local cloud does not implement {name} of {OPERATION}.")


@functools.cache
def _operation() -> OperationModel:
    return models.service_model(SERVICE).operation_model(OPERATION)


@functools.cache
def _wire_names() -> dict[str, str]:
    """Return the members that headers carry, in the model's order, and those headers."""
    members = models.input_shape(_operation()).members.items()
    return {
        name: wire_name(member, name).lower()
        for name, member in members
        if member.serialization.get("location") == "header"
    }


def not_found(endpoint: str, account_id: str) -> ValidationError:
    """Return the error for an endpoint that is not there, or not yet: nothing answers then."""
    return ValidationError(f"Endpoint {endpoint} of account {account_id} not found.")
