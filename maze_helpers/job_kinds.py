"""SageMaker's jobs, as far as their kinds differ by names alone: found and described alike."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from maze_helpers.tags import is_tagged


@dataclass(frozen=True)
class JobKind:
    """A kind of job: how people, boto3's methods and AWS's members spell it."""

    name: str
    method_part: str
    noun: str

    @property
    def name_member(self) -> str:
        """The member that holds a job's name, such as TrainingJobName."""
        return f"{self.noun}Name"


TRAINING = JobKind("training job", "training_job", "TrainingJob")
TRANSFORM = JobKind("transform job", "transform_job", "TransformJob")
PROCESSING = JobKind("processing job", "processing_job", "ProcessingJob")
JOB_KINDS = (TRAINING, TRANSFORM, PROCESSING)


def tagged_jobs(sagemaker: Any, kind: JobKind, **which: str) -> Iterator[str]:
    """Yield the names of the maze's jobs of a kind. which: List's own filters."""
    pages = sagemaker.get_paginator(f"list_{kind.method_part}s").paginate(**which)
    for page in pages:
        for summary in page[f"{kind.noun}Summaries"]:
            if is_tagged(sagemaker, summary[f"{kind.noun}Arn"]):
                yield summary[kind.name_member]


def describe_job(sagemaker: Any, kind: JobKind, name: str) -> dict[str, Any]:
    """Return a job's description."""
    return getattr(sagemaker, f"describe_{kind.method_part}")(**{kind.name_member: name})
