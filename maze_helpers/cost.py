"""What the maze has run costs on AWS: read through the AWS API, priced from a list.

The list, data/prices.csv, holds on-demand prices in USD of one region. checked: the day on which a
price was compared with public quotations of AWS's price list; source: AWS's page with today's. For
a budget, look there. Notebook instances have the prices of Studio, whose instances cost the same.
Not counted: storage, requests and free tiers.
"""

import math
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from functools import partial
from operator import itemgetter

import boto3
import pandas as pd

from maze_helpers.data import DATA
from maze_helpers.endpoint_bills import Row, endpoint_rows
from maze_helpers.job_kinds import (
    PROCESSING,
    TRAINING,
    TRANSFORM,
    JobKind,
    describe_job,
    tagged_jobs,
)
from maze_helpers.notebook_bills import notebook_rows

PRICES_CSV = DATA / "prices.csv"
COLUMNS = ["job", "use", "instance", "count", "billable_s", "usd"]
SECONDS_AN_HOUR = 3600


def _job_rows(kind: JobKind, row: Callable[[dict], Row], session: boto3.Session) -> Iterator[Row]:
    sagemaker = session.client("sagemaker")
    for name in tagged_jobs(sagemaker, kind):
        yield row(describe_job(sagemaker, kind, name))


def _training_row(job: dict) -> Row:
    resources = job["ResourceConfig"]
    return {
        "job": job["TrainingJobName"],
        "created": job["CreationTime"],
        "use": "training",
        "instance": resources.get("InstanceType", "a heterogeneous cluster"),
        "count": resources.get("InstanceCount", 1),
        "billable_s": _billable_s(job),
    }


def _billable_s(job: dict) -> float:
    """Return the seconds billed for each instance; for a running job, those up to now."""
    if "BillableTimeInSeconds" in job:
        return job["BillableTimeInSeconds"]
    return _seconds(job.get("TrainingStartTime"), job.get("TrainingEndTime"))


def _transform_row(job: dict) -> Row:
    resources = job["TransformResources"]
    return {
        "job": job["TransformJobName"],
        "created": job["CreationTime"],
        "use": "transform",
        "instance": resources["InstanceType"],
        "count": resources["InstanceCount"],
        # Source: DescribeTransformJob, TransformStartTime and TransformEndTime.
        "billable_s": _seconds(job.get("TransformStartTime"), job.get("TransformEndTime")),
    }


def _processing_row(job: dict) -> Row:
    cluster = job["ProcessingResources"]["ClusterConfig"]
    return {
        "job": job["ProcessingJobName"],
        "created": job["CreationTime"],
        "use": "processing",
        "instance": cluster["InstanceType"],
        "count": cluster["InstanceCount"],
        "billable_s": _seconds(job.get("ProcessingStartTime"), job.get("ProcessingEndTime")),
    }


def _seconds(start: datetime | None, end: datetime | None) -> float:
    """Return the seconds begun between two moments; without an end, those up to now.

    Without a start there were none.
    """
    if start is None:
        return 0
    return math.ceil(((end or datetime.now(timezone.utc)) - start).total_seconds())


# What bills by the second: each yields rows of the ledger, which also say when it was created.
BILLED: list[Callable[[boto3.Session], Iterator[Row]]] = [
    partial(_job_rows, TRAINING, _training_row),
    partial(_job_rows, TRANSFORM, _transform_row),
    partial(_job_rows, PROCESSING, _processing_row),
    endpoint_rows,
    notebook_rows,
]
# What a row of each use is, in a sentence.
_NOUNS = {
    "training": "job",
    "transform": "job",
    "processing": "job",
    "hosting": "endpoint",
    "serverless": "endpoint",
    "notebook": "notebook instance",
}


def prices() -> pd.DataFrame:
    """Return the price list: instance_type, use, region, usd_per_hour, checked, source."""
    return pd.read_csv(PRICES_CSV)


def usd_per_hour(instance_type: str, use: str, region: str) -> float | None:
    """Return what one instance costs an hour, or None where the list does not know it.

    use: training, hosting, transform, processing, studio, notebook or serverless.
    """
    by_what = prices().set_index(["instance_type", "use", "region"])["usd_per_hour"]
    return by_what.get((instance_type, use, region))


def ledger(session: boto3.Session) -> pd.DataFrame:
    """Return what the maze has run, oldest first: job, use, instance, count, billable_s, usd.

    job: the name of a job, an endpoint or a notebook instance; each of an endpoint's variants has
    a row. billable_s: seconds of each instance. usd: of all of them; missing where the price is
    unknown.
    """
    rows = [row for billed in BILLED for row in billed(session)]
    rows.sort(key=itemgetter("created"))
    priced = [{**row, "usd": _usd(row, session.region_name)} for row in rows]
    return pd.DataFrame(priced, columns=COLUMNS).astype({"usd": "float64"})


def _usd(row: dict, region: str) -> float | None:
    price = usd_per_hour(row["instance"], row["use"], region)
    return None if price is None else price * row["count"] * row["billable_s"] / SECONDS_AN_HOUR


def total_usd(ledger: pd.DataFrame) -> float:
    """Return the sum of the ledger's known costs, in USD."""
    return float(ledger["usd"].sum())


def statement(ledger: pd.DataFrame, mode: str) -> str:
    """Return one sentence on the ledger's total; in local mode, what AWS would have charged."""
    verb = "cost" if mode == "aws" else "would have cost on AWS"
    unknown = ledger.loc[ledger["usd"].isna(), "instance"].unique()
    exception = (
        f", not counting {', '.join(unknown)}, whose price is unknown" if len(unknown) else ""
    )
    checked = prices()["checked"].max()
    return (
        f"{_counted(ledger)} {verb} {total_usd(ledger):.4f} USD{exception} (prices of {checked})."
    )


def _counted(ledger: pd.DataFrame) -> str:
    """Return how many of what the ledger holds, such as '2 jobs and 1 endpoint'."""
    counts = ledger.groupby(ledger["use"].map(_NOUNS))["job"].nunique()
    parts = [
        f"{count} {noun}{'' if count == 1 else 's'}"
        for noun in ("job", "endpoint", "notebook instance")
        if (count := counts.get(noun, 0))
    ]
    *first, last = parts or ["0 jobs"]
    return f"{', '.join(first)} and {last}" if first else last
