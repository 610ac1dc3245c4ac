"""Where Java, in which AWS's services read requests, and Python differ; numbers without end."""

import json

import pytest
from wire_requests import request, target

from maze_helpers.local_cloud.constraints import compiled
from maze_helpers.local_cloud.errors import (
    AWSError,
    InvalidParameterValue,
    SerializationException,
    ValidationException,
)
from maze_helpers.local_cloud.protocol import ServiceProtocol
from maze_helpers.local_cloud.validation import validate
from maze_helpers.local_cloud.wire import models
from maze_helpers.local_cloud.wire.trees import number_in


@pytest.mark.parametrize("line_end", ["\n", "\r", "\u0085", "\u2028", "\u2029"])
def test_a_dot_stands_for_no_line_end_of_javas(line_end):
    assert not compiled(".*").fullmatch(f"a{line_end}b")
    assert not compiled("arn:[a.b]+.").fullmatch(f"arn:a{line_end}")


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        (".*", "a\v\fb", True),
        (r"[.]\.", "..", True),
        (r"[.]\.", "ab", False),
        (r"\p{ASCII}*", "plain\x00", True),
        (r"\p{ASCII}*", "é", False),
        (r"\A\S[\p{Print}]*\z", "a b", True),
        (r"\A\S[\p{Print}]*\z", "aé", False),
        (r"[\p{Alnum}\-]+", "a-1", True),
        (r"[\p{Alnum}\-]+", "ä", False),
        (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", "ä 漢²", True),
        (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", "\U0001f600", False),
        (r"[\w-]+", "ä", False),
        (r"\d+K", "٣K", False),
        (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF]+", "\U0001f600", True),
    ],
)
def test_classes_hold_what_they_hold_in_java(pattern, text, matches):
    assert bool(compiled(pattern).fullmatch(text)) is matches


def test_a_length_counts_characters_not_bytes_or_halves_of_pairs():
    operation = models.service_model("sagemaker").operation_model("AddTags")
    tags = [{"Key": "k", "Value": "é" * 256}]
    arn = "arn:aws:sagemaker:us-east-1:111122223333:model/m"
    validate(operation, {"ResourceArn": arn, "Tags": tags})
    text = "\U0001f600" * 256
    with pytest.raises(ValidationException) as raised:
        validate(operation, {"ResourceArn": arn, "Tags": [{"Key": "k", "Value": text}]})
    assert "length" not in raised.value.message


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_json_has_no_names_for_numbers(number):
    body = f'{{"MaxResults": {number}}}'.encode()
    with pytest.raises(SerializationException) as raised:
        ServiceProtocol("sagemaker").parse(target("SageMaker.ListModels"), body)
    assert raised.value.message == ""


@pytest.mark.parametrize("number", [2**31, -(2**31) - 1, 2**70, 10**400, 1e300])
def test_an_integer_that_java_cannot_hold_is_refused(number):
    body = json.dumps({"MaxResults": number}).encode()
    with pytest.raises(SerializationException) as raised:
        ServiceProtocol("sagemaker").parse(target("SageMaker.ListModels"), body)
    assert raised.value.message == "NUMBER_VALUE can not be converted to an Integer"


def test_a_float_that_java_cannot_hold_is_refused():
    variant = {"VariantName": "v", "ModelName": "m", "InitialVariantWeight": 10**400}
    body = json.dumps({"EndpointConfigName": "c", "ProductionVariants": [variant]}).encode()
    with pytest.raises(SerializationException) as raised:
        ServiceProtocol("sagemaker").parse(target("SageMaker.CreateEndpointConfig"), body)
    assert raised.value.message == "NUMBER_VALUE can not be converted to a Double"


def test_an_integer_with_decimals_is_cut():
    body = b'{"MaxResults": 2.9}'
    _, parameters = ServiceProtocol("sagemaker").parse(target("SageMaker.ListModels"), body)
    assert parameters == {"MaxResults": 2}


@pytest.mark.parametrize("text", ["1_000", " 1", "٣", "0x1", "", "1e", "--1", "2147483648"])
def test_a_number_in_a_form_has_plain_digits(text):
    with pytest.raises(ValueError, match=r".*"):
        number_in("integer", text)


@pytest.mark.parametrize(("text", "value"), [("-7", -7), ("+7", 7), ("007", 7)])
def test_an_integer_in_a_form_may_have_a_sign(text, value):
    assert number_in("integer", text) == value


@pytest.mark.parametrize(
    ("text", "value"), [("1.5e3", 1500.0), (".5", 0.5), ("2.", 2.0), ("Infinity", float("inf"))]
)
def test_a_float_in_a_form_may_have_an_exponent(text, value):
    assert number_in("double", text) == value


def test_half_a_surrogate_pair_in_a_key_is_replaced_as_in_a_value():
    body = rb'{"logGroupName": "g", "tags": {"a\ud800": "b\udfff"}}'
    with pytest.raises(AWSError) as raised:
        ServiceProtocol("logs").parse(target("Logs_20140328.CreateLogGroup"), body)
    assert "{a?=b?}" in raised.value.message


@pytest.mark.parametrize(
    ("attributes", "place"),
    [({"a": "b", "k" * 33: "v"}, "entry.2.key"), ({"a": "b", "c": "v" * 2049}, "entry.2.value")],
)
def test_cloudwatch_tells_which_entry_of_a_map_is_wrong(attributes, place):  # a guess
    operation = models.service_model("cloudwatch").operation_model("PutMetricData")
    entity = [{"Entity": {"KeyAttributes": attributes}}]
    with pytest.raises(InvalidParameterValue) as raised:
        validate(operation, {"Namespace": "n", "EntityMetricData": entity})
    assert raised.value.message.startswith(
        f"The parameter EntityMetricData.member.1.Entity.KeyAttributes.{place} must be no longer"
    )


def test_a_form_may_not_hold_a_number_in_other_digits():
    form = "Action=AssumeRole&RoleArn=a&RoleSessionName=b&DurationSeconds=%D9%A3"
    with pytest.raises(SerializationException):
        ServiceProtocol("sts").parse(request(), form.encode())


@pytest.mark.parametrize("depth", [300, 100_000])
def test_a_document_that_is_too_deep_is_refused(depth):
    expression = '{"SubExpressions": [' * depth + "{}" + "]}" * depth
    body = f'{{"Resource": "TrainingJob", "SearchExpression": {expression}}}'.encode()
    with pytest.raises(SerializationException):
        ServiceProtocol("sagemaker").parse(target("SageMaker.Search"), body)


def test_the_items_of_a_forms_list_are_in_the_order_of_their_numbers_however_large():
    form = "Action=AssumeRole&RoleArn=arn:aws:iam::111122223333:role/a&RoleSessionName=me"
    for name, number in {"d": "9" * 5000, "c": "10", "b": "09", "a": "1"}.items():
        form += f"&TransitiveTagKeys.member.{number}={name}"
    _, parameters = ServiceProtocol("sts").parse(request(), form.encode())
    assert parameters["TransitiveTagKeys"] == ["a", "b", "c", "d"]
