"""The check of one model behind three kinds of endpoints: blank, wrong, right, different."""

import importlib

import pytest
from endpoint_case import BUCKET, INSTANCE, EndpointMaker
from training_job import local_session

from maze_helpers.checks import Done, NotYet, OurFault, bonus, endpoints

# By its name: the package gives the check the name of its module.
module = importlib.import_module("maze_helpers.checks.bonus.which_endpoint")
SCRIPT = """
import json

def model_fn(model_dir):
    return "place_order"

def input_fn(body, content_type):
    return json.loads(body)["text"]

def predict_fn(text, intent):
    return [{"intent": intent, "score": 1.0, "words": len(text.split())}]

def output_fn(rows, accept):
    return json.dumps({"predictions": rows, "by": "a test"}), accept
"""
OTHER = SCRIPT.replace("place_order", "gift_card")
MUTE = SCRIPT.replace('{"predictions": rows, "by": "a test"}', "rows")
SERVERLESS = {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 2}}
QUEUE = {"InstanceType": "ml.c5.large", "InitialInstanceCount": 1}
RIGHT = {"real-time": "quick", "serverless": "serverless", "asynchronous": "queued"}


@pytest.fixture(scope="module")
def maker(local_cloud):
    """A maker of endpoints on which all that the tests look at have been called."""
    with local_session(local_cloud) as session:
        maker = EndpointMaker(session)
        one_worker = {"SAGEMAKER_MODEL_SERVER_WORKERS": "1"}
        maker.create("quick", SCRIPT, environment=one_worker, wait=False, **INSTANCE)
        maker.create("other", OTHER, environment=one_worker, wait=False, **SERVERLESS)
        maker.create("mute", MUTE, environment=one_worker, wait=False, **SERVERLESS)
        output = {"OutputConfig": {"S3OutputPath": f"s3://{BUCKET}/answers"}}
        also(maker, "serverless", "quick", SERVERLESS)
        also(maker, "queued", "quick", QUEUE, AsyncInferenceConfig=output)
        also(maker, "idle", "quick", SERVERLESS)
        also(maker, "no-answer", "mute", INSTANCE | {"InstanceType": "ml.m5.xlarge"})
        for name in maker.names:
            maker.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name)
        runtime = session.client("sagemaker-runtime")
        maker.s3.put_object(Bucket=BUCKET, Key="question", Body='{"text": "hello"}')
        for _ in range(module.CALLS_NEEDED):
            for name in ("quick", "serverless", "no-answer", "mute"):
                runtime.invoke_endpoint(
                    EndpointName=name, ContentType="application/json", Body='{"text": "hello"}'
                )
            runtime.invoke_endpoint_async(
                EndpointName="queued",
                ContentType="application/json",
                InputLocation=f"s3://{BUCKET}/question",
            )
        yield maker
        maker.delete_all()


def also(maker, name, model, variant, **config):
    """Create an endpoint of a model that another one has."""
    maker.sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[{"VariantName": "mine", "ModelName": model, **variant}],
        **config,
    )
    maker.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    maker.names.append(name)


@pytest.mark.slow
@pytest.mark.parametrize("endpoints", [RIGHT, dict(reversed(RIGHT.items()))])
def test_one_model_behind_three_endpoints_passes(maker, endpoints):
    verdict = bonus.which_endpoint.verdict(maker.session, endpoints)
    assert isinstance(verdict, Done), verdict
    assert "asynchronous 20" in verdict.sentence


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"serverless": "quick"}, "quick is real-time; it was given as serverless"),
        ({"serverless": "other"}, "They serve different models (other, quick)"),
        ({"serverless": "idle"}, "has counted 1 calls of idle"),
        ({"asynchronous": "serverless"}, "serverless is serverless; it was given as asynchronous"),
        ({"asynchronous": "never-made"}, "no endpoint never-made"),
        ({"real-time": "no-answer", "serverless": "mute", "asynchronous": "queued"}, "different"),
    ],
)
def test_it_says_what_is_missing(maker, changes, words, monkeypatch):
    monkeypatch.setattr(endpoints, "BEHIND_LOCALLY_S", 1.0)
    verdict = bonus.which_endpoint.verdict(maker.session, RIGHT | changes)
    assert isinstance(verdict, NotYet), verdict
    assert words in verdict.sentence
    assert "\n" not in verdict.sentence


def test_an_endpoint_that_is_not_named_is_missing(local_cloud):
    with local_session(local_cloud) as session:
        verdict = bonus.which_endpoint.verdict(session, {"real-time": "quick"})
        assert isinstance(verdict, NotYet) and "for serverless" in verdict.sentence
        blank = dict.fromkeys(RIGHT, "never-made")
        verdict = bonus.which_endpoint.verdict(session, blank)
        assert isinstance(verdict, NotYet) and "no endpoint never-made" in verdict.sentence


def test_a_broken_check_does_not_blame_the_participant():
    assert isinstance(bonus.which_endpoint.verdict(None, RIGHT), OurFault)
