"""What notebook instances bill, and that the clean-up leaves nothing of the maze's."""

import time
from datetime import datetime, timedelta, timezone

import pandas as pd
import pytest
from notebook_instances import FAILS, GROUP, Notebooks
from training_job import local_session

from maze_helpers import cleanup, cost, run_cleanup
from maze_helpers.endpoint_bills import UNKNOWN
from maze_helpers.notebook_bills import notebook_rows
from maze_helpers.notebook_instances import delete_notebook_instance
from maze_helpers.tags import RUN_KEY, TAGS

RUNNING = "[I ServerApp] Jupyter Server 2.21.1 is running at:"
STOPPED = "[C ServerApp] received signal 15, stopping"
NOON = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(hours=6)


@pytest.fixture
def notebooks(local_cloud, monkeypatch):
    for name, value in local_cloud.env.items():
        monkeypatch.setenv(name, value)
    with local_session(local_cloud) as session:
        notebooks = Notebooks(local_cloud)
        notebooks.session = session
        yield notebooks
        for one in notebooks.sagemaker.list_notebook_instances()["NotebookInstances"]:
            delete_notebook_instance(notebooks.sagemaker, one["NotebookInstanceName"])


def write_log(notebooks, name: str, *lines: tuple[float, str]) -> None:
    """Write the log of a notebook instance's Jupyter: minutes after noon, and what it said."""
    stream = {"logGroupName": GROUP, "logStreamName": f"{name}/jupyter.log"}
    notebooks.logs.create_log_group(logGroupName=GROUP)
    notebooks.logs.create_log_stream(**stream)
    events = [
        {"timestamp": int((NOON + timedelta(minutes=minute)).timestamp() * 1000), "message": line}
        for minute, line in lines
    ]
    notebooks.logs.put_log_events(**stream, logEvents=events)


def rows(notebooks) -> dict[str, dict]:
    return {row["job"]: row for row in notebook_rows(notebooks.session)}


def test_each_run_counts_from_the_line_of_its_start_to_that_of_its_stop(notebooks):
    name = notebooks.failed(NotebookInstanceName="maze-two-runs", Tags=TAGS)
    write_log(
        notebooks,
        name,
        (0, "Serving notebooks"),
        (1, RUNNING),
        (11, STOPPED),
        (11.1, "Shutting down 1 kernel"),
        (60, RUNNING),
        (80, STOPPED),
    )
    row = rows(notebooks)[name]
    assert (row["use"], row["instance"], row["billable_s"]) == ("notebook", "ml.t3.medium", 1800)
    ledger = cost.ledger(notebooks.session)
    # documented: AWS's price list, 0.05 USD an hour.
    assert ledger["usd"].sum() == pytest.approx(0.025)
    assert cost.statement(ledger, "aws").startswith("1 notebook instance cost 0.0250 USD")
    notebooks.logs.delete_log_group(logGroupName=GROUP)


@pytest.mark.slow
def test_a_run_whose_stop_left_no_line_counts_to_its_last_that_is_surely_its(notebooks):
    write_log(
        notebooks,
        "maze-killed",
        (0, RUNNING),
        (5, "Kernel started"),
        (299, "Extension package jupyterlab took 1 s to import"),
        (300, RUNNING),
        (302, "Kernel started"),
    )
    row = rows(notebooks)["maze-killed"]
    assert row["billable_s"] == (5 + 2) * 60
    # It is gone: nothing tells what it was.
    assert row["instance"] == UNKNOWN
    assert pd.isna(cost.ledger(notebooks.session).iloc[0]["usd"])
    notebooks.logs.delete_log_group(logGroupName=GROUP)


def test_the_clean_up_takes_the_mazes_and_leaves_what_is_not(notebooks):
    notebooks.failed(NotebookInstanceName="theirs")
    config = notebooks.config(FAILS, NotebookInstanceLifecycleConfigName="ours", Tags=TAGS)
    notebooks.create(NotebookInstanceName="maze-ours", LifecycleConfigName=config, Tags=TAGS)
    listed = cleanup.clean(notebooks.session)
    assert listed.head(2).to_dict("records") == [
        {"kind": "notebook instance", "name": "maze-ours", "action": "delete"},
        {"kind": "lifecycle configuration", "name": "ours", "action": "delete"},
    ]
    cleanup.clean(notebooks.session, dry_run=False)
    assert cleanup.clean(notebooks.session).empty
    left = notebooks.sagemaker.list_notebook_instances()["NotebookInstances"]
    assert [one["NotebookInstanceName"] for one in left] == ["theirs"]


@pytest.mark.slow
def test_a_run_ends_its_own_notebook_instances_alone(notebooks):
    mine = [*TAGS, {"Key": RUN_KEY, "Value": "r1"}]
    notebooks.create(FAILS, NotebookInstanceName="of-the-run", Tags=mine)
    notebooks.failed(NotebookInstanceName="of-another", Tags=TAGS)
    said = run_cleanup.end_leftovers("r1", "local")
    assert said == ["The notebook instance of-the-run was still there: it is deleted now."]
    assert run_cleanup.end_leftovers("r1", "local") == []


@pytest.mark.slow
def test_one_in_service_bills_up_to_now_and_all_its_runs_and_is_cleaned_up(notebooks):
    name = notebooks.create(NotebookInstanceName="maze-real", Tags=TAGS)
    began = notebooks.settled(name)["LastModifiedTime"]
    time.sleep(1)  # it may have been up for less than a second, which bills as none
    notebooks.stop(name)
    first_s = rows(notebooks)[name]["billable_s"]
    assert 1 <= first_s <= (datetime.now(timezone.utc) - began).total_seconds() + 2
    since = notebooks.start(name)["LastModifiedTime"]
    now_s = (datetime.now(timezone.utc) - since).total_seconds()
    assert rows(notebooks)[name]["billable_s"] >= first_s + now_s - 1
    listed = cleanup.clean(notebooks.session, dry_run=False)
    assert list(listed["kind"]) == ["notebook instance", "log streams"]
    assert rows(notebooks) == {}
