"""What a training job left in S3 and what it was given: its model, its scripts, its digits."""

import io
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pandas as pd
from botocore.exceptions import ClientError

from maze_helpers import data, s3_urls
from maze_helpers.checks.check import Missing
from maze_helpers.checks.model import load_artifact, predict
from maze_helpers.checks.script import Script, parse_script
from maze_helpers.gone import is_object_gone

Job = dict[str, Any]
# Truth and prediction of the same digits.
Readings = tuple[np.ndarray, np.ndarray]
HELD_OUT = ("test", "valid", "eval", "held")
# The digits are half a megabyte; what is larger is not read for its columns.
LARGEST_CSV_BYTES = 20_000_000


def download_model(session: boto3.Session, job: Job) -> Any:
    """Return the model in a job's artifact; raise Missing, if there is none that loads."""
    url = job["ModelArtifacts"]["S3ModelArtifacts"]
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "model.tar.gz")
        try:
            session.client("s3").download_file(*s3_urls.split(url), str(path))
        except ClientError as error:
            if not is_object_gone(error):
                raise
            raise Missing(
                f"There is no {url}: does train.py save its model where SM_MODEL_DIR says?"
            ) from error
        return load_artifact(path)


def scripts_of(session: boto3.Session, job: Job) -> list[Script]:
    """Return the Python files that the job was given to run; none, if it was given none."""
    url = job.get("HyperParameters", {}).get("sagemaker_submit_directory", "").strip('"')
    if not url.startswith("s3://"):
        return []
    try:
        archive = session.client("s3").get_object(**_named(*s3_urls.split(url)))["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            return list(_scripts_in(tar))
    except ClientError as error:
        if not is_object_gone(error):
            raise
        return []
    except tarfile.TarError:
        return []


def _scripts_in(tar: tarfile.TarFile) -> Iterator[Script]:
    for member in tar:
        if member.isfile() and member.name.endswith(".py"):
            try:
                yield parse_script(tar.extractfile(member).read(), Path(), member.name)
            except Missing:
                # The job ran without it.
                continue


def channels_of(job: Job) -> dict[str, str]:
    """Return the URI in S3 of each of the job's channels, by the channel's name."""
    sources = {
        channel["ChannelName"]: channel["DataSource"].get("S3DataSource", {})
        for channel in job.get("InputDataConfig", [])
    }
    return {name: source["S3Uri"] for name, source in sources.items() if "S3Uri" in source}


def files_below(session: boto3.Session, uri: str) -> list[str]:
    """Return the names of the objects at a URI, as a channel has them: train/train.csv."""
    _, prefix = s3_urls.split(uri)
    folder = prefix if prefix.endswith("/") else f"{prefix}/"
    try:
        return [item["Key"].removeprefix(folder) for item in _objects(session, uri)]
    except ClientError as error:
        if not is_object_gone(error):
            raise
        return []


def _objects(session: boto3.Session, uri: str) -> list[dict[str, Any]]:
    bucket, prefix = s3_urls.split(uri)
    found = session.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
    return found.get("Contents", [])


def columns_given(session: boto3.Session, job: Job) -> int | None:
    """Return how many columns the digits have that the job was given; None, if none are CSV."""
    for uri in channels_of(job).values():
        for rows in _tables(session, uri):
            return rows.shape[1]
    return None


def held_out_digits(session: boto3.Session, job: Job, model: Any) -> Readings | None:
    """Return truth and prediction of the digits in the job's channel for tests; None without one.

    The label is in the first or in the last column: where the model finds it again.
    """
    return _digits(session, job, model, HELD_OUT)


def train_digits(session: boto3.Session, job: Job, model: Any) -> Readings | None:
    """Return truth and prediction of the digits in the job's channel train; None without one."""
    return _digits(session, job, model, ("train",))


def _digits(
    session: boto3.Session, job: Job, model: Any, beginnings: tuple[str, ...]
) -> Readings | None:
    named = {n: uri for n, uri in channels_of(job).items() if n.lower().startswith(beginnings)}
    tables = [rows for uri in named.values() for rows in _tables(session, uri)]
    read = [pair for rows in tables for pair in _readings(model, rows)]
    return max(read, key=lambda pair: np.mean(pair[0] == pair[1]), default=None)


def _readings(model: Any, rows: pd.DataFrame) -> Iterator[Readings]:
    if rows.shape[1] != len(data.PIXELS) + 1:
        return
    for label in (-1, 0):
        pixels = rows.drop(columns=rows.columns[label])
        yield rows.iloc[:, label].to_numpy(), predict(model, pixels)


def _tables(session: boto3.Session, uri: str) -> Iterator[pd.DataFrame]:
    """Yield the tables of numbers at a URI, without their heads."""
    s3 = session.client("s3")
    bucket, _ = s3_urls.split(uri)
    try:
        for item in _objects(session, uri):
            if 0 < item["Size"] <= LARGEST_CSV_BYTES:
                body = s3.get_object(**_named(bucket, item["Key"]))["Body"].read()
                yield from _table(body)
    except ClientError as error:
        if not is_object_gone(error):
            raise


def _table(body: bytes) -> Iterator[pd.DataFrame]:
    try:
        rows = pd.read_csv(io.BytesIO(body), header=None, low_memory=False)
        rows = rows.apply(pd.to_numeric, errors="coerce")
    except ValueError:
        # It is no CSV; pandas' own errors are ValueErrors as well.
        return
    if rows.iloc[0].isna().all():
        rows = rows.iloc[1:]
    if len(rows) and not rows.isna().any(axis=None):
        yield rows


def _named(bucket: str, key: str) -> dict[str, str]:
    return {"Bucket": bucket, "Key": key}
