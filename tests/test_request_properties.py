"""Every implemented operation: what its model states of a request is what a request is held to.

botocore serialises, without its own checks; we parse; what we answer, botocore reads.
"""

import base64
import json
import re
from datetime import datetime

import botocore.serialize
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from implemented_operations import Implemented, delegated, implemented
from service_model_strategies import (
    ENUM,
    ITEM,
    KEY,
    MAX,
    MIN,
    PATTERN,
    REQUIRED,
    TYPE,
    VALUE,
    Demand,
    broken,
    complaints,
    demands,
    values,
)
from wire_requests import http_request, parsed, target

from maze_helpers.local_cloud.errors import AWSError, SerializationException
from maze_helpers.local_cloud.wire import models
from maze_helpers.local_cloud.wire.trees import FLOATS, INTEGERS

# What each service says of a broken request; CloudWatch has words of its own.
CODES = {"logs": "InvalidParameterException"} | dict.fromkeys(
    ("iam", "sagemaker-runtime", "sts"), "ValidationError"
)
CLOUDWATCH_CODES = {"MissingParameter", "InvalidParameterValue", "ValidationError"}
WORDS = {
    REQUIRED: "Member must not be null",
    MAX: "Member must have length less than or equal to {}",
    MIN: "Member must have length greater than or equal to {}",
    PATTERN: "Member must satisfy regular expression pattern: {}",
    ENUM: "Member must satisfy enum value set: [{}]",
}
NUMBER_WORDS = {word: text.replace("length", "value") for word, text in WORDS.items()}
AROUND = {
    ITEM: "Member must satisfy constraint: [{}]",
    KEY: "Map keys must satisfy constraint: [{}]",
    VALUE: "Map value must satisfy constraint: [{}]",
}
FEW = settings(
    max_examples=2,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
MANY = settings(FEW, max_examples=25)
ONCE, TWICE = settings(FEW, max_examples=1), settings(FEW, max_examples=2)


def by_name(operation: Implemented) -> str:
    return f"{operation.service}-{operation.name}"


every_operation = pytest.mark.parametrize("operation", implemented(), ids=by_name)


def answered(operation: Implemented, protocol: str, parameters: dict):
    """Return the parameters that we read and None, or None and the error that botocore reads."""
    serializer = botocore.serialize.create_serializer(protocol, include_validation=False)
    sent, body = http_request(serializer.serialize_to_request(parameters, operation.model))
    try:
        name, read = operation.protocol.parse(sent, body)
    except AWSError as error:
        response = operation.protocol.error(sent, error)
        return None, parsed(protocol, response, None)["Error"]
    assert name == operation.name
    return read, None


def words(shape, kind: str, limit=None) -> str:
    """Return AWS's words for a demand."""
    numeric = shape.type_name in INTEGERS or shape.type_name in FLOATS
    text = ", ".join(limit) if kind == ENUM else limit
    return (NUMBER_WORDS if numeric else WORDS)[kind].format(text)


def place(path: tuple[str, ...], parameters) -> str:
    """Return a path as AWS spells it: the first item of a list, the only key of a map."""
    named = []
    for part in path:
        if part in (ITEM, VALUE):
            step = "1" if part == ITEM else next(iter(parameters))
            named.append(f"{step}.member")
            parameters = parameters[0] if part == ITEM else parameters[step]
        else:
            named.append(part[0].lower() + part[1:])
            parameters = parameters.get(part)
    return ".".join(named)


def value_at(path: tuple[str, ...], parameters):
    """Return what a path leads to."""
    for part in path:
        if part in (KEY, VALUE):
            key = next(iter(parameters))
            parameters = key if part == KEY else parameters[key]
        else:
            parameters = parameters[0 if part == ITEM else part]
    return parameters


def expected(demand: Demand, parameters) -> list[str]:
    """Return what is to be said of a demand that a request breaks, from " at '" on."""
    constraint = "failed to satisfy constraint:"
    if demand.kind == REQUIRED:
        return [f" at '{place(demand.path, parameters)}' {constraint} {WORDS[REQUIRED]}"]
    last, shape = demand.path[-1], demand.shape
    if last in AROUND and shape.type_name not in ("structure", "list", "map"):
        kinds = [kind for kind in (MAX, MIN, PATTERN, ENUM) if kind in shape.metadata]
        all_demands = ", ".join(words(shape, kind, shape.metadata[kind]) for kind in kinds)
        where = place(demand.path[:-1], parameters)
        return [f" at '{where}' {constraint} {AROUND[last].format(all_demands)}"]
    where = place(demand.path, parameters)
    said = complaints(shape, value_at(demand.path, parameters))
    return [f" at '{where}' {constraint} {words(shape, kind, limit)}" for kind, limit in said]


def check_refusal(operation: Implemented, demand: Demand, parameters, error: dict) -> None:
    """Check that an error refuses a broken request as AWS does."""
    assert error is not None, f"{demand} was not refused: {parameters}"
    if operation.service == "cloudwatch":
        assert error["Code"] in CLOUDWATCH_CODES
        inside = [part for part in demand.path if part not in (ITEM, KEY, VALUE)]
        assert inside[-1] in error["Message"]
        return
    assert error["Code"] == CODES.get(operation.service, "ValidationException")
    said = expected(demand, parameters)
    noun = "error" if len(said) == 1 else "errors"
    opening = f"{len(said)} validation {noun} detected: "
    assert error["Message"].startswith(opening)
    rest = error["Message"].removeprefix(opening)
    assert re.fullmatch("; ".join(f"Value(.*){re.escape(one)}" for one in said), rest, re.DOTALL)


def what_can_be_broken(operation: Implemented, protocol: str) -> list[Demand]:
    shape = models.input_shape(operation.model)
    found = [demand for demand in demands(shape) if demand.kind != TYPE]
    if protocol != "query":
        return found
    # A form does not hold a structure of which nothing is left.
    return [demand for demand in found if demand.kind != REQUIRED or len(demand.path) == 1]


def requests(
    operation: Implemented, protocol: str, demand: Demand | None = None
) -> st.SearchStrategy:
    """Return a strategy for valid requests, or for those that break one demand and no other."""
    shape = models.input_shape(operation.model)
    made = values(shape, demand.path, broken(demand)) if demand else values(shape)
    return (
        made.filter(lambda found: not found or has_content(found)) if protocol == "query" else made
    )


def has_content(value) -> bool:
    """Return whether a form can hold a value: not a structure of which nothing is left."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value != {} and all(map(has_content, inner))


def check_demand(operation: Implemented, protocol: str, demand: Demand, budget: settings) -> None:
    """Check that requests that break a demand are refused for it."""

    @budget
    @given(requests(operation, protocol, demand))
    def law(parameters):
        _, error = answered(operation, protocol, parameters)
        check_refusal(operation, demand, parameters, error)

    law()


def check_valid(operation: Implemented, protocol: str, budget: settings) -> None:
    """Check that what a model allows is read as it was meant."""

    @budget
    @given(requests(operation, protocol))
    def law(parameters):
        read, error = answered(operation, protocol, parameters)
        assert error is None
        if protocol in ("json", "smithy-rpc-v2-cbor"):
            assert read == parameters

    law()


@every_operation
def test_a_request_that_its_model_allows_is_read(operation):
    check_valid(operation, operation.protocols[0], FEW)


@every_operation
def test_a_request_that_breaks_a_demand_is_refused_in_awss_words(operation):
    protocol = operation.protocols[0]
    for demand in some(what_can_be_broken(operation, protocol)):
        check_demand(operation, protocol, demand, ONCE)


@pytest.mark.slow
@pytest.mark.parametrize("operation", implemented() + delegated(), ids=by_name)
def test_every_demand_of_every_operation_is_kept_in_every_protocol(operation):
    for protocol in operation.protocols:
        check_valid(operation, protocol, MANY)
        for demand in what_can_be_broken(operation, protocol):
            check_demand(operation, protocol, demand, TWICE)


def as_json(operation: Implemented, parameters: dict) -> tuple:
    """Return the request that carries parameters of any types, and its body."""
    metadata = operation.model.service_model.metadata
    body = json.dumps(parameters, default=as_json_scalar).encode()
    return target(f"{metadata['targetPrefix']}.{operation.name}"), body


def as_json_scalar(value: datetime | bytes) -> float | str:
    if isinstance(value, datetime):
        return value.timestamp()
    return base64.b64encode(value).decode()


def check_type(operation: Implemented, demand: Demand) -> None:
    """Check that values of another type than a demand's are refused."""

    @ONCE
    @given(requests(operation, "json", demand))
    def law(parameters):
        with pytest.raises(SerializationException):
            operation.protocol.parse(*as_json(operation, parameters))
            pytest.fail(f"{demand} was taken: {parameters}")

    law()


def typed(operation: Implemented) -> list[Demand]:
    """Return the places in a request that have a type."""
    found = demands(models.input_shape(operation.model))
    return [demand for demand in found if demand.kind == TYPE and KEY not in demand.path]


def some(found: list[Demand]) -> list[Demand]:
    """Return about two of them, evenly chosen."""
    return found[:: max(1, len(found) // 2)]


in_json = [operation for operation in implemented() if "json" in operation.protocols]


@pytest.mark.parametrize("operation", in_json, ids=by_name)
def test_a_value_of_another_type_is_refused(operation):
    for demand in some(typed(operation)):
        check_type(operation, demand)


@pytest.mark.slow
@pytest.mark.parametrize("operation", in_json, ids=by_name)
def test_every_value_of_another_type_is_refused(operation):
    for demand in typed(operation):
        check_type(operation, demand)
