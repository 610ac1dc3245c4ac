"""CreateTransformJob's request: what is refused, in AWS's words where they are known."""

import pytest
from deployer import BUCKET, ROLE
from transforms import Transforms

from maze_helpers.local_cloud.errors import ValidationException
from maze_helpers.local_cloud.services.sagemaker.data_processing_request import (
    check_data_processing,
)

# As AWS lists them: the last is an apostrophe, between two others.
OPERATORS = """['$', '[', ']', '*', '.', ' ', ',', ':', '-', ''']"""


@pytest.fixture(scope="module")
def transforms(local_cloud) -> Transforms:
    return Transforms(local_cloud)


@pytest.fixture(scope="module")
def model(transforms) -> str:
    return transforms.model("plain")


def refusal(transforms: Transforms, model: str, **members) -> str:
    """Return the message of a ValidationException that creating a job is answered with."""
    code, message = transforms.refused(model, **members)
    assert code == "ValidationException"
    assert transforms.sagemaker.list_transform_jobs()["TransformJobSummaries"] == []
    return message


def test_a_model_that_is_not_there_is_named_by_its_arn(transforms):
    """Wording observed."""
    arn = "arn:aws:sagemaker:us-east-1:111122223333:model/no-such"
    assert refusal(transforms, "No-Such") == f'Could not find model "{arn}".'


def test_a_model_with_a_model_data_source_is_refused_as_by_aws(transforms):
    """Wording observed."""
    source = {"S3DataType": "S3Object", "CompressionType": "Gzip", "S3Uri": transforms.model_data}
    container = transforms.container(ModelDataUrl=None, ModelDataSource={"S3DataSource": source})
    model = transforms.model(PrimaryContainer=container)
    assert "doesn't support Model entity with container definitions which use ModelDataSource" in (
        refusal(transforms, model)
    )


@pytest.mark.parametrize("data_type", ["S3Prefix", "ManifestFile"])
@pytest.mark.parametrize("bucket", [BUCKET, "no-such-bucket"])
def test_input_that_is_not_there_is_refused_at_once(transforms, model, data_type, bucket):
    """Code and wording observed, of a prefix."""
    uri = f"s3://{bucket}/nothing-there/"
    source = transforms.source(uri, data_type)
    assert refusal(transforms, model, TransformInput=source) == (
        f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that '
        "the bucket exists in the selected region (us-east-1), that objects exist under that S3 "
        f'prefix, and that the role "{ROLE}" has "s3:ListBucket" permissions on bucket "{bucket}".'
    )


@pytest.mark.parametrize(
    ("members", "named"),
    [
        (
            {"DataCaptureConfig": {"DestinationS3Uri": "s3://b/c", "GenerateInferenceId": True}},
            "DataCaptureConfig.GenerateInferenceId",
        ),
        (
            {
                "TransformResources": {
                    "InstanceType": "ml.m5.large",
                    "InstanceCount": 1,
                    "TransformAmiVersion": "al2-ami-sagemaker-batch-gpu-535",
                }
            },
            "TransformResources.TransformAmiVersion",
        ),
    ],
)
def test_what_is_not_here_is_refused_by_name(transforms, model, members, named):
    message = refusal(transforms, model, **members)
    assert message == f"The local cloud does not support {named} in CreateTransformJob."


@pytest.mark.parametrize("split_type", ["RecordIO", "TFRecord"])
def test_binary_records_are_refused_by_name(transforms, model, split_type):
    source = transforms.source(SplitType=split_type)
    message = refusal(transforms, model, TransformInput=source)
    assert f"does not support TransformInput.SplitType '{split_type}'" in message


@pytest.mark.parametrize("data_type", ["AugmentedManifestFile", "Converse"])
def test_other_kinds_of_input_are_refused_by_name(transforms, model, data_type):
    source = transforms.source(data_type=data_type)
    message = refusal(transforms, model, TransformInput=source)
    assert f"S3DataSource.S3DataType '{data_type}'" in message


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"MaxPayloadInMB": 101}, "MaxPayloadInMB is 101; it can be at most 100."),
        (
            {"MaxPayloadInMB": 26, "MaxConcurrentTransforms": 4},
            "MaxConcurrentTransforms * MaxPayloadInMB is 104; it can be at most 100.",
        ),
    ],
)
def test_payloads_together_have_a_limit(transforms, model, members, expected):
    assert refusal(transforms, model, **members) == expected


