"""From HTTP to operation and back: what is told apart, what is refused, how errors look."""

import gzip
import json
import math
from datetime import datetime, timezone

import cbor2
import pytest
from wire_requests import parsed, request, target

from maze_helpers.local_cloud.errors import (
    AWSError,
    InvalidParameterValue,
    SerializationException,
    UnknownOperation,
)
from maze_helpers.local_cloud.protocol import CODECS, ServiceProtocol, unpack
from maze_helpers.local_cloud.wire import models
from maze_helpers.local_cloud.wire.trees import UnmodelledResult


@pytest.mark.parametrize(
    ("member", "value", "message"),
    [
        ("MaxResults", "1", "STRING_VALUE can not be converted to an Integer"),
        ("MaxResults", True, "TRUE_VALUE can not be converted to an Integer"),
        ("MaxResults", [1], "Start of list found where not expected"),
        ("MaxResults", {"a": 1}, "Start of structure or map found where not expected."),
        ("NextToken", 1, "NUMBER_VALUE can not be converted to a String"),
        ("NextToken", False, "FALSE_VALUE can not be converted to a String"),
        ("CreationTimeAfter", "soon", "'soon' is not a timestamp"),
    ],
)
def test_a_wrong_json_type_is_refused_in_the_words_observed_on_aws(member, value, message):
    protocol = ServiceProtocol("sagemaker")
    body = json.dumps({member: value}).encode()
    with pytest.raises(SerializationException) as raised:
        protocol.parse(target("SageMaker.ListTrainingJobs"), body)
    assert raised.value.message == message


@pytest.mark.parametrize("body", [b"{", b"", b"null", b'"x"', b'{"MaxResults": 1,}', b"\xff"])
def test_a_body_that_is_not_json_is_refused_without_a_message(body):
    with pytest.raises(SerializationException) as raised:
        ServiceProtocol("sagemaker").parse(target("SageMaker.ListTrainingJobs"), body)
    assert raised.value.message == ""


def test_a_body_nested_without_end_is_refused():
    for opening in (b"[", b'{"a":'):
        with pytest.raises(SerializationException):
            ServiceProtocol("logs").parse(
                target("Logs_20140328.DescribeLogGroups"), opening * 100_000
            )


def test_null_and_unknown_members_count_as_absent():
    body = b'{"MaxResults": null, "Foo": 1, "NameContains": "a"}'
    name, parameters = ServiceProtocol("sagemaker").parse(
        target("SageMaker.ListTrainingJobs"), body
    )
    assert (name, parameters) == ("ListTrainingJobs", {"NameContains": "a"})


def test_half_a_surrogate_pair_is_replaced_as_java_does():
    body = rb'{"NameContains": "a\ud800"}'.replace(b"NameContains", b"NextToken")
    _, parameters = ServiceProtocol("sagemaker").parse(target("SageMaker.ListTrainingJobs"), body)
    assert parameters == {"NextToken": "a?"}


@pytest.mark.parametrize(
    "sent",
    [
        target("SageMaker.MakeCoffee"),
        target("Logs_20140328.DescribeLogGroups"),
        target(""),
        request(path="/nowhere"),
        request("GET", "/endpoints/a/invocations"),
    ],
)
def test_an_operation_that_is_not_the_services_is_unknown(sent):
    protocol = ServiceProtocol("sagemaker", "sagemaker-runtime", "sagemaker-metrics")
    with pytest.raises(UnknownOperation) as raised:
        protocol.parse(sent, b"{}")
    assert raised.value.message.startswith("The local cloud does not implement ")


def test_services_that_share_a_signing_name_are_told_apart():
    protocol = ServiceProtocol("sagemaker", "sagemaker-runtime", "sagemaker-metrics")
    datum = b'{"MetricName": "m", "Timestamp": 1, "Value": 2}'
    body = b'{"TrialComponentName": "a", "MetricData": [%s]}' % datum
    assert protocol.parse(request("PUT", "/BatchPutMetrics"), body)[0] == "BatchPutMetrics"
    name, parameters = protocol.parse(
        request(path="/endpoints/my%2Dmodel/invocations", headers={"Content-Type": "text/csv"}),
        b"1,2\xff",
    )
    assert name == "InvokeEndpoint"
    assert parameters["EndpointName"] == "my-model"
    assert parameters["Body"] == b"1,2\xff"
    assert parameters["ContentType"] == "text/csv"


def test_a_query_request_may_be_a_get():
    sent = request("GET", query="Action=GetCallerIdentity&Version=2011-06-15")
    assert ServiceProtocol("sts").parse(sent, b"") == ("GetCallerIdentity", {})


@pytest.mark.parametrize(
    "form",
    [
        "Action=PutMetricData&Namespace=n&MetricData.member.1.Value=many",
        "Action=PutMetricData&Namespace=n&MetricData=flat",
        "Action=PutMetricData&Namespace.x=n&MetricData.member.1.MetricName=m",
        "Action=PutMetricData&Namespace=n&MetricData.member.1.MetricName=m"
        "&StrictEntityValidation=perhaps",
    ],
)
def test_a_form_that_does_not_fit_is_refused(form):
    with pytest.raises(SerializationException):
        ServiceProtocol("cloudwatch").parse(request(), form.encode())


