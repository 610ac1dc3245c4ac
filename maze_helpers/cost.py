"""What the maze's jobs cost on AWS: a ledger read through the AWS API, priced from a list.

The list, data/prices.csv, holds on-demand prices in USD of one region. checked: the day on which a
price was compared with public quotations of AWS's price list; source: AWS's page with today's. For
a budget, look there. Not counted: storage, requests and free tiers.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import boto3
import pandas as pd

from maze_helpers.data import DATA
from maze_helpers.tags import is_tagged

PRICES_CSV = DATA / "prices.csv"
COLUMNS = ["job", "use", "instance", "count", "billable_s", "usd"]
SECONDS_AN_HOUR = 3600


@dataclass(frozen=True)
class BilledKind:
    """A kind of resource that bills by the second: how to list it, and what a bill needs of it.

    describe: gets the client and a summary of the list; returns a row but for `usd`.
    """

    list_operation: str
    summaries: str
    arn: str
    describe: Callable[[Any, dict], dict]


def _training_row(sagemaker: Any, summary: dict) -> dict:
    job = sagemaker.describe_training_job(TrainingJobName=summary["TrainingJobName"])
    resources = job["ResourceConfig"]
    return {
        "job": job["TrainingJobName"],
        "use": "training",
        "instance": resources.get("InstanceType", "a heterogeneous cluster"),
        "count": resources.get("InstanceCount", 1),
        "billable_s": _billable_s(job),
    }


def _billable_s(job: dict) -> float:
    """Return the seconds billed for each instance; for a running job, those up to now."""
    if "BillableTimeInSeconds" in job:
        return job["BillableTimeInSeconds"]
    if "TrainingStartTime" not in job:
        return 0
    end = job.get("TrainingEndTime", datetime.now(timezone.utc))
    return round((end - job["TrainingStartTime"]).total_seconds())


BILLED_KINDS = [
    BilledKind("list_training_jobs", "TrainingJobSummaries", "TrainingJobArn", _training_row),
]


def prices() -> pd.DataFrame:
    """Return the price list: instance_type, use, region, usd_per_hour, checked, source."""
    return pd.read_csv(PRICES_CSV)


def usd_per_hour(instance_type: str, use: str, region: str) -> float | None:
    """Return what one instance costs an hour, or None where the list does not know it.

    use: training, hosting, transform, studio or serverless.
    """
    by_what = prices().set_index(["instance_type", "use", "region"])["usd_per_hour"]
    return by_what.get((instance_type, use, region))


def ledger(session: boto3.Session) -> pd.DataFrame:
    """Return what the maze has run, oldest first: job, use, instance, count, billable_s, usd.

    billable_s: seconds of each instance. usd: of all of them; missing where the price is unknown.
    """
    sagemaker = session.client("sagemaker")
    rows = [row for kind in BILLED_KINDS for row in _rows(sagemaker, kind)]
    priced = [{**row, "usd": _usd(row, session.region_name)} for row in rows]
    return pd.DataFrame(priced, columns=COLUMNS).astype({"usd": "float64"})


def _rows(sagemaker: Any, kind: BilledKind) -> Iterator[dict]:
    pages = sagemaker.get_paginator(kind.list_operation).paginate(
        SortBy="CreationTime", SortOrder="Ascending"
    )
    for page in pages:
        for summary in page[kind.summaries]:
            if is_tagged(sagemaker, summary[kind.arn]):
                yield kind.describe(sagemaker, summary)


def _usd(row: dict, region: str) -> float | None:
    price = usd_per_hour(row["instance"], row["use"], region)
    return None if price is None else price * row["count"] * row["billable_s"] / SECONDS_AN_HOUR


def total_usd(ledger: pd.DataFrame) -> float:
    """Return the sum of the ledger's known costs, in USD."""
    return float(ledger["usd"].sum())


def statement(ledger: pd.DataFrame, mode: str) -> str:
    """Return one sentence on the ledger's total; in local mode, what AWS would have charged."""
    jobs = f"{len(ledger)} job{'' if len(ledger) == 1 else 's'}"
    verb = "cost" if mode == "aws" else "would have cost on AWS"
    unknown = ledger.loc[ledger["usd"].isna(), "instance"].unique()
    exception = (
        f", not counting {', '.join(unknown)}, whose price is unknown" if len(unknown) else ""
    )
    checked = prices()["checked"].max()
    return f"{jobs} {verb} {total_usd(ledger):.4f} USD{exception} (prices of {checked})."
