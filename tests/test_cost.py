"""The ledger counts what the maze ran, by AWS's prices; what it does not know is not free."""

import math
from datetime import date, datetime, timedelta, timezone

import botocore.session
import pandas as pd
import pytest
from processor import Processing
from training_job import local_session, start_job, wait_for_job
from transforms import ECHO, Transforms

from maze_helpers import cost
from maze_helpers.tags import TAGS

BUCKET = "ledger"
# The operation that takes each kind of use names its instance types.
INSTANCE_TYPES = {
    "training": "TrainingInstanceType",
    "hosting": "ProductionVariantInstanceType",
    "transform": "TransformInstanceType",
    "processing": "ProcessingInstanceType",
    "studio": "AppInstanceType",
    "notebook": "InstanceType",
}


@pytest.mark.parametrize("use", INSTANCE_TYPES)
def test_the_list_prices_only_what_aws_offers_for_the_use(use):
    # documented: botocore's model of SageMaker.
    model = botocore.session.get_session().get_service_model("sagemaker")
    prices = cost.prices()
    types = set(prices.loc[prices["use"] == use, "instance_type"])
    assert types and types <= set(model.shape_for(INSTANCE_TYPES[use]).enum)


def test_every_price_says_when_and_where_it_was_read():
    prices = cost.prices()
    assert prices.notna().all(axis=None)
    assert not prices.duplicated(["instance_type", "use", "region"]).any()
    assert (prices["usd_per_hour"] > 0).all()
    assert all(date.fromisoformat(day) for day in prices["checked"])
    assert all(url.startswith("https://aws.amazon.com/") for url in prices["source"])


def test_a_price_is_found_by_instance_use_and_region():
    # documented: AWS's price list, USE1-Train:ml.m5.large.
    assert cost.usd_per_hour("ml.m5.large", "training", "us-east-1") == 0.115


@pytest.mark.parametrize(
    ("instance", "use", "region"),
    [
        ("ml.c5.large", "training", "us-east-1"),  # for hosting only
        ("ml.x9.large", "training", "us-east-1"),
        ("ml.m5.large", "training", "eu-central-1"),
    ],
)
def test_an_unknown_price_is_none_and_not_nothing(instance, use, region):
    assert cost.usd_per_hour(instance, use, region) is None


def test_serverless_is_priced_by_its_memory():
    prices = [
        cost.usd_per_hour(f"serverless-{mb}MB", "serverless", "us-east-1") for mb in (1024, 3072)
    ]
    # documented: AWS's price list, USE1-ServerlessInf:Mem-3GB, 0.00006 USD a second.
    assert prices[1] == pytest.approx(3 * prices[0]) == pytest.approx(0.00006 * 3600)


