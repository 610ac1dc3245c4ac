"""The checks of chapter 2 call real endpoints: blank, wrong, right, different but right."""

import io
from itertools import cycle

import boto3
import joblib
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import WaiterError
from endpoint_case import EndpointMaker
from sklearn.ensemble import RandomForestClassifier
from training_job import local_session

from maze_helpers import data
from maze_helpers.checks import Done, NotYet, OurFault, chapter_2

LOAD = """
import os
import joblib

def model_fn(model_dir):
    return joblib.load(os.path.join(model_dir, "model.joblib"))
"""
# Takes JSON alone, and answers with objects of its own.
DIFFERENT = (
    LOAD
    + """
import json
import numpy as np

def input_fn(body, content_type):
    if content_type != "application/json":
        raise ValueError("JSON, please")
    return np.array(json.loads(body))

def output_fn(predicted, accept):
    rows = [{"confidence": 1.0, "digit": str(digit)} for digit in predicted]
    return json.dumps({"answers": rows}), "application/json"
"""
)
GUESSING = LOAD + "\ndef predict_fn(pixels, model):\n    return pixels[:, 0] * 0 + 7\n"
MUTE = LOAD + "\ndef output_fn(predicted, accept):\n    return 'fine', 'text/plain'\n"
REFUSING = LOAD + "\ndef input_fn(body, content_type):\n    raise ValueError('not today')\n"
# Of two types, as an account may have few of each.
INSTANCES = [
    {"InstanceType": name, "InitialInstanceCount": 1} for name in ("ml.m5.large", "ml.c5.large")
]
SERVERLESS = {"MemorySizeInMB": 1024, "MaxConcurrency": 2}
SERVED = {"right": LOAD, "different": DIFFERENT, "guessing": GUESSING, "mute": MUTE}
SERVED["refusing"] = REFUSING


def forest() -> bytes:
    train, _ = data.digits()
    model = RandomForestClassifier(40, random_state=0)
    model.fit(train[data.PIXELS].to_numpy(), train[data.LABEL])
    content = io.BytesIO()
    joblib.dump(model, content)
    return content.getvalue()


@pytest.fixture(scope="module")
def maker(local_cloud):
    """A maker of endpoints on which all that the tests look at are in service."""
    with local_session(local_cloud) as session:
        maker = EndpointMaker(session)
        model = {"model.joblib": forest()}
        one_worker = {"SAGEMAKER_MODEL_SERVER_WORKERS": "1"}
        for (name, script), variant in zip(SERVED.items(), cycle(INSTANCES), strict=False):
            settings = {"environment": one_worker, **variant}
            maker.create(name, script, model, wait=False, **settings)
        for name, memory_mb in {"serverless": 1024, "roomy": 2048}.items():
            config = SERVERLESS | {"MemorySizeInMB": memory_mb}
            maker.create(name, LOAD, model, wait=False, ServerlessConfig=config)
        maker.create("failed", "raise RuntimeError('no')", model, wait=False, **INSTANCES[1])
        for name in [*SERVED, "serverless", "roomy"]:
            maker.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name)
        with pytest.raises(WaiterError, match="Failed"):
            maker.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="failed")
        yield maker
        maker.delete_all()


def test_one_that_refuses_calls_is_busy_and_the_check_not_broken(maker):
    busy = boto3.Session()
    busy.events.register("before-call.sagemaker-runtime.InvokeEndpoint", throttled)
    verdict = chapter_2.task_1.verdict(busy, "right")
    assert_failed(verdict, "right is busy", "check again")


def throttled(**_):
    answer = {"Error": {"Code": "ThrottlingException"}}
    return AWSResponse("", 400, {}, None), answer


def assert_failed(verdict, *words: str):
    assert isinstance(verdict, NotYet), verdict
    for word in words:
        assert word in verdict.sentence
    assert "\n" not in verdict.sentence


@pytest.mark.parametrize("name", ["right", "different"])
def test_task_1_passes_what_is_right(maker, name):
    verdict = chapter_2.task_1.verdict(maker.session, name)
    assert isinstance(verdict, Done), verdict
    assert "answers on 1 ml." in verdict.sentence


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("never-made", ["no endpoint never-made", "deploy()"]),
        ("failed", ["failed is Failed, not InService", "ping health check"]),
        ("serverless", ["serverless", "ml.m5.large"]),
        ("guessing", ["of 364 held-out digits", "chapter 1"]),
        ("mute", ["not with JSON"]),
        ("refusing", ["neither as npy nor as CSV or JSON"]),
    ],
)
def test_task_1_says_what_is_missing(maker, name, words):
    assert_failed(chapter_2.task_1.verdict(maker.session, name), *words)


def test_task_2_passes_after_a_load_test_only(maker):
    assert_failed(
        chapter_2.task_2.verdict(maker.session, "serverless"), "CloudWatch has counted", "100"
    )
    runtime = maker.session.client("sagemaker-runtime")
    for _ in range(chapter_2.CALLS_NEEDED):
        runtime.invoke_endpoint(
            EndpointName="serverless",
            ContentType="text/csv",
            Body="0," * 63 + "0\n" + "1," * 63 + "1",
        )
    verdict = chapter_2.task_2.verdict(maker.session, "serverless")
    assert isinstance(verdict, Done), verdict
    assert "1024 MB" in verdict.sentence


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("never-made", ["no endpoint never-made"]),
        ("right", ["runs on an instance", "ServerlessInferenceConfig"]),
        ("roomy", ["2048 MB", "memory_size_in_mb=1024"]),
    ],
)
def test_task_2_says_what_is_missing(maker, name, words):
    assert_failed(chapter_2.task_2.verdict(maker.session, name), *words)


@pytest.mark.parametrize("check", [chapter_2.task_1, chapter_2.task_2])
def test_a_broken_check_does_not_blame_the_participant(check):
    assert isinstance(check.verdict(None, "right"), OurFault)
