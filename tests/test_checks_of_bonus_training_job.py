"""The check of the bonus track's training job: blank, wrong, right, different but right."""

import boto3
import pytest
from training_job import local_session, start_job, wait_for_job

from maze_helpers import metrics
from maze_helpers.checks import Done, NotYet, bonus

BUCKET = "bonus-checks"
# As the project's train.py, without the training: what it prints, leaves and goes on from.
TRAIN = """
import os
folder = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")
path = os.path.join(folder, "last")
begin = int(open(path).read()) + 1 if os.path.exists(path) else 1
print("going on after epoch", begin - 1)
for epoch in range(begin, begin + 3):
    print(f"epoch={epoch} train:loss=1.5 validation:accuracy=0.9")
    if os.path.isdir(folder):
        open(path, "w").write(str(epoch))
print("test:accuracy=0.96")
open(os.path.join(os.environ["SM_MODEL_DIR"], "model.pth"), "w").write("weights")
"""
# Other names, another form, a folder of its own.
DIFFERENT = (
    TRAIN.replace("epoch={epoch} train:loss=1.5 validation:accuracy=0.9", "Epoch {epoch}: 1.5")
    .replace("test:accuracy=0.96", "held out: 9.6e-1")
    .replace('"model.pth")', '"model.safetensors")')
)
OURS = metrics.metric_definitions("train:loss", "validation:accuracy", "test:accuracy")
OTHERS = [
    {"Name": "loss", "Regex": r"Epoch \d+: ([0-9.]+)"},
    {"Name": "Test accuracy", "Regex": "held out: ([0-9.e-]+)"},
]
HEADER = 'import subprocess, sys\n\'subprocess.call(["pip", "install", "-r", path])\'\n'
CHECKPOINTS = {"CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/checkpoints"}}
OTHER_CHECKPOINTS = {"CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/others"}}
# Job: its script, its metric definitions, its channel's folder, and more of the request.
JOBS = {
    "right": (TRAIN, OURS, "full", CHECKPOINTS),
    "different": (DIFFERENT, OTHERS, "full", {}),
    "slice": (TRAIN.replace("0.96", "0.4"), OURS, "slice", {}),
    "crashed": ("raise ValueError('no shop today')", OURS, "full", {}),
    "no-weights": (TRAIN.replace("model.pth", "notes.txt"), OURS, "full", {}),
    "header": (HEADER + TRAIN, OURS, "full", {}),
    "no-definitions": (TRAIN, [], "full", {}),
    "no-curve": (TRAIN.replace("begin + 3", "begin + 1"), OURS, "full", {}),
    "no-test": (TRAIN, OURS[:2], "full", {}),
    "percent": (TRAIN.replace("0.96", "96"), OURS, "full", {}),
    "low": (TRAIN.replace("0.96", "0.7"), OURS, "full", {}),
    "silent": (TRAIN.replace("epoch={epoch} ", ""), OURS, "full", OTHER_CHECKPOINTS),
}
# Starts once "right" has left its checkpoint.
RESUMED = "resumed"


@pytest.fixture(scope="module")
def session(local_cloud):
    """A session of a local cloud on which every job of the table has ended."""
    with local_session(local_cloud) as session:
        s3 = session.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        for name, rows in (("full", 1200), ("slice", 54)):
            body = "text,intent\n" + "where is it,track_order\n" * rows
            s3.put_object(Bucket=BUCKET, Key=f"data/{name}/train.csv", Body=body.encode())
        for name in JOBS:
            start(session, name, *JOBS[name])
        for name in set(JOBS) - {"crashed"}:
            wait_for_job(session, name)
        start(session, RESUMED, *JOBS["right"])
        wait_for_job(session, RESUMED)
        yield session


def start(session, name, script, definitions, folder, request):
    image = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.6-cpu-py312"
    algorithm = {"TrainingImage": image, "TrainingInputMode": "File"}
    algorithm["MetricDefinitions"] = definitions
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/data/{folder}/"}
    channel = {"ChannelName": "train", "DataSource": {"S3DataSource": source}}
    request = {"AlgorithmSpecification": algorithm, "InputDataConfig": [channel], **request}
    start_job(session, name, script, BUCKET, **request)


def verdict(session, job: str, resumed: str = RESUMED):
    return bonus.training_job.verdict(session, job, resumed)


@pytest.mark.parametrize(
    ("job", "words"),
    [("right", "96.0% of the"), ("different", "96.0% of the"), ("slice", "slice of 54 utterances")],
)
def test_what_is_right_passes(session, job, words):
    found = verdict(session, job)
    assert isinstance(found, Done), found
    assert words in found.sentence


@pytest.mark.parametrize(
    ("job", "words"),
    [
        ("never-made", ["no training job never-made", "fit()"]),
        ("crashed", ["Failed, not Completed"]),
        ("no-weights", ["no weights", "notes.txt"]),
        ("header", ["train.py installs packages itself", "requirements.txt"]),
        ("no-definitions", ["metric_definitions"]),
        ("no-curve", ["no curve"]),
        ("no-test", ["no test accuracy"]),
        ("percent", ["is 96, not between 0 and 1"]),
        ("low", ["70.0%; 90% are needed"]),
    ],
)
def test_what_is_missing_is_said_in_a_sentence(session, job, words):
    assert_failed(verdict(session, job), *words)


@pytest.mark.parametrize(
    ("job", "words"),
    [
        ("never-made", ["no training job never-made"]),
        ("different", ["no checkpoints", "checkpoint_s3_uri"]),
        ("silent", ["prints no epochs"]),
        ("right", ["began at epoch 1"]),
    ],
)
def test_a_job_that_did_not_resume_is_told_so(session, job, words):
    assert_failed(verdict(session, "right", job), *words)


def assert_failed(found, *words: str):
    assert isinstance(found, NotYet), found
    for word in words:
        assert word in found.sentence
    assert "\n" not in found.sentence


def test_a_model_gone_from_s3_is_told_so(session):
    session.client("s3").delete_object(Bucket=BUCKET, Key="low/output/model.tar.gz")
    assert_failed(verdict(session, "low"), "There is no s3://bonus-checks/low/output/model.tar.gz")


def test_a_cloud_that_cannot_be_reached_is_not_the_participants_fault():
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}
    unreachable = boto3.Session(**keys)
    client = unreachable.client("sagemaker", endpoint_url="http://127.0.0.1:9")
    unreachable.client = lambda name, **options: client
    found = verdict(unreachable, "right")
    assert isinstance(found, NotYet) and "The local cloud is down" in found.sentence
