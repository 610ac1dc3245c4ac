"""What the models demand of a request, and the words in which AWS says what is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze_helpers.local_cloud.constraints import compiled
from maze_helpers.local_cloud.errors import (
    AWSError,
    InvalidParameterException,
    InvalidParameterValue,
    MissingParameter,
    ValidationError,
    ValidationException,
)
from maze_helpers.local_cloud.validation import validate
from maze_helpers.local_cloud.wire import models

SERVICES = [
    "apigateway",
    "application-autoscaling",
    "budgets",
    "cloudwatch",
    "iam",
    "logs",
    "sagemaker",
    "sagemaker-metrics",
    "sagemaker-runtime",
    "service-quotas",
    "sns",
    "sts",
]


def refusal(service: str, operation: str, **parameters) -> AWSError:
    """Return the error that an operation's parameters raise."""
    with pytest.raises(AWSError) as raised:
        validate(models.service_model(service).operation_model(operation), parameters)
    return raised.value


def training_job(**changes) -> dict:
    """Return the parameters of a valid CreateTrainingJob, changed."""
    return {
        "TrainingJobName": "job",
        "AlgorithmSpecification": {"TrainingInputMode": "File"},
        "RoleArn": "arn:aws:iam::111122223333:role/SageMakerExecutionRole",
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
        "ResourceConfig": {
            "InstanceType": "ml.m5.large",
            "InstanceCount": 1,
            "VolumeSizeInGB": 1,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    } | changes


def training_refusal(**changes) -> str:
    """Return the message that a changed CreateTrainingJob is refused with."""
    return refusal("sagemaker", "CreateTrainingJob", **training_job(**changes)).message


@pytest.mark.parametrize("service", SERVICES)
def test_every_pattern_of_the_services_compiles(service):
    model = models.service_model(service)
    shapes = [model.shape_for(name) for name in model.shape_names]
    patterns = [shape.metadata["pattern"] for shape in shapes if "pattern" in shape.metadata]
    assert all(compiled(pattern) for pattern in patterns)


def test_a_valid_request_passes():
    operation = models.service_model("sagemaker").operation_model("CreateTrainingJob")
    validate(operation, training_job(Tags=[{"Key": "k", "Value": ""}], Environment={"A": ""}))


def test_a_missing_member_is_told_by_its_lower_camel_path():  # documented
    error = refusal("sagemaker", "DescribeTrainingJob")
    assert isinstance(error, ValidationException)
    assert error.message == (
        "1 validation error detected: Value null at 'trainingJobName' failed to satisfy "
        "constraint: Member must not be null"
    )


def test_a_pattern_must_match_the_whole_value():  # observed in public reports
    assert training_refusal(TrainingJobName="my_job") == (
        "1 validation error detected: Value 'my_job' at 'trainingJobName' failed to satisfy "
        "constraint: Member must satisfy regular expression pattern: "
        "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
    )
    assert "pattern" in training_refusal(TrainingJobName="job\n")


def test_several_errors_are_counted_and_joined():  # observed in public reports
    name = "-" * 64
    message = training_refusal(TrainingJobName=name)
    assert message.startswith(
        f"2 validation errors detected: Value '{name}' at 'trainingJobName' failed to satisfy "
        "constraint: Member must have length less than or equal to 63; Value '--"
    )


def test_an_item_of_a_list_has_its_number_in_the_path():  # observed in public reports
    tags = [{"Key": "a", "Value": "b"}, {"Key": "", "Value": "b"}]
    assert "Value '' at 'tags.2.member.key' failed" in training_refusal(Tags=tags)


def test_an_enum_tells_its_values():
    message = training_refusal(AlgorithmSpecification={"TrainingInputMode": "Floppy"})
    assert message.endswith(
        "Value 'Floppy' at 'algorithmSpecification.trainingInputMode' failed to satisfy "
        "constraint: Member must satisfy enum value set: [Pipe, File, FastFile]"
    )


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (-1, "Value '-1' at 'maxResults' failed to satisfy constraint: Member must have value "
             "greater than or equal to 1"),
        (101, "Value '101' at 'maxResults' failed to satisfy constraint: Member must have value "
              "less than or equal to 100"),
    ],
)  # fmt: skip
def test_a_number_out_of_range_tells_the_limit(count, words):
    assert words in refusal("sagemaker", "ListTrainingJobs", MaxResults=count).message


