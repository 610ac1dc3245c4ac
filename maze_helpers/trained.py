"""The trained models that notebooks serve: the newest job that made one, or a new one."""

import contextlib
import hashlib
import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from maze_helpers import data, project, s3_urls
from maze_helpers.metrics import metric_definitions
from maze_helpers.session import Connection
from maze_helpers.tags import PREFIX, TAGS, is_tagged

# Jobs whose model reads digits: those of chapter 1, and the one that is run here.
OWN_PREFIX = "maze-digits"
JOB_PREFIXES = ("maze-task-3-", "maze-task-4-", f"{OWN_PREFIX}-")
# Jobs whose model reads intents: that of the bonus track, and the one that is run here.
INTENTS_PREFIX = "maze-intents"
INTENTS_METRICS = ("train:loss", "validation:accuracy", "validation:f1", "test:accuracy", "test:f1")
SCRIPT = Path(__file__).parent / "training_script"
# As the jobs of chapter 1: a model is served by the scikit-learn that trained it.
FRAMEWORK_VERSION = "1.2-1"
DIGITS_INSTANCE = "ml.m5.large"
# Which scripts a job that is run here has run.
SOURCE_KEY = "sagemaker-maze-source"


def trained_job(maze: Connection) -> str:
    """Return the name of the newest digits job that left a model; where there is none, run one.

    On AWS, running one bills an ml.m5.large for some two minutes.
    """
    return newest_digits_job(maze) or train_digits(maze)


def newest_digits_job(maze: Connection) -> str | None:
    """Return the name of the newest digits job that left a model, or None."""
    return _newest_job(maze, JOB_PREFIXES)


def has_run(maze: Connection, job_name: str, source_dir: Path) -> bool:
    """Return whether `train_digits` ran the job, with these scripts."""
    sagemaker = maze.boto_session.client("sagemaker")
    arn = sagemaker.describe_training_job(TrainingJobName=job_name)["TrainingJobArn"]
    return is_tagged(sagemaker, arn, _source_tag(source_dir))


def _source_tag(source_dir: Path) -> dict[str, str]:
    digest = hashlib.sha256()
    for path in sorted(source_dir.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            content = path.read_bytes()
            name = path.relative_to(source_dir).as_posix()
            digest.update(f"{name}\n{len(content)}\n".encode() + content)
    return {"Key": SOURCE_KEY, "Value": digest.hexdigest()}


def trained_intents_job(maze: Connection, utterances_per_intent: int | None = None) -> str:
    """Return the name of the newest intents job that left a model; where there is none, run one.

    utterances_per_intent: train on so many of each only; None for all. On AWS, running one bills
    an ml.m5.xlarge for some five minutes.
    """
    found = _newest_job(maze, (f"{INTENTS_PREFIX}-",))
    return found or _train_intents(maze, utterances_per_intent)


def _newest_job(maze: Connection, prefixes: tuple[str, ...]) -> str | None:
    sagemaker, s3 = maze.boto_session.client("sagemaker"), maze.boto_session.client("s3")
    for name in _completed_jobs(sagemaker, prefixes):
        job = sagemaker.describe_training_job(TrainingJobName=name)
        urls = [
            job["ModelArtifacts"]["S3ModelArtifacts"],
            # The SDK reads the source again when it attaches to the job.
            job["HyperParameters"].get("sagemaker_submit_directory", "").strip('"'),
        ]
        if all(_is_in_s3(s3, url) for url in urls):
            return name
    return None


def _completed_jobs(sagemaker: Any, prefixes: tuple[str, ...]) -> Iterator[str]:
    """Yield the names of the jobs that completed, the newest first."""
    pages = sagemaker.get_paginator("list_training_jobs").paginate(
        NameContains="maze-", SortBy="CreationTime", SortOrder="Descending"
    )
    for page in pages:
        for job in page["TrainingJobSummaries"]:
            if job["TrainingJobStatus"] == "Completed":
                if job["TrainingJobName"].startswith(prefixes):
                    yield job["TrainingJobName"]


def _is_in_s3(s3: Any, url: str) -> bool:
    bucket, key = s3_urls.split(url)
    if not key:
        return False
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchBucket", "403"):
            raise
        return False
    return True


def upload_digits(maze: Connection) -> dict[str, str]:
    """Upload the digits to the default bucket, as chapter 1 does; return each channel's URI."""
    paths = {"train": data.TRAIN_CSV, "test": data.TEST_CSV}
    return {name: _upload(maze, path, f"{PREFIX}/data/{name}") for name, path in paths.items()}


def train_digits(maze: Connection, source_dir: Path = SCRIPT) -> str:
    """Run a job that trains a digits model by a folder's train.py; return the job's name.

    Raises: the SDK's UnexpectedStatusException, if the job fails.
    """
    # Late: the SDK takes seconds to import.
    from sagemaker.sklearn.estimator import SKLearn

    settings = _usual_settings(maze) | {"tags": [*TAGS, _source_tag(source_dir)]}
    estimator = SKLearn(
        source_dir=str(source_dir),
        framework_version=FRAMEWORK_VERSION,
        py_version="py3",
        instance_type=DIGITS_INSTANCE,
        base_job_name=OWN_PREFIX,
        max_run=600,
        **settings,
    )
    return _fit(estimator, upload_digits(maze))


def _train_intents(maze: Connection, utterances_per_intent: int | None) -> str:
    # Late: the SDK takes seconds to import.
    from sagemaker.pytorch import PyTorch

    with tempfile.TemporaryDirectory() as folder:
        paths = project.write_dataset(utterances_per_intent, folder)
        channels = {
            path.stem: _upload(maze, path, f"{PREFIX}/data/intents/{path.stem}") for path in paths
        }
        estimator = PyTorch(
            source_dir=str(project.write(folder)),
            framework_version="2.6",
            py_version="py312",
            instance_type="ml.m5.xlarge",
            base_job_name=INTENTS_PREFIX,
            metric_definitions=metric_definitions(*INTENTS_METRICS),
            max_run=1800,
            **_usual_settings(maze),
        )
        return _fit(estimator, channels)


def _upload(maze: Connection, path: Path, prefix: str) -> str:
    """Upload a file to the default bucket; return the URI of the folder that it is in."""
    maze.boto_session.client("s3").upload_file(str(path), maze.bucket, f"{prefix}/{path.name}")
    return f"s3://{maze.bucket}/{prefix}"


def _usual_settings(maze: Connection) -> dict[str, Any]:
    # Late: the SDK takes seconds to import.
    import sagemaker.session

    return {
        "entry_point": "train.py",
        "instance_count": 1,
        "role": maze.role,
        "tags": TAGS,
        "sagemaker_session": sagemaker.session.Session(boto_session=maze.boto_session),
    }


def _fit(estimator: Any, channels: dict[str, str]) -> str:
    """Run the estimator's job without its output; return the job's name."""
    with contextlib.redirect_stdout(io.StringIO()):
        estimator.fit(channels, logs=False)
    return estimator.latest_training_job.name
