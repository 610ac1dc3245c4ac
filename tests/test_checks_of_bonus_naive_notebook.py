"""The check of the naive notebook five ways: blank, wrong, right, different but right, broken."""

import numpy as np
import pytest

from maze_helpers import data
from maze_helpers.checks import Done, NotYet, OurFault, bonus

_, TEST = data.intents()
INTENT_OF = dict(zip(TEST["text"], TEST["intent"], strict=True))


def right(texts):
    return [INTENT_OF[text] for text in texts]


def verdict(predict, folder):
    return bonus.naive_notebook.verdict(predict, folder=folder)


@pytest.fixture
def folder(tmp_path):
    """A folder in which a model is saved."""
    (tmp_path / "intents.pkl").write_bytes(b"model")
    return tmp_path


def test_a_model_that_recognises_intents_and_is_saved_passes(folder):
    passed = verdict(right, folder)
    assert isinstance(passed, Done), passed
    assert "100%" in passed.sentence and "intents.pkl" in passed.sentence


def test_an_array_and_another_format_will_do(tmp_path):
    (tmp_path / "head.pt").write_bytes(b"model")
    passed = verdict(lambda texts: np.array(right(texts), dtype=object), tmp_path)
    assert isinstance(passed, Done), passed
    assert "head.pt" in passed.sentence


def fails(texts):
    raise NameError("name 'tokenizer' is not defined\nand more")


@pytest.mark.parametrize(
    ("predict", "words"),
    [
        (None, "not NoneType"),
        (fails, "NameError: name 'tokenizer' is not defined"),
        (lambda texts: "place_order", "one for each text"),
        (lambda texts: right(texts)[1:], "one for each text"),
        (lambda texts: [0] * len(texts), "'0', which is no intent"),
        (lambda texts: ["place_order"] * len(texts), "4% are recognised"),
    ],
    ids=["blank", "raises", "one answer", "too few", "numbers", "constant"],
)
def test_what_is_missing_is_said_in_a_sentence(predict, words, folder):
    failed = verdict(predict, folder)
    assert isinstance(failed, NotYet), failed
    assert words in failed.sentence
    assert "\n" not in failed.sentence


def test_a_model_has_to_be_saved(tmp_path):
    (tmp_path / "intents.pkl").touch()
    failed = verdict(right, tmp_path)
    assert isinstance(failed, NotYet)
    assert "No model is saved" in failed.sentence


def test_a_folder_that_is_not_there_is_our_fault(tmp_path):
    assert isinstance(verdict(right, tmp_path / "gone"), OurFault)
