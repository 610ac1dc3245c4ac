"""The ledger counts endpoints: those that are there, and those that are gone."""

import time
from datetime import datetime, timezone

import boto3
import pandas as pd
import pytest

from maze_helpers import cost, plots
from maze_helpers.endpoint_bills import UNKNOWN
from maze_helpers.tags import TAGS

SCRIPT = """
import time
def model_fn(model_dir):
    print("loading", flush=True)
def input_fn(body, content_type):
    return body
def predict_fn(body, model):
    time.sleep(0.25)
    return "done"
def output_fn(answer, accept):
    return answer
"""
SERVERLESS = {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 2}}


def rows(maker, name: str) -> pd.DataFrame:
    """Return the ledger's rows of one endpoint."""
    ledger = cost.ledger(maker.session)
    return ledger[ledger["job"] == name]


def delete(maker, name: str) -> None:
    maker.sagemaker.delete_endpoint(EndpointName=name)
    maker.sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=name)


def test_an_endpoint_bills_each_instance_from_its_creation_on(maker):
    two = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 2}
    maker.create("living", SCRIPT, tags=TAGS, **two)
    created = maker.sagemaker.describe_endpoint(EndpointName="living")["CreationTime"]
    least_s = (datetime.now(timezone.utc) - created).total_seconds()
    (row,) = rows(maker, "living").to_dict("records")
    most_s = (datetime.now(timezone.utc) - created).total_seconds()
    assert (row["use"], row["instance"], row["count"]) == ("hosting", "ml.m5.large", 2)
    assert least_s - 1 <= row["billable_s"] <= most_s + 1
    assert row["usd"] == pytest.approx(2 * 0.115 * row["billable_s"] / 3600)
    delete(maker, "living")


def test_one_that_is_gone_is_known_by_its_configuration_and_log(maker):
    maker.create("gone", SCRIPT, tags=TAGS)
    created = maker.sagemaker.describe_endpoint(EndpointName="gone")["CreationTime"]
    runtime = maker.session.client("sagemaker-runtime")
    # Every invocation leaves a line: that of the last one is behind a whole second.
    while (datetime.now(timezone.utc) - created).total_seconds() < 2:
        runtime.invoke_endpoint(EndpointName="gone", Body=b"?")
    delete(maker, "gone")
    lived_s = (datetime.now(timezone.utc) - created).total_seconds()
    (row,) = rows(maker, "gone").to_dict("records")
    assert (row["use"], row["instance"], row["count"]) == ("hosting", "ml.m5.large", 1)
    assert 1 <= row["billable_s"] <= lived_s + 1
    assert rows(maker, "gone").to_dict("records") == [row]  # its end is its end
    maker.sagemaker.delete_endpoint_config(EndpointConfigName="gone")
    assert rows(maker, "gone").empty


def test_only_the_mazes_endpoints_are_counted(maker):
    maker.create("theirs", SCRIPT)
    assert rows(maker, "theirs").empty
    delete(maker, "theirs")
    assert rows(maker, "theirs").empty


@pytest.mark.parametrize("operation", ["ListEndpoints", "ListTags", "DescribeEndpoint"])
def test_an_endpoint_that_goes_while_it_is_looked_at_hinders_nothing(maker, operation):
    name = f"brief-{operation.lower()}"
    maker.create(name, SCRIPT, tags=TAGS)

    def go(**_):
        if maker.sagemaker.list_endpoints(NameContains=name)["Endpoints"]:
            delete(maker, name)
            maker.sagemaker.delete_endpoint_config(EndpointConfigName=name)

    session = boto3.Session()
    session.events.register(f"after-call.sagemaker.{operation}", go)
    cost.ledger(session)
    assert rows(maker, name).empty


def test_a_configuration_that_nothing_was_made_of_costs_nothing(maker):
    maker.sagemaker.create_endpoint_config(
        EndpointConfigName="unused",
        ProductionVariants=[
            {
                "VariantName": "a",
                "ModelName": "living",
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 1,
            }
        ],
        Tags=TAGS,
    )
    assert rows(maker, "unused").empty


def test_an_endpoint_without_its_configuration_has_no_known_cost(maker):
    maker.create("forgotten", SCRIPT, tags=TAGS)
    maker.sagemaker.delete_endpoint_config(EndpointConfigName="forgotten")
    (row,) = rows(maker, "forgotten").to_dict("records")
    assert (row["instance"], row["count"]) == (UNKNOWN, 1)
    assert pd.isna(row["usd"])
    delete(maker, "forgotten")


def test_a_serverless_endpoint_bills_the_time_of_its_requests_also_when_it_is_gone(maker):
    maker.create("serverless", SCRIPT, tags=TAGS, **SERVERLESS)
    runtime = maker.session.client("sagemaker-runtime")
    for _ in range(2):
        runtime.invoke_endpoint(EndpointName="serverless", Body=b"?")
    deadline_s = time.monotonic() + 30
    while (row := rows(maker, "serverless").iloc[0])["billable_s"] < 0.5:
        assert time.monotonic() < deadline_s, row
    assert (row["use"], row["instance"], row["count"]) == ("serverless", "serverless-1024MB", 1)
    assert row["billable_s"] < 5
    assert row["usd"] == pytest.approx(row["billable_s"] * 0.00002)
    delete(maker, "serverless")
    assert rows(maker, "serverless").iloc[0].equals(row)


def made(*uses: tuple[str, str]) -> pd.DataFrame:
    """Return a ledger with a row of each name and use."""
    return pd.DataFrame(
        [[name, use, "ml.m5.large", 1, 60, 0.01] for name, use in uses], columns=cost.COLUMNS
    )


@pytest.mark.parametrize(
    ("ledger", "counted"),
    [
        (made(("a", "training"), ("b", "hosting")), "1 job and 1 endpoint would"),
        (made(("b", "hosting"), ("b", "hosting"), ("c", "serverless")), "2 endpoints would"),
        (made(("a", "training"), ("b", "training")), "2 jobs would"),
    ],
)
def test_the_statement_says_what_was_run(ledger, counted):
    assert cost.statement(ledger, "local").startswith(f"{counted} have cost on AWS 0.0")


def test_the_variants_of_an_endpoint_have_a_bar_each():
    (axes,) = plots.cost(made(("b", "hosting"), ("b", "hosting")), "title").axes
    assert [text.get_text() for text in axes.texts] == ["1 ¢", "1 ¢"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["b", "b"]
