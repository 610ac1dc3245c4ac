"""The check of chapter 2's bonus notebook 1: an archive that can be served, and an answer."""

import json
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from maze_helpers import model_archive, s3_urls
from maze_helpers.checks.check import Check, Missing
from maze_helpers.gone import is_object_gone
from maze_helpers.model_archive.finding import BROKEN
from maze_helpers.model_archive.module_source import ModuleSource, UnreadableError

SCRIPT = "code/inference.py"
HANDLERS = ("model_fn", "input_fn", "predict_fn", "output_fn")


def _look(session: boto3.Session, archive_url: str, answer: Any) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "model.tar.gz")
        _download(session, archive_url, path)
        for finding in model_archive.examine(path):
            if finding.level == BROKEN:
                raise Missing(f"{finding.what} {finding.fix}")
        _require_handlers(path)
    predictions = _predictions(answer)
    judge_predictions(predictions)
    first = predictions[0]
    return (
        f"{Path(archive_url).name} is in S3, and SageMaker finds all it needs in it. By hand, the "
        f"handlers answer {first['intent']} with a score of {first['score']:.2f}."
    )


def _download(session: boto3.Session, url: str, path: Path) -> None:
    bucket, key = s3_urls.split(url)
    if not url.startswith("s3://") or not key:
        raise Missing(f"{url} is not the URI of an archive in S3, s3://bucket/…/model.tar.gz.")
    try:
        session.client("s3").download_file(bucket, key, str(path))
    except ClientError as error:
        if not is_object_gone(error):
            raise
        raise Missing(f"There is no {url}: `aws s3 cp model.tar.gz {url}` uploads it.") from error


def _require_handlers(path: Path) -> None:
    with tarfile.open(path) as archive:
        script = next(
            (
                archive.extractfile(member)
                for member in archive
                if member.isfile() and member.name.removeprefix("./") == SCRIPT
            ),
            None,
        )
        if script is None:
            raise Missing(f"The archive holds no {SCRIPT}.")
        source = script.read()
    try:
        module = ModuleSource(SCRIPT, source)
    except UnreadableError as error:
        raise Missing(str(error)) from error
    missing = [name for name in HANDLERS if not module.has(name)]
    if missing:
        raise Missing(f"{SCRIPT} defines no {', '.join(missing)}.")


def _predictions(answer: Any) -> Any:
    """Return the predictions of output_fn's answer: a body, or a pair of body and type."""
    body = answer[0] if isinstance(answer, tuple) else answer
    if isinstance(body, str | bytes):
        try:
            body = json.loads(body)
        except ValueError as error:
            raise Missing("The answer is no JSON: ask output_fn for application/json.") from error
    return body.get("predictions") if isinstance(body, dict) else None


def judge_predictions(predictions: Any) -> None:
    """Raise Missing, unless there is a list of predictions with an intent and a score each."""
    if not isinstance(predictions, list) or not predictions:
        raise Missing("The answer holds no list of predictions.")
    for prediction in predictions:
        _judge_scored([prediction])
        top = prediction.get("top", [])
        if not isinstance(top, list):
            raise Missing(f"'top' holds no list of intents: {top!r:.80}.")
        _judge_scored(top)
        scores = [row["score"] for row in top]
        if scores != sorted(scores, reverse=True):
            raise Missing(f"The top intents are not in the order of their scores: {scores}.")


def _judge_scored(rows: Iterable[Any]) -> None:
    for row in rows:
        if not isinstance(row, dict) or not row.get("intent"):
            raise Missing(f"A prediction names no intent: {row!r:.80}.")
        score = row.get("score")
        if not isinstance(score, int | float) or not 0 <= score <= 1:
            raise Missing(f"The score of {row['intent']} is {score!r}, not between 0 and 1.")


inference_script = Check(
    "chapter 2, bonus 1",
    "The handlers answer by hand, and the archive that holds them is in S3.",
    _look,
)
