"""What CreateTrainingJob refuses, and in which words."""

import pytest
from botocore.exceptions import ClientError
from trainer import BUCKET, IMAGE, ROLE, Trainer, channel


@pytest.fixture(scope="module")
def trainer(local_cloud) -> Trainer:
    trainer = Trainer(local_cloud)
    trainer.put("data/train.csv", "1")
    return trainer


def algorithm(**members) -> dict:
    """Return request members with a changed algorithm; None leaves a member out."""
    changed = {"TrainingImage": IMAGE, "TrainingInputMode": "File", **members}
    return {"AlgorithmSpecification": {k: v for k, v in changed.items() if v is not None}}


def resources(**members) -> dict:
    """Return request members with changed resources."""
    return {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, **members}}


def one_channel(**members) -> dict:
    """Return request members with a changed channel."""
    return {"InputDataConfig": [{**channel("train", f"s3://{BUCKET}/data/"), **members}]}


def source(**members) -> dict:
    """Return request members whose one channel has a changed S3DataSource."""
    changed = one_channel()
    changed["InputDataConfig"][0]["DataSource"]["S3DataSource"] |= members
    return changed


@pytest.mark.parametrize("uri", ["s3://training/no/such/", "s3://no-such-bucket/data"])
def test_input_that_is_not_there_is_refused(trainer, uri):
    """Wording observed."""
    bucket = uri.split("/")[2]
    assert trainer.refusal(channels={"train": uri}) == (
        "ValidationException",
        f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that '
        "the bucket exists in the selected region (us-east-1), that objects exist under that S3 "
        f'prefix, and that the role "{ROLE}" has "s3:ListBucket" permissions on bucket "{bucket}".',
    )


@pytest.mark.parametrize(
    "image",
    [
        "763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-training:2.11-cpu-py39",
        "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:9.9-1-cpu-py3",
        "my-image",
    ],
)
def test_an_image_without_a_runtime_is_refused_with_a_list_of_those_there_are(trainer, image):
    code, message = trainer.refusal(**algorithm(TrainingImage=image))
    assert code == "ValidationException"
    assert image in message and "sagemaker-scikit-learn" in message and "1.2-1" in message


GROUPS = [{"InstanceType": "ml.m5.large", "InstanceCount": 1, "InstanceGroupName": "g"}]


def checkpoints(path: str) -> dict:
    """Return request members of a job with its checkpoints at a path."""
    return {"CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/checkpoints", "LocalPath": path}}


FILE_SYSTEM = {
    "FileSystemId": "fs-12345678",
    "FileSystemAccessMode": "ro",
    "FileSystemType": "EFS",
    "DirectoryPath": "/",
}
MLFLOW = {"MlflowResourceArn": "arn:aws:sagemaker:us-east-1:111122223333:mlflow-app/a"}


@pytest.mark.parametrize(
    ("member", "members"),
    [
        ("AlgorithmName", algorithm(TrainingImage=None, AlgorithmName="a")),
        ("KeepAlivePeriodInSeconds", resources(KeepAlivePeriodInSeconds=60)),
        ("S3DataType 'AugmentedManifestFile'", source(S3DataType="AugmentedManifestFile")),
        ("AttributeNames", source(AttributeNames=["a"])),
        ("FileSystemDataSource", one_channel(DataSource={"FileSystemDataSource": FILE_SYSTEM})),
        ("MlflowConfig", {"MlflowConfig": MLFLOW}),
        ("CheckpointConfig.LocalPath '/tmp/c'", checkpoints("/tmp/c")),
        ("CheckpointConfig.LocalPath '/opt/ml/'", checkpoints("/opt/ml/")),
        ("CheckpointConfig.LocalPath '/opt/ml/../c'", checkpoints("/opt/ml/../c")),
    ],
)
def test_what_is_not_supported_is_refused_by_name(trainer, member, members):
    code, message = trainer.refusal(**members)
    assert code == "ValidationException"
    assert "does not support" in message and member in message


def spot(**limits) -> dict:
    """Return request members of a managed spot job."""
    return {"EnableManagedSpotTraining": True, "StoppingCondition": limits}


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("'algorithmSpecification.trainingImage'", algorithm(TrainingImage=None)),
        ("'resourceConfig.instanceType'", {"ResourceConfig": {"InstanceCount": 1}}),
        ("'inputDataConfig.dataSource.s3DataSource'", one_channel(DataSource={})),
        ("s3://bucket/key", {"OutputDataConfig": {"S3OutputPath": "https://s3.aws/b/k"}}),
        ("28 days", {"StoppingCondition": {"MaxRuntimeInSeconds": 28 * 86400 + 1}}),
        ("Invalid MaxWaitTimeInSeconds", {"StoppingCondition": {"MaxWaitTimeInSeconds": 9}}),
        ("Invalid MaxWaitTimeInSeconds", spot(MaxRuntimeInSeconds=10)),
        ("Invalid MaxWaitTimeInSeconds", spot(MaxRuntimeInSeconds=10, MaxWaitTimeInSeconds=9)),
        ("definition 'm' is invalid", algorithm(MetricDefinitions=[{"Name": "m", "Regex": "("}])),
        (
            "It is only supported when EnableManagedSpotTraining is set to true",
            {"StoppingCondition": {"MaxWaitTimeInSeconds": 9}},
        ),
        ("greater than or equal to 1", resources(InstanceCount=0)),
        ("both InstanceType and InstanceGroups", resources(InstanceGroups=GROUPS)),
        ("group 'g' is there twice", {"ResourceConfig": {"InstanceGroups": GROUPS * 2}}),
        ("for the instance group 'h'", source(InstanceGroupNames=["h"])),
        ("is for Pipe input mode", one_channel(CompressionType="Gzip")),
        ("is for Pipe input mode", one_channel(RecordWrapperType="RecordIO")),
        (
            "leave it out in FastFile mode",
            one_channel(InputMode="FastFile", RecordWrapperType="RecordIO"),
        ),
        ("'train' is there twice", {"InputDataConfig": source()["InputDataConfig"] * 2}),
        ("'..' cannot be the name", one_channel(ChannelName="..")),
        ("'a' is there twice", {"Tags": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}),
        ("which AWS reserves", {"Tags": [{"Key": "aws:a", "Value": "1"}]}),
        ("regular expression pattern", {"TrainingJobName": "under_score"}),
        ("regular expression pattern", {"RoleArn": "arn:aws:iam::111122223333:user/someone"}),
        ("enum value set", resources(InstanceType="ml.none")),
    ],
)
def test_what_breaks_a_rule_is_refused_with_the_reason(trainer, text, members):
    code, message = trainer.refusal(**members)
    assert code == "ValidationException" and text in message


@pytest.mark.parametrize("member", ["AlgorithmSpecification", "ResourceConfig"])
def test_what_only_serverless_jobs_can_leave_out_is_required(trainer, member):
    request = trainer.request("")
    del request[member]
    with pytest.raises(ClientError, match="Member must not be null"):
        trainer.sagemaker.create_training_job(**request)


def test_a_job_without_a_stopping_condition_has_a_day(trainer):
    request = trainer.request("")
    del request["StoppingCondition"]
    trainer.sagemaker.create_training_job(**request)
    job = trainer.wait(request["TrainingJobName"])
    assert job["StoppingCondition"] == {"MaxRuntimeInSeconds": 86400}


def test_a_refused_request_leaves_no_job(trainer):
    trainer.refusal(TrainingJobName="refused", channels={"train": "s3://training/none"})
    with pytest.raises(ClientError, match="Requested resource not found"):
        trainer.describe("refused")
