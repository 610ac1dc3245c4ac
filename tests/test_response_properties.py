"""Every implemented operation: what it answers is what its model says, and botocore reads it."""

import io
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from implemented_operations import Implemented, delegated, implemented
from service_model_strategies import values
from wire_requests import parsed, target

from maze_helpers.local_cloud.protocol import CODECS

FEW = settings(
    max_examples=2,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
MANY = settings(FEW, max_examples=20)
# What XML cannot hold is replaced in it.
NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def by_name(operation: Implemented) -> str:
    return f"{operation.service}-{operation.name}"


with_output = [one for one in implemented() if one.model.output_shape is not None]


def as_xml_holds(value: Any) -> Any:
    if isinstance(value, str):
        return NOT_IN_XML.sub("\ufffd", value)
    if isinstance(value, list):
        return [as_xml_holds(item) for item in value]
    if isinstance(value, dict):
        return {as_xml_holds(key): as_xml_holds(item) for key, item in value.items()}
    return value


def check_round_trip(operation: Implemented, protocol: str, budget: settings) -> None:
    """Check that botocore reads what we write of any result that a model allows."""
    shape = operation.model.output_shape
    stream = shape.serialization.get("payload") if operation.model.has_streaming_output else None

    @budget
    @given(values(shape))
    def law(result):
        response = CODECS[protocol].response(target("x.y"), operation.model, result)
        if stream:
            assert response.body == result.pop(stream, b"")
            response.body = io.BytesIO(response.body)
        found = parsed(protocol, response, shape)
        assert found.items() >= (as_xml_holds(result) if protocol == "query" else result).items()

    law()


@pytest.mark.parametrize("operation", with_output, ids=by_name)
def test_botocore_reads_any_result_that_the_model_allows(operation):
    check_round_trip(operation, operation.protocols[0], FEW)


@pytest.mark.slow
@pytest.mark.parametrize(
    "operation",
    with_output + [one for one in delegated() if one.model.output_shape is not None],
    ids=by_name,
)
def test_botocore_reads_many_results_in_every_protocol(operation):
    for protocol in operation.protocols:
        check_round_trip(operation, protocol, MANY)
