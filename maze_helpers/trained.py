"""The trained model that chapter 2 serves: the job of chapter 1 that made it, or a new one."""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from maze_helpers import data
from maze_helpers.session import Connection
from maze_helpers.tags import PREFIX, TAGS

# Jobs whose model reads digits: those of chapter 1, and the one that is run here.
OWN_PREFIX = "maze-digits"
JOB_PREFIXES = ("maze-task-3-", "maze-task-4-", f"{OWN_PREFIX}-")
SCRIPT = Path(__file__).parent / "training_script"
# As the jobs of chapter 1: a model is served by the scikit-learn that trained it.
FRAMEWORK_VERSION = "1.2-1"


def trained_job(maze: Connection) -> str:
    """Return the name of the newest digits job that left a model; where there is none, run one.

    On AWS, running one bills an ml.m5.large for some two minutes.
    """
    sagemaker, s3 = maze.boto_session.client("sagemaker"), maze.boto_session.client("s3")
    for name in _completed_jobs(sagemaker):
        job = sagemaker.describe_training_job(TrainingJobName=name)
        urls = [
            job["ModelArtifacts"]["S3ModelArtifacts"],
            # The SDK reads the source again when it attaches to the job.
            job["HyperParameters"].get("sagemaker_submit_directory", "").strip('"'),
        ]
        if all(_is_in_s3(s3, url) for url in urls):
            return name
    return _train(maze)


def _completed_jobs(sagemaker: Any) -> Iterator[str]:
    """Yield the names of the digits jobs that completed, the newest first."""
    pages = sagemaker.get_paginator("list_training_jobs").paginate(
        NameContains="maze-", SortBy="CreationTime", SortOrder="Descending"
    )
    for page in pages:
        for job in page["TrainingJobSummaries"]:
            if job["TrainingJobStatus"] == "Completed":
                if job["TrainingJobName"].startswith(JOB_PREFIXES):
                    yield job["TrainingJobName"]


def _is_in_s3(s3: Any, url: str) -> bool:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    if not key:
        return False
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchBucket", "403"):
            raise
        return False
    return True


def _train(maze: Connection) -> str:
    # Late: the SDK takes seconds to import.
    import sagemaker.session
    from sagemaker.sklearn.estimator import SKLearn

    key = f"{PREFIX}/data/train/{data.TRAIN_CSV.name}"
    maze.boto_session.client("s3").upload_file(str(data.TRAIN_CSV), maze.bucket, key)
    estimator = SKLearn(
        entry_point="train.py",
        source_dir=str(SCRIPT),
        framework_version=FRAMEWORK_VERSION,
        py_version="py3",
        instance_type="ml.m5.large",
        instance_count=1,
        role=maze.role,
        base_job_name=OWN_PREFIX,
        max_run=600,
        tags=TAGS,
        sagemaker_session=sagemaker.session.Session(boto_session=maze.boto_session),
    )
    with contextlib.redirect_stdout(io.StringIO()):
        estimator.fit({"train": f"s3://{maze.bucket}/{PREFIX}/data/train"}, logs=False)
    return estimator.latest_training_job.name