@pytest.fixture(scope="module")
def session(local_cloud):
    """A session of a cloud with two tagged jobs, one on an unpriced instance, and another's job."""
    with local_session(local_cloud) as session:
        session.client("s3").create_bucket(Bucket=BUCKET)
        odd = {"InstanceType": "ml.m6i.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
        start_job(session, "ours", "import time; time.sleep(1.2)", BUCKET, Tags=TAGS)
        wait_for_job(session, "ours")
        start_job(session, "theirs", "", BUCKET, Tags=[{"Key": "team", "Value": "other"}])
        start_job(session, "unpriced", "", BUCKET, Tags=TAGS, ResourceConfig=odd)
        for name in ("theirs", "unpriced"):
            wait_for_job(session, name)
        yield session


def test_the_ledger_holds_the_mazes_jobs_oldest_first(session):
    ledger = cost.ledger(session)
    assert list(ledger.columns) == ["job", "use", "instance", "count", "billable_s", "usd"]
    assert list(ledger["job"]) == ["ours", "unpriced"]


def test_a_job_costs_its_billable_seconds_at_the_hourly_price(session):
    row = cost.ledger(session).iloc[0]
    job = session.client("sagemaker").describe_training_job(TrainingJobName="ours")
    assert row["billable_s"] == job["BillableTimeInSeconds"] >= 1
    assert row["usd"] == pytest.approx(0.115 * row["billable_s"] / 3600)


def test_an_instance_without_a_price_has_no_cost_rather_than_none(session):
    ledger = cost.ledger(session).set_index("job")
    assert pd.isna(ledger.loc["unpriced", "usd"])
    assert cost.total_usd(ledger) == ledger.loc["ours", "usd"]


def test_the_statement_says_whether_aws_charged(session):
    ledger = cost.ledger(session)
    local, aws = (cost.statement(ledger, mode) for mode in ("local", "aws"))
    assert local.startswith("2 jobs would have cost on AWS 0.00")
    assert aws.startswith("2 jobs cost 0.00")
    assert "not counting ml.m6i.large, whose price is unknown" in local


def test_an_empty_ledger_costs_nothing(new_cloud):
    with local_session(new_cloud) as session:
        ledger = cost.ledger(session)
    assert ledger.empty and cost.total_usd(ledger) == 0
    assert cost.statement(ledger, "local").startswith("0 jobs would have cost on AWS 0.0000 USD")


def test_several_instances_cost_as_many_times_as_much():
    row = {"instance": "ml.m5.large", "use": "training", "count": 3, "billable_s": 3600}
    assert cost._usd(row, "us-east-1") == pytest.approx(3 * 0.115)


def test_a_transform_job_costs_all_its_instances_from_its_start_to_its_end(new_cloud):
    transforms = Transforms(new_cloud)
    two = {"InstanceType": "ml.m5.large", "InstanceCount": 2}
    settings = {"TransformResources": two, "Tags": TAGS}
    model = transforms.scripted(ECHO)
    job = transforms.run_job(model, TransformJobName="ours", **settings)
    transforms.run_job(model, TransformJobName="theirs")
    unstarted = {"TransformOutput": {"S3OutputPath": "s3://no-such-bucket-anywhere/out"}}
    transforms.run_job(model, TransformJobName="unstarted", **settings, **unstarted)
    with local_session(new_cloud) as session:
        ledger = cost.ledger(session)
    assert list(ledger["job"]) == ["ours", "unstarted"]
    ours, unstarted = ledger.to_dict("records")
    seconds = (job["TransformEndTime"] - job["TransformStartTime"]).total_seconds()
    assert (ours["use"], ours["instance"], ours["count"]) == ("transform", "ml.m5.large", 2)
    assert ours["billable_s"] == math.ceil(seconds) >= 1
    # documented: AWS's price list, USE1-Tsform:ml.m5.large.
    assert ours["usd"] == pytest.approx(2 * 0.115 * ours["billable_s"] / 3600)
    assert (unstarted["billable_s"], unstarted["usd"]) == (0, 0)
    assert cost.statement(ledger, "local").startswith("2 jobs would have cost on AWS 0.0")


def test_a_processing_job_costs_all_its_instances_from_its_start_to_its_end(new_cloud):
    processing = Processing(new_cloud)
    job = processing.run("print('ran')", ProcessingJobName="ours", count=2, Tags=TAGS)
    with local_session(new_cloud) as session:
        [row] = cost.ledger(session).to_dict("records")
    seconds = (job["ProcessingEndTime"] - job["ProcessingStartTime"]).total_seconds()
    assert (row["job"], row["use"], row["count"]) == ("ours", "processing", 2)
    assert row["billable_s"] == math.ceil(seconds) >= 1
    # documented: AWS's price list, USE1-Processing:ml.m5.large.
    assert row["usd"] == pytest.approx(2 * 0.115 * row["billable_s"] / 3600)


def test_a_running_job_is_billed_up_to_now():
    start = datetime.now(timezone.utc) - timedelta(seconds=90)
    assert cost._billable_s({"TrainingStartTime": start}) == pytest.approx(90, abs=2)
    assert cost._billable_s({}) == 0
