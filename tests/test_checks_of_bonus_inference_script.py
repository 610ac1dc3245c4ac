"""The check of an archive in S3 and of an answer: blank, wrong, right, different but right."""

import json

import pytest
from endpoint_case import archive
from training_job import local_session

from maze_helpers.checks import Done, NotYet, OurFault, bonus

HANDLERS = """
import json

def model_fn(model_dir):
    return model_dir

def input_fn(body, content_type):
    return json.loads(body)

def predict_fn(request, model):
    return [{"intent": "place_order", "score": 0.9}]

def output_fn(predictions, accept):
    return json.dumps({"predictions": predictions}), accept
"""
TOP = [{"intent": "place_order", "score": 0.9}, {"intent": "gift_card", "score": 0.1}]
ANSWER = json.dumps({"predictions": [{**TOP[0], "top": TOP}]})
MODEL = {"weights.pth": b"nothing"}
ARCHIVES = {
    "right": archive({**MODEL, "code/inference.py": HANDLERS}),
    "dotted": archive(
        {f"./{name}": MODEL[name] for name in MODEL} | {"./code/inference.py": HANDLERS}
    ),
    "imported": archive(
        {
            **MODEL,
            "code/inference.py": "from own import input_fn, model_fn, output_fn, predict_fn\n",
            "code/own.py": HANDLERS,
        }
    ),
    "folder": archive({"model_dir/weights.pth": b"", "model_dir/code/inference.py": HANDLERS}),
    "no-code": archive(MODEL),
    "three": archive({**MODEL, "code/inference.py": HANDLERS.replace("predict_fn", "predict")}),
    "typo": archive({**MODEL, "code/inference.py": HANDLERS, "code/requirements.txt": "numpy=2"}),
    "text": b"no archive",
}


@pytest.fixture(scope="module")
def session(local_cloud):
    """A session of a cloud whose bucket has an archive of each kind."""
    with local_session(local_cloud) as session:
        s3 = session.client("s3")
        s3.create_bucket(Bucket="packed")
        for name, content in ARCHIVES.items():
            s3.put_object(Bucket="packed", Key=f"{name}/model.tar.gz", Body=content)
        yield session


def verdict(session, name, answer=ANSWER):
    return bonus.inference_script.verdict(session, f"s3://packed/{name}/model.tar.gz", answer)


@pytest.mark.parametrize("name", ["right", "dotted", "imported"])
@pytest.mark.parametrize(
    "answer",
    [
        ANSWER,
        ANSWER.encode(),
        (ANSWER, "application/json"),
        json.loads(ANSWER),
        {"predictions": [{"intent": "gift_card", "score": 1}]},
    ],
)
def test_what_is_right_passes_however_the_answer_is_kept(session, name, answer):
    given = verdict(session, name, answer)
    assert isinstance(given, Done), given


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("never-made", ["There is no s3://packed/never-made", "aws s3 cp"]),
        ("folder", ["model_dir/", "tar -czf"]),
        ("no-code", ["inference.py"]),
        ("three", ["predict_fn"]),
        ("typo", ["numpy=2", "numpy=="]),
        ("text", ["tar.gz"]),
    ],
)
def test_it_says_what_an_archive_lacks(session, name, words):
    assert_failed(verdict(session, name), *words)


def test_a_path_is_no_place_in_s3(session):
    given = bonus.inference_script.verdict(session, "model.tar.gz", ANSWER)
    assert_failed(given, "s3://bucket")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, ["no list of predictions"]),
        ("", ["no JSON"]),
        ("place_order,0.9\n", ["no JSON"]),
        ("[]", ["no list of predictions"]),
        ('{"predictions": []}', ["no list of predictions"]),
        ('{"predictions": ["place_order"]}', ["names no intent"]),
        ('{"predictions": [{"intent": "place_order"}]}', ["score of place_order is None"]),
        ('{"predictions": [{"intent": "place_order", "score": 97}]}', ["97, not between 0 and 1"]),
        (json.dumps({"predictions": [{**TOP[0], "top": None}]}), ["no list of intents: None"]),
        (json.dumps({"predictions": [{**TOP[0], "top": TOP[::-1]}]}), ["not in the order"]),
    ],
)
def test_it_says_what_an_answer_lacks(session, answer, words):
    assert_failed(verdict(session, "right", answer), *words)


def test_a_broken_check_does_not_blame_the_participant(session):
    assert isinstance(verdict(None, "right"), OurFault)


def assert_failed(given, *words):
    assert isinstance(given, NotYet), given
    for word in words:
        assert word in given.sentence
    assert "\n" not in given.sentence
