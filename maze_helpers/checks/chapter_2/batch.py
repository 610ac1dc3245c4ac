"""The check of chapter 2, task 3: a batch transform job that keeps two instances busy."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import boto3
from botocore.exceptions import ClientError

from maze_helpers.checks.chapter_2.digit_outputs import Outputs, Steps, judge_outputs
from maze_helpers.checks.chapter_2.found_endpoints import OTHER_IMAGES, OUR_IMAGE, endpoints
from maze_helpers.checks.chapter_2.joined_answers import gets_all
from maze_helpers.checks.chapter_2.left_on import left_on, require_none
from maze_helpers.checks.chapter_2.logged_errors import logged_errors
from maze_helpers.checks.chapter_2.transform_data import column_names, read_and_written
from maze_helpers.checks.check import Check, Missing, NothingYet, StillRunning, Work
from maze_helpers.checks.found import Candidate, first_right, jobs
from maze_helpers.checks.model import PIXEL_COUNT
from maze_helpers.checks.verdicts import DoneDifferently
from maze_helpers.gone import is_gone
from maze_helpers.instances import GROUP, instance_logs
from maze_helpers.job_kinds import TRANSFORM
from maze_helpers.local_cloud.errors import MazeError

PREFIX = "maze-batch"
INSTANCES_ASKED_FOR = 2
# The cells that a participant writes.
UPLOAD, ORDER, TRANSFORM_ALL, MEND, FILTER = range(1, 6)
STEPS = Steps(upload=UPLOAD, order=ORDER, transform=TRANSFORM_ALL, filter=FILTER)


def _look(work: Work) -> str | DoneDifferently:
    found = first_right(_candidates(work), PREFIX, partial(_judge, work.session))
    if found is None:
        raise NothingYet(
            f"There is no batch transform job yet, such as {PREFIX}-…: begin with the data that it "
            "is to read.",
            UPLOAD,
        )
    require_none(work.session, left_on(endpoints(work, "maze-")))
    return found


def _candidates(work: Work) -> Iterator[Candidate]:
    """Yield the transform jobs of a scikit-learn image, and those whose model is deleted."""
    sagemaker = work.session.client("sagemaker")
    for job in jobs(work, TRANSFORM, PREFIX):
        image = _image(sagemaker, job.described["ModelName"])
        if job.as_told or not image or OUR_IMAGE in image:
            if not any(other in image for other in OTHER_IMAGES):
                yield job


def _image(sagemaker: Any, model_name: str) -> str:
    try:
        model = sagemaker.describe_model(ModelName=model_name)
    except ClientError as error:
        if not is_gone(error):
            raise
        return ""
    return model.get("PrimaryContainer", {}).get("Image", "")


def _judge(session: boto3.Session, candidate: Candidate) -> str | DoneDifferently:
    job, name = candidate.described, candidate.name
    _require_completed(session, job)
    served = _requests(session, job)
    idle = sorted(instance for instance, requests in served.items() if not requests)
    if len(served) < INSTANCES_ASKED_FOR:
        raise Missing(
            f"{name} ran on one instance; the task asks for two: transformer(instance_count=2).",
            ORDER,
        )
    if idle:
        objects = len(read_and_written(session, job))
        raise Missing(
            f"{name} had {len(served)} instances, but {', '.join(idle)} had no request: an object "
            f"keeps one instance busy, so {_more_objects(objects, len(served))}.",
            MEND,
        )
    said = _sentence(name, served, judge_outputs(session, job, STEPS))
    if len(served) > INSTANCES_ASKED_FOR:
        return DoneDifferently(f"{said} The task asks for two instances; more are billed more.")
    return said


def _more_objects(objects: int, instances: int) -> str:
    """Return how many objects a job needs, which had so few that an instance was idle."""
    if objects < 2:
        return "give the job more objects than one"
    if objects < instances:
        return f"{objects} objects are too few: give the job {instances} at least"
    return f"give the job more objects than the {objects} it had"


def _require_completed(session: boto3.Session, job: dict[str, Any]) -> None:
    name, status = job["TransformJobName"], job["TransformJobStatus"]
    if status == "Failed":
        raise _failed(session, job)
    if status in ("Stopping", "Stopped"):
        raise Missing(f"{name} was stopped before its end: run it again.")
    if status != "Completed":
        raise StillRunning(f"{name} still runs: check again when it is Completed.")


def _failed(session: boto3.Session, job: dict[str, Any]) -> Missing:
    """Return what to say of a Failed job, by what its log and its data hold."""
    errors = logged_errors(session, GROUP, f"{job['TransformJobName']}/")
    with_label = any(f"has {PIXEL_COUNT + 1} features" in error for error in errors)
    # The words of float and of NumPy, which may also read a name as NaN, and so as no number.
    unread = [error for error in errors if "could not convert string" in error or "NaN" in error]
    names = column_names(session, job) if unread else []
    if unread and (names or "NaN" not in unread[-1]):
        said = f"{_reason(job, unread)} Is there a line of column names in the data?"
        if with_label or (len(names) > PIXEL_COUNT and gets_all(job)):
            return Missing(f"{said} And is the label among them? The model gets neither.", UPLOAD)
        return Missing(f"{said} The model reads numbers alone.", UPLOAD)
    if with_label:
        said = f"{_reason(job, errors)} Is the label among them? The model must not get it."
        return Missing(said, FILTER)
    return Missing(_reason(job, errors), TRANSFORM_ALL)


def _reason(job: dict[str, Any], errors: list[str]) -> str:
    """Return why a job failed, in AWS's words, and the last of the errors in its log."""
    reason = " ".join(job.get("FailureReason", "its log says why").split()).rstrip(".")
    error = f" Its log says: {errors[-1]}" if errors else ""
    return f"{job['TransformJobName']} is Failed: {reason}.{error}"


def _requests(session: boto3.Session, job: dict[str, Any]) -> dict[str, int]:
    """Return how many requests each instance had, by the instance's id."""
    try:
        logs = instance_logs(session, job["TransformJobName"])
    except MazeError as error:
        raise Missing(str(error), TRANSFORM_ALL) from error
    return {name: sum("/invocations" in line for line in lines) for name, lines in logs.items()}


def _sentence(name: str, served: dict[str, int], outputs: Outputs) -> str:
    worked = f"{name} had {len(served)} instances, and each of them answered"
    if not outputs.objects:
        return f"{worked}; what it read and wrote is no longer in S3."
    right = "" if outputs.accuracy is None else f", {outputs.accuracy:.1%} of them right"
    return (
        f"{worked}: {outputs.objects} objects, {sum(served.values())} requests, "
        f"{outputs.predictions:,} digits{right}."
    )


task_3 = Check(
    "chapter 2, task 3",
    "A batch transform job on two instances, and both of them at work.",
    _look,
)
