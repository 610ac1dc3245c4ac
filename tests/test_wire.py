"""The codecs: botocore serialises and we parse; we serialise and botocore parses."""

import io
from datetime import datetime, timezone

import botocore.serialize
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire_requests import http_request, parsed, target

from maze_helpers.local_cloud.errors import SerializationException
from maze_helpers.local_cloud.protocol import CODECS
from maze_helpers.local_cloud.wire import models, timestamps

OPERATIONS = [
    ("sagemaker", "json", "CreateTrainingJob"),
    ("sagemaker", "json", "DescribeTrainingJob"),
    ("sagemaker", "json", "ListTrainingJobs"),
    ("sagemaker", "json", "ListTags"),
    ("logs", "json", "PutLogEvents"),
    ("logs", "json", "FilterLogEvents"),
    ("logs", "json", "CreateLogGroup"),
    ("cloudwatch", "smithy-rpc-v2-cbor", "PutMetricData"),
    ("cloudwatch", "smithy-rpc-v2-cbor", "GetMetricStatistics"),
    ("cloudwatch", "smithy-rpc-v2-cbor", "GetMetricData"),
    ("cloudwatch", "json", "GetMetricStatistics"),
    ("cloudwatch", "query", "PutMetricData"),
    ("cloudwatch", "query", "GetMetricStatistics"),
    ("cloudwatch", "query", "GetMetricData"),
    ("cloudwatch", "query", "ListMetrics"),
    ("sts", "query", "AssumeRole"),
    ("sts", "query", "GetCallerIdentity"),
    ("iam", "query", "CreateRole"),
    ("iam", "query", "GetAccountSummary"),
    ("iam", "query", "SimulateCustomPolicy"),
    ("sns", "query", "SetTopicAttributes"),
    ("sns", "query", "GetTopicAttributes"),
    ("sagemaker-runtime", "rest-json", "InvokeEndpoint"),
    ("sagemaker-metrics", "rest-json", "BatchPutMetrics"),
    ("apigateway", "rest-json", "PutIntegration"),
    ("apigateway", "rest-json", "GetResources"),
    ("apigateway", "rest-json", "GetExport"),
]
OUTPUTS = [
    row for row in OPERATIONS if models.service_model(row[0]).operation_model(row[2]).output_shape
]
TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=8)
# HTTP headers and paths carry less than bodies do.
PLAIN = st.text("abcXYZ019-_", min_size=1, max_size=8)
MOMENTS = st.integers(0, 4_000_000_000).map(lambda s: datetime.fromtimestamp(s, timezone.utc))
LAWS = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


def values(shape, depth=0):
    """Return a strategy for values of a shape; nothing in them is empty."""
    kind = shape.type_name
    if kind == "structure":
        return structures(shape, depth)
    if kind == "list":
        return st.lists(values(shape.member, depth + 1), min_size=1, max_size=2)
    if kind == "map":
        return st.dictionaries(
            values(shape.key, depth + 1), values(shape.value, depth + 1), min_size=1, max_size=2
        )
    in_header_or_path = "location" in shape.serialization
    return {
        "timestamp": MOMENTS,
        "boolean": st.booleans(),
        "integer": st.integers(-(2**31), 2**31 - 1),
        "long": st.integers(-(2**63), 2**63 - 1),
        # botocore leaves "Infinity" in JSON as text; the test of floats without digits covers it.
        "float": st.floats(width=32, allow_nan=False, allow_infinity=False),
        "double": st.floats(allow_nan=False, allow_infinity=False),
        "blob": st.binary(min_size=1, max_size=8),
    }.get(kind, PLAIN if in_header_or_path else TEXT)


def structures(shape, depth=0):
    """Return a strategy for a structure; depth ends what is recursive."""
    if shape.is_document_type:
        return st.just({"a": [1]})
    always = {
        name: values(member, depth + 1)
        for name, member in shape.members.items()
        if name in shape.required_members or member.serialization.get("location") == "uri"
    }
    deep = depth > 3
    sometimes = {
        name: values(member, depth + 1)
        for name, member in shape.members.items()
        if name not in always and not (deep and member.type_name in ("structure", "list", "map"))
    }
    some = st.fixed_dictionaries(always, optional=sometimes)
    # A structure without members looks like none in the query protocol.
    return some.filter(bool) if sometimes or always else some


@pytest.mark.parametrize(("service", "protocol", "name"), OPERATIONS)
def test_what_botocore_serialises_is_parsed_equal(service, protocol, name):
    operation = models.service_model(service).operation_model(name)
    codec = CODECS[protocol]

    @LAWS
    @given(structures(models.input_shape(operation)))
    def law(parameters):
        serializer = botocore.serialize.create_serializer(protocol, include_validation=False)
        sent, body = http_request(serializer.serialize_to_request(parameters, operation))
        assert codec.operation(sent, body, [models.service_model(service)]).name == name
        assert codec.parameters(sent, body, operation) == parameters

    law()


@pytest.mark.parametrize(("service", "protocol", "name"), OUTPUTS)
def test_what_is_serialised_botocore_parses_equal(service, protocol, name):
    operation = models.service_model(service).operation_model(name)
    shape = operation.output_shape

    @LAWS
    @given(structures(shape))
    def law(result):
        response = CODECS[protocol].response(target("x.y"), operation, result)
        if operation.has_streaming_output:
            # botocore hands a stream out unread; what is in headers is parsed as ever.
            assert response.body == result.pop(shape.serialization["payload"], b"")
            response.body = io.BytesIO(response.body)
        found = parsed(protocol, response, shape)
        assert found.items() >= result.items()

    law()


@given(MOMENTS, st.sampled_from([timestamps.UNIX, timestamps.ISO8601, timestamps.RFC822]))
def test_a_timestamp_survives_every_format(moment, wire_format):
    assert timestamps.parse(timestamps.render(moment, wire_format)) == moment


@pytest.mark.parametrize(
    "text",
    [
        "2023-11-14T22:13:20.5Z",
        "2023-11-14T22:13:20.500Z",
        "2023-11-14T22:13:20.500000+00:00",
        "2023-11-14T23:13:20.5+01:00",
        "2023-11-14T17:13:20.500000000-05:00",
        "1700000000.5",
        1700000000.5,
    ],
)
def test_timestamps_in_use_all_name_the_same_moment(text):
    assert timestamps.epoch_s(timestamps.parse(text)) == 1700000000.5


@pytest.mark.parametrize("text", ["", "yesterday", "2023-13-01T00:00:00Z", "nan", "inf", [], True])
def test_what_is_no_timestamp_is_refused(text):
    with pytest.raises(SerializationException):
        timestamps.parse(text)
