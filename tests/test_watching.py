"""Watching an endpoint: its status and log as they come, and an end that says why."""

import pytest

from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.watching import log_lines, watch_endpoint

# It greets well before it is ready: a busy machine's log is behind its status.
GREETING = """
import time

def model_fn(model_dir):
    print("model_fn: hello", flush=True)
    time.sleep(1)
"""


def test_status_and_log_are_printed_as_they_come(maker, capsys):
    maker.create("watched", GREETING, wait=False)
    seen = watch_endpoint(maker.session, "watched")
    statuses = seen.loc[seen["source"] == "status", "text"].tolist()
    assert statuses[-1] == "InService"
    assert (seen["seconds"] >= 0).all()
    logged = seen.loc[seen["source"] == "log", "text"]
    assert logged.str.contains("model_fn: hello").any()
    printed = capsys.readouterr().out
    assert len(printed.splitlines()) == len(seen)
    assert "model_fn: hello" in printed


def test_an_endpoint_that_is_up_shows_its_log_at_once(maker):
    maker.create("up", GREETING)
    seen = watch_endpoint(maker.session, "up")
    assert seen.loc[seen["source"] == "status", "text"].tolist() == ["InService"]
    assert "model_fn: hello" in log_lines(maker.session, "up")


def test_a_failure_is_one_sentence_with_its_reason(maker):
    maker.create("failing", "raise RuntimeError('no digits today')", wait=False)
    with pytest.raises(MazeError, match="failing failed: The primary container"):
        watch_endpoint(maker.session, "failing")


def test_one_that_is_deleted_meanwhile_is_said_to_be(maker):
    maker.create("brief", GREETING)
    maker.sagemaker.delete_endpoint(EndpointName="brief")
    with pytest.raises(MazeError, match="no endpoint brief, or no more"):
        watch_endpoint(maker.session, "brief")
