"""The check of the bonus track's training jobs: the project trained, and a job resumed."""

import io
import re
import tarfile

import boto3
from botocore.exceptions import ClientError

from maze_helpers import s3_urls
from maze_helpers.checks.check import Check, Missing
from maze_helpers.checks.jobs import completed_job, log_lines
from maze_helpers.gone import is_object_gone
from maze_helpers.metrics import scrape_metric

# Fewer utterances than these are a slice, for a quick run: its accuracy says nothing.
UTTERANCES_OF_A_FULL_RUN = 1000
ACCURACY_NEEDED = 0.9
EPOCHS_NEEDED = 2
WEIGHTS = re.compile(r"\.(pth|pt|bin|safetensors|ckpt)$")
INSTALLS = re.compile(r"pip[\"'\s,]+install|pip\.main")
# "epoch=2 …" and "Epoch 2: …", but not "going on after epoch 1".
EPOCH = r"(?i)^\s*epoch\W{1,3}(\d+)"


def _look(session: boto3.Session, job_name: str, resumed_job_name: str) -> str:
    job = completed_job(session, job_name)
    _judge_model(session, job)
    _judge_source(session, job)
    judgement = _judge_metrics(session, job)
    _judge_resumption(session, resumed_job_name)
    return f"{job_name}: {judgement} {resumed_job_name} went on from a checkpoint."


def _judge_model(session: boto3.Session, job: dict) -> None:
    url = job["ModelArtifacts"]["S3ModelArtifacts"]
    with _archive(session, url, "does train.py save its model where SM_MODEL_DIR says?") as tar:
        names = tar.getnames()
    if not any(WEIGHTS.search(name) for name in names):
        raise Missing(f"{url} holds no weights, such as model.pth, but {', '.join(names[:5])}.")


def _judge_source(session: boto3.Session, job: dict) -> None:
    """Look whether the requirements are the image's to install, not the script's."""
    url = job["HyperParameters"].get("sagemaker_submit_directory", "").strip('"')
    if not url:
        raise Missing("The job's image got no code: give the estimator entry_point and source_dir.")
    with _archive(session, url, "the job's source is needed to look at it.") as tar:
        for member in tar.getmembers():
            if member.isfile() and member.name.endswith(".py"):
                text = tar.extractfile(member).read().decode(errors="replace")
                if INSTALLS.search(text):
                    raise Missing(
                        f"{member.name} installs packages itself: requirements.txt beside it "
                        "makes the image install them once, before the script starts."
                    )


def _archive(session: boto3.Session, url: str, hint: str) -> tarfile.TarFile:
    bucket, key = s3_urls.split(url)
    try:
        body = session.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if not is_object_gone(error):
            raise
        raise Missing(f"There is no {url}: {hint}") from error
    return tarfile.open(fileobj=io.BytesIO(body))


def _judge_metrics(session: boto3.Session, job: dict) -> str:
    definitions = job["AlgorithmSpecification"].get("MetricDefinitions", [])
    if not definitions:
        raise Missing("The job has no metric definitions: give the estimator metric_definitions.")
    lines = log_lines(session, job["TrainingJobName"])
    epochs = max(len(scrape_metric(row["Regex"], lines)) for row in definitions)
    if epochs < EPOCHS_NEEDED:
        raise Missing("No metric was reported in more than one epoch, so there is no curve.")
    final = {row["MetricName"]: row["Value"] for row in job.get("FinalMetricDataList", [])}
    tested = [name for name in final if "test" in name.lower() and "acc" in name.lower()]
    if not tested:
        raise Missing(
            "SageMaker knows no test accuracy of the job: print one at the end, and define a "
            "metric, such as test:accuracy, whose regex matches that line."
        )
    return _judge_accuracy(session, job, final[tested[0]])


def _judge_accuracy(session: boto3.Session, job: dict, accuracy: float) -> str:
    if not 0 <= accuracy <= 1:
        raise Missing(
            f"The test accuracy is {accuracy:g}, not between 0 and 1: what does its regex capture?"
        )
    utterances = _utterances(session, job)
    if utterances < UTTERANCES_OF_A_FULL_RUN:
        return f"of a slice of {utterances} utterances, its test accuracy of {accuracy:.1%} is one."
    if accuracy < ACCURACY_NEEDED:
        raise Missing(
            f"The test accuracy is {accuracy:.1%}; {ACCURACY_NEEDED:.0%} are needed of a model "
            f"that saw {utterances:,} utterances."
        )
    return f"{accuracy:.1%} of the test's utterances are understood."


def _utterances(session: boto3.Session, job: dict) -> int:
    """Return how many lines the job's channel train holds, without headers."""
    channels = {channel["ChannelName"]: channel for channel in job.get("InputDataConfig", [])}
    if "train" not in channels:
        raise Missing("The job had no channel named train: fit({'train': s3_url}) gives it one.")
    source = channels["train"]["DataSource"]["S3DataSource"]["S3Uri"]
    bucket, prefix = s3_urls.split(source)
    s3 = session.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    bodies = [
        s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
        for page in pages
        for item in page.get("Contents", [])
    ]
    return sum(max(0, len(body.splitlines()) - 1) for body in bodies)


def _judge_resumption(session: boto3.Session, job_name: str) -> None:
    job = completed_job(session, job_name)
    if "CheckpointConfig" not in job:
        raise Missing(f"{job_name} has no checkpoints: give the estimator checkpoint_s3_uri.")
    epochs = scrape_metric(EPOCH, log_lines(session, job_name))
    if not epochs:
        raise Missing(f"{job_name} prints no epochs, such as epoch=2, to see where it began.")
    if epochs[0] <= 1:
        raise Missing(
            f"{job_name} began at epoch {epochs[0]:g}: is its checkpoint_s3_uri that of the job "
            "that was interrupted, and was there a checkpoint yet?"
        )


training_job = Check(
    "chapter 1, bonus 3",
    "A training job leaves a model and its test accuracy, and another goes on from a checkpoint.",
    _look,
)