def test_a_list_of_the_wrong_size_is_shown():
    algorithm = {"TrainingInputMode": "File", "ContainerEntrypoint": []}
    assert training_refusal(AlgorithmSpecification=algorithm).endswith(
        "Value '[]' at 'algorithmSpecification.containerEntrypoint' failed to satisfy "
        "constraint: Member must have length greater than or equal to 1"
    )


def test_a_list_of_scalars_tells_all_that_its_items_must_be():  # observed in public reports
    error = refusal("sagemaker", "DeleteTags", ResourceArn="arn:aws:x", TagKeys=["ok", ""])
    assert "Value '[ok, ]' at 'tagKeys' failed to satisfy constraint: " in error.message
    assert (
        "Member must satisfy constraint: [Member must have length less than or equal to 128, "
        in error.message
    )


def test_keys_and_values_of_a_map_are_told_apart():  # observed in public reports
    keys = training_refusal(Environment={"not allowed": "x"})
    assert "Value '{not allowed=x}' at 'environment' failed to satisfy constraint: Map k" in keys
    assert "Map keys must satisfy constraint: [" in keys
    values = training_refusal(HyperParameters={"k": "v" * 5000})
    assert "Map value must satisfy constraint: [" in values


def test_a_sensitive_value_is_not_repeated():  # observed in public reports
    parameters = {"EndpointName": "e", "Body": b"", "CustomAttributes": "geheim é"}
    error = refusal("sagemaker-runtime", "InvokeEndpoint", **parameters)
    assert "Value at 'customAttributes' failed" in error.message
    assert "geheim" not in error.message


def test_how_large_a_payload_may_be_is_left_to_the_operation():
    operation = models.service_model("sagemaker-runtime").operation_model("InvokeEndpoint")
    validate(operation, {"EndpointName": "e", "Body": bytes(7 * 1024 * 1024)})


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "kind"),
    [
        ("logs", "CreateLogGroup", {}, InvalidParameterException),
        ("sts", "AssumeRole", {"RoleArn": "x"}, ValidationError),
        ("iam", "CreateRole", {}, ValidationError),
        ("sagemaker-runtime", "InvokeEndpoint", {"EndpointName": "_"}, ValidationError),
        ("sagemaker", "ListTags", {}, ValidationException),
    ],
)
def test_each_service_has_its_own_code(service, operation, parameters, kind):
    assert type(refusal(service, operation, **parameters)) is kind


def test_cloudwatch_tells_what_is_missing_a_line_each():  # observed in public reports
    data = [{"MetricName": "m", "Dimensions": [{"Name": "n", "Value": ""}]}, {}]
    error = refusal("cloudwatch", "PutMetricData", Namespace="n", MetricData=data)
    assert isinstance(error, MissingParameter)
    assert error.message == (
        "The parameter MetricData.member.1.Dimensions.member.1.Value is required.\n"
        "The parameter MetricData.member.2.MetricName is required."
    )


def test_cloudwatch_tells_the_units():  # observed in public reports
    data = [{"MetricName": "m", "Unit": "Furlongs"}]
    error = refusal("cloudwatch", "PutMetricData", Namespace="n", MetricData=data)
    assert isinstance(error, InvalidParameterValue)
    assert error.message.startswith(
        "The parameter MetricData.member.1.Unit must be a value in the set [ Seconds, "
    )
    assert error.message.endswith(", None ].")


def test_cloudwatch_counts_collections():  # observed in public reports
    dimensions = [{"Name": str(number), "Value": "v"} for number in range(31)]
    data = [{"MetricName": "m", "Dimensions": dimensions}]
    error = refusal("cloudwatch", "PutMetricData", Namespace="n", MetricData=data)
    assert error.message == (
        "The collection MetricData.member.1.Dimensions must not have a size greater than 30."
    )


def test_a_pattern_that_backtracks_without_end_is_a_mismatch():
    error = refusal("iam", "CreateRole", RoleName="a" * 64 + "!", AssumeRolePolicyDocument="{}")
    assert "roleName" in error.message


@given(st.text(max_size=80))
def test_any_name_is_either_accepted_or_refused(name):
    operation = models.service_model("sagemaker").operation_model("DescribeTrainingJob")
    try:
        validate(operation, {"TrainingJobName": name})
        accepted = True
    except ValidationException:
        accepted = False
    legal = all(
        character.isascii() and (character.isalnum() or character == "-") for character in name
    )
    ends = name[:1] not in ("", "-") and name[-1:] != "-"
    assert accepted == (legal and ends and len(name) <= 63)