@pytest.mark.parametrize(
    ("members", "constraint"),
    [
        ({"TransformJobName": "under_score"}, "Member must satisfy regular expression pattern"),
        ({"BatchStrategy": "Each"}, "Member must satisfy enum value set"),
        ({"Environment": {f"V{n}": "" for n in range(17)}}, "length less than or equal to 16"),
        ({"DataProcessing": {"InputFilter": "$" * 64}}, "length less than or equal to 63"),
        ({"ModelClientConfig": {"InvocationsMaxRetries": 4}}, "less than or equal to 3"),
        (
            {"TransformResources": {"InstanceType": "ml.none", "InstanceCount": 1}},
            "Member must satisfy enum value set",
        ),
    ],
)
def test_the_services_model_is_kept_to(transforms, model, members, constraint):
    message = refusal(transforms, model, **members)
    assert message.startswith("1 validation error detected: Value ") and constraint in message


@pytest.mark.parametrize("member", ["TransformInput", "TransformOutput"])
def test_paths_are_s3_uris(transforms, model, member):
    url = "https://s3.amazonaws.com/bucket/key"
    value = transforms.source(url) if member == "TransformInput" else {"S3OutputPath": url}
    assert f"not '{url}'" in refusal(transforms, model, **{member: value})


def processing(content_type="text/csv", accept="text/csv", split="Line", assemble="Line", **said):
    """Return the members of a request that DataProcessing is about; "" stands for nothing."""
    source = {"ContentType": content_type, "SplitType": split}
    target = {"Accept": accept, "AssembleWith": assemble}
    return {
        "TransformInput": {member: value for member, value in source.items() if value},
        "TransformOutput": {member: value for member, value in target.items() if value},
        "DataProcessing": said or {"JoinSource": "Input"},
    }


@pytest.mark.parametrize(
    "request_",
    [
        processing(InputFilter="$[1:]", JoinSource="Input", OutputFilter="$[0,-1]"),
        processing("text/csv; charset=utf-8"),
        processing("application/json", "application/json", "", ""),
        processing("application/json", "application/json", "None", ""),
        processing("application/json", "application/json"),
        processing(
            "application/jsonlines",
            "application/jsonlines",
            InputFilter="$.features",
            OutputFilter="$['id','SageMakerOutput']",
        ),
        # The output is left as the model makes it, or nothing is said of it.
        processing(accept="application/json", assemble="", InputFilter="$[1:]"),
        processing(accept=""),
        processing("application/json", "application/jsonlines"),
        # What only spells out the defaults, as the SDK's own tests do.
        processing("text/csv", "", "", "", InputFilter="$", OutputFilter="$"),
        processing("image/jpeg", "", "", "", InputFilter="", OutputFilter="", JoinSource="None"),
        {"TransformInput": {}, "TransformOutput": {}},
    ],
)
def test_data_processing_that_the_guide_allows(request_):
    check_data_processing(request_)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (processing(""), "ContentType is not there"),
        (processing("text/plain"), "ContentType is 'text/plain'"),
        (processing(accept="application/x-npy"), "must be of one format"),
        (processing(accept="application/json"), "must be of one format"),
        (processing("application/json", "text/csv"), "must be of one format"),
        (processing(assemble=""), "AssembleWith 'None' must be the same"),
        (processing(split="None", assemble="None"), "must be 'Line'"),
        (
            processing("application/jsonlines", "application/jsonlines", "", ""),
            "does not support SplitType 'None' with DataProcessing of application/jsonlines",
        ),
    ],
)
def test_formats_and_delimiters_go_together(request_, said):
    """Documented in SageMaker's guide; wordings are guesses."""
    with pytest.raises(ValidationException) as refused:
        check_data_processing(request_)
    assert said in refused.value.message


@pytest.mark.parametrize(
    ("member", "path", "character"),
    [
        ("OutputFilter", "$['account_id','SageMakerOutput']", "_"),
        ("InputFilter", "$[?(@.a)]", "?"),
        ("InputFilter", '$["a"]', '"'),
        ("OutputFilter", "$.é", "é"),
    ],
)
def test_a_character_that_is_no_operator_is_refused(transforms, model, member, path, character):
    """Wording observed, of the first."""
    lines = "application/jsonlines"
    members = processing(lines, lines, **{member: path})
    source = transforms.source(**members.pop("TransformInput"))
    target = transforms.target(**members.pop("TransformOutput"))
    message = refusal(transforms, model, TransformInput=source, TransformOutput=target, **members)
    assert message == (
        f'Invalid {member}: "{path}". Unexpected "{character}" in JsonPath. Supported operators '
        f'for "application/jsonlines" are {OPERATORS}.'
    )
