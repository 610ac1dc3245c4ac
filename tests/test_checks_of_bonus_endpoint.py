"""The check of an endpoint that recognises intents: blank, wrong, right, different but right."""

import contextlib

import pytest
from botocore.exceptions import WaiterError
from endpoint_case import INSTANCE

from maze_helpers.checks import Done, NotYet, OurFault, bonus
from maze_helpers.cleanup import delete_endpoint

RIGHT = """
import csv
import io
import json

def model_fn(model_dir):
    return ["place_order", "track_order", "reset_password", "gift_card"]

def input_fn(body, content_type):
    if content_type == "text/csv":
        return [row[0] for row in csv.reader(io.StringIO(body))], 1
    request = json.loads(body)
    return request["text"], request["top_k"]

def predict_fn(request, intents):
    texts, top_k = request
    rows = []
    for text in texts:
        first = sorted(intents, key=lambda intent: intent[-3:] not in text)
        top = [{"intent": i, "score": 0.5 ** (n + 1)} for n, i in enumerate(first)]
        rows.append({**top[0], "top": top[:top_k]})
    return rows

def output_fn(rows, accept):
    if accept == "text/csv":
        return "".join(f"{row['intent']},{row['score']}\\n" for row in rows), accept
    return json.dumps({"predictions": rows}), accept
"""
ALWAYS_ONE = RIGHT.replace("top[:top_k]", "top[:1]")
OTHER_CSV = RIGHT.replace('"".join(f"{row[\'intent\']}', '"".join(f"no_intent')
NO_CSV = RIGHT.replace('accept == "text/csv":', 'accept == "text/csv" and 1 / 0:')
LENIENT = RIGHT.replace(
    "json.loads(body)",
    'json.loads(body) if body.startswith("{") else {"text": ["x"] * 3, "top_k": 3}',
)
# An answer may hold more than what was agreed on.
DIFFERENT = RIGHT.replace('{**top[0], "top"', '{"language": "en", **top[0], "top"')
SCRIPTS = {
    "right": RIGHT,
    "different": DIFFERENT,
    "always-one": ALWAYS_ONE,
    "other-csv": OTHER_CSV,
    "no-csv": NO_CSV,
    "lenient": LENIENT,
    "failed": "raise RuntimeError('no')",
}


def verdict_on(maker, name):
    """Return the check's verdict on an endpoint that runs the script of its name."""
    if name not in SCRIPTS:
        return bonus.endpoint.verdict(maker.session, name)
    one_worker = {"SAGEMAKER_MODEL_SERVER_WORKERS": "1"}
    maker.create(name, SCRIPTS[name], wait=False, environment=one_worker, **INSTANCE)
    with contextlib.suppress(WaiterError):
        maker.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name)
    verdict = bonus.endpoint.verdict(maker.session, name)
    # An account has room for a few instances only.
    delete_endpoint(maker.sagemaker, maker.names.pop())
    return verdict


@pytest.mark.parametrize("name", ["right", pytest.param("different", marks=pytest.mark.slow)])
def test_what_keeps_the_agreement_passes(maker, name):
    verdict = verdict_on(maker, name)
    assert isinstance(verdict, Done), verdict
    assert "place_order" in verdict.sentence


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("never-made", ["no endpoint never-made", "deploy()"]),
        ("always-one", ["top_k 3 gets 1"]),
        pytest.param("failed", ["failed is Failed, not InService"], marks=pytest.mark.slow),
        pytest.param("other-csv", ["CSV", "place_order"], marks=pytest.mark.slow),
        pytest.param("no-csv", ["cannot answer text/csv"], marks=pytest.mark.slow),
        pytest.param("lenient", ["'no JSON at all'", "input_fn"], marks=pytest.mark.slow),
    ],
)
def test_it_says_what_is_missing(maker, name, words):
    verdict = verdict_on(maker, name)
    assert isinstance(verdict, NotYet), verdict
    for word in words:
        assert word in verdict.sentence
    assert "\n" not in verdict.sentence


def test_a_broken_check_does_not_blame_the_participant():
    assert isinstance(bonus.endpoint.verdict(None, "right"), OurFault)