def test_a_gzipped_body_is_unpacked():
    sent = request(headers={"Content-Encoding": "gzip"})
    assert unpack(sent, gzip.compress(b"a" * 1000, mtime=0)) == b"a" * 1000


@pytest.mark.parametrize("body", [b"plain", gzip.compress(b"a" * 100, mtime=0)[:-9]])
def test_a_damaged_gzip_body_is_refused(body):
    with pytest.raises(SerializationException):
        unpack(request(headers={"Content-Encoding": "gzip"}), body)


def test_a_gzip_bomb_is_refused():
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    with pytest.raises(SerializationException):
        unpack(request(headers={"Content-Encoding": "gzip"}), bomb)


@pytest.mark.parametrize(
    "body", [b"\xff", b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff", b"\x81" * 10_000]
)
def test_a_body_that_is_not_cbor_is_refused(body):
    sent = request(
        path="/service/GraniteServiceVersion20100801/operation/ListMetrics",
        headers={"smithy-protocol": "rpc-v2-cbor"},
    )
    with pytest.raises(SerializationException):
        ServiceProtocol("cloudwatch").parse(sent, body)


@pytest.mark.parametrize(
    "result",
    [
        {"Arn": "a", "Nonsense": 1},
        {"Account": 111122223333},
        {"Credentials": {"Expiration": datetime(2024, 1, 1)}},
    ],
)
def test_a_result_that_the_model_does_not_have_fails_loudly(result):
    name = "AssumeRole" if "Credentials" in result else "GetCallerIdentity"
    with pytest.raises(UnmodelledResult):
        ServiceProtocol("sts").response(request(), name, result)


class ModelError(AWSError):
    code = "ModelError"
    status = 400


def test_a_rest_error_carries_its_members_and_the_models_status():
    error = ModelError("broken", OriginalStatusCode=500, LogStreamArn="arn")
    response = ServiceProtocol("sagemaker-runtime").error(request(), error)
    shape = models.service_model("sagemaker-runtime").shape_for("ModelError")
    assert response.status_code == 424
    assert parsed("rest-json", response, None)["Error"]["Code"] == "ModelError"
    found = parsed("rest-json", response, shape)
    assert (found["OriginalStatusCode"], found["LogStreamArn"]) == (500, "arn")
    assert found["Message"] == "broken"


@pytest.mark.parametrize(
    ("protocol", "sent"),
    [
        ("smithy-rpc-v2-cbor", request(headers={"smithy-protocol": "rpc-v2-cbor"})),
        ("json", target("GraniteServiceVersion20100801.ListMetrics")),
        ("query", request()),
    ],
)
def test_an_error_reads_the_same_in_every_protocol(protocol, sent):
    error = InvalidParameterValue("The value <NaN> & more \x00 is invalid.")
    response = ServiceProtocol("cloudwatch").error(sent, error)
    found = parsed(protocol, response, None)["Error"]
    assert response.status_code == 400
    assert found["Code"] == "InvalidParameterValue"
    assert found["Message"].startswith("The value <NaN> & more ")
    assert response.headers["x-amzn-requestid"]


def test_an_unknown_action_has_the_query_protocols_own_code():
    protocol = ServiceProtocol("sts")
    with pytest.raises(UnknownOperation) as raised:
        protocol.parse(request(), b"Action=MakeCoffee&Version=2011-06-15")
    found = parsed("query", protocol.error(request(), raised.value), None)["Error"]
    assert found["Code"] == "InvalidAction"
    assert found["Message"] == "Could not find operation MakeCoffee for version 2011-06-15"


@pytest.mark.parametrize("protocol", ["query", "ec2"])
def test_clients_of_a_service_that_is_not_here_can_read_why(protocol):
    form = request(headers={"Content-Type": "application/x-www-form-urlencoded"})
    response = ServiceProtocol("sagemaker").error(form, UnknownOperation("Not here."))
    found = parsed(protocol, response, None)["Error"]
    assert (found["Code"], found["Message"]) == ("InvalidAction", "Not here.")


def test_a_payload_may_be_a_form():
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    sent = request(path="/endpoints/e/invocations", headers=headers)
    _, parameters = ServiceProtocol("sagemaker", "sagemaker-runtime").parse(sent, b"a=1")
    assert parameters["Body"] == b"a=1"


def test_floats_without_digits_have_names_in_json():
    operation = models.service_model("cloudwatch").operation_model("GetMetricStatistics")
    result = {"Datapoints": [{"Average": math.inf, "Sum": math.nan}]}
    body = CODECS["json"].response(target("x.y"), operation, result).body
    assert body == b'{"Datapoints":[{"Average":"Infinity","Sum":"NaN"}]}'


def test_cbor_timestamps_carry_tag_one():
    operation = models.service_model("cloudwatch").operation_model("GetMetricStatistics")
    moment = datetime(2024, 1, 1, tzinfo=timezone.utc)
    result = {"Datapoints": [{"Timestamp": moment}]}
    response = CODECS["smithy-rpc-v2-cbor"].response(request(), operation, result)
    assert cbor2.loads(response.body) == {"Datapoints": [{"Timestamp": moment}]}
