"""Load tests of real endpoints, with the SDK's predictor; CloudWatch counts what they count."""

import multiprocessing
import sys
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from endpoint_case import EndpointMaker
from sagemaker.session import Session
from sagemaker.sklearn.model import SKLearnPredictor
from training_job import local_session

from maze_helpers import load_plots
from maze_helpers.load_test import closed_loop, endpoint_metrics, open_loop, run_processes
from maze_helpers.local_cloud.errors import MazeError

plt.switch_backend("agg")
# Answers the rows' sums. The first number of all says more: below 0 it fails, and its fraction is
# how long the answer takes, in seconds.
SCRIPT = """
import time

def model_fn(model_dir):
    return None

def predict_fn(data, model):
    if data[0, 0] < 0:
        raise ValueError("negative ink")
    time.sleep(data[0, 0] % 1)
    return data.sum(axis=1)
"""
SERVERLESS = {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 2}}
DIGITS = pd.DataFrame(np.arange(4 * 64).reshape(4, 64))


@pytest.fixture(scope="module")
def session(local_cloud):
    with local_session(local_cloud) as session:
        maker = EndpointMaker(session)
        maker.create("instance", SCRIPT)
        maker.create("serverless", SCRIPT, **SERVERLESS)
        yield session
        maker.delete_all()


@pytest.fixture
def predictor_of(session):
    return lambda name: SKLearnPredictor(name, sagemaker_session=Session(boto_session=session))


def test_a_predictor_is_called_as_it_calls(session, predictor_of):
    predictor = predictor_of("instance")
    assert predictor.predict(DIGITS).tolist() == DIGITS.sum(axis=1).tolist()
    result = closed_loop(predictor, DIGITS, calls=60, at_a_time=6)
    assert result.outcomes.to_dict() == {"ok": 60}
    # One more was made before; the metrics begin with the second in which the test did.
    metrics = endpoint_metrics(session, result)
    assert metrics.period_s == 1
    assert 60 <= metrics.table["Invocations"].sum() <= 61
    model_ms = metrics.table["ModelLatency"].dropna() / 1000
    assert len(model_ms) and (model_ms > 0).all()


def test_a_models_error_is_one(predictor_of):
    result = closed_loop(predictor_of("instance"), DIGITS - 1, calls=5, at_a_time=1)
    assert result.outcomes.to_dict() == {"model error": 5}
    assert result.calls["status"].eq(424).all()
    assert result.calls["detail"].str.contains("server error (500)", regex=False).all()


def test_an_endpoint_that_is_not_there_is_an_error_by_its_code(predictor_of):
    result = closed_loop(predictor_of("nowhere"), DIGITS, calls=2)
    assert result.outcomes.to_dict() == {"other: ValidationError": 2}


def test_throttles_are_seen_and_drawn_beside_cloudwatch(session, predictor_of):
    slow = DIGITS + 0.2
    predictor = predictor_of("serverless")
    predictor.predict(slow)
    result = open_loop(predictor, slow, rate=40, duration_s=1.5)
    counts = result.outcomes.to_dict()
    assert set(counts) == {"ok", "throttled"}
    assert sum(counts.values()) == 60
    # Two at a time, each 0.2 s: not more than 10 a second.
    assert counts["ok"] <= 2 * result.duration_s / 0.2 + 2
    metrics = endpoint_metrics(session, result)
    assert metrics.table["ServerlessConcurrentExecutionsUtilization"].max() == 1
    assert len(load_plots.throughput(result, metrics).axes) == 3


def test_a_url_has_no_metrics(session):
    result = closed_loop("http://127.0.0.1:9/", b"1", calls=1)
    with pytest.raises(MazeError, match="is a URL"):
        endpoint_metrics(session, result)


def test_processes_show_what_the_exercises_snippet_hides(predictor_of):
    predictor = predictor_of("instance")

    def predict(number):
        return len(predictor.predict(DIGITS.iloc[: number % 4 + 1]))

    children = run_processes(predict, 20)
    # Nothing has been called before the fork: each child has a connection of its own.
    assert list(children["value"]) == [number % 4 + 1 for number in range(20)]


def test_the_exercises_snippet_runs_as_it_is(predictor_of, capfd):
    if multiprocessing.get_start_method() != "fork":
        pytest.skip("in a notebook it needs fork, as Linux's Python has it before 3.14")
    predictor, digits_df = predictor_of("instance"), DIGITS.assign(label=0)
    # The exercise's code, but for the number of processes.
    from datetime import datetime
    from multiprocessing import Process

    processes = []

    def predict(i):
        response = predictor.predict(digits_df.iloc[:, :-1])
        now = datetime.now()
        print(f"{now} {response}. Process N {i} has completed.", end="\r")

    for i in range(0, 30):
        p = Process(target=predict, args=[i])
        processes.append(p)
        p.start()

    for p in processes:
        p.join()
    sys.stdout.flush()
    assert Counter(p.exitcode for p in processes) == {0: 30}
    assert capfd.readouterr().out.count("has completed.") == 30
