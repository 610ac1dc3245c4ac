"""The benchmark of the intent classifier reads a training's log and compares two texts' words."""

import pytest

from bench.intents import new_words_share, result_of
from maze_helpers import data

LOG = [
    (1.0, "device=cpu precision=fp32 processes=1\n"),
    (9.0, "epoch=1 train:loss=2 tokens_per_s=300 validation:loss=0.9 validation:accuracy=0.8\n"),
    (17.0, "epoch=2 train:loss=1 tokens_per_s=340 validation:loss=0.5 validation:accuracy=0.9\n"),
    (25.0, "epoch=3 train:loss=1 tokens_per_s=320 validation:loss=0.6 validation:accuracy=0.9\n"),
    (26.0, "test:f1:gift_card=0.7500 2 taken for discount_code\n"),
    (26.0, "test:f1:track_order=1.0000\n"),
    (26.0, "test:accuracy=0.8800 test:f1=0.8750\n"),
]


def test_a_training_is_timed_until_the_epoch_that_it_keeps():
    assert result_of(LOG).seconds == 17.0


def test_the_figures_of_a_training_are_read_from_its_log():
    result = result_of(LOG)
    assert (result.accuracy, result.macro_f1, result.tokens_per_s) == (0.88, 0.875, 320)
    assert result.f1 == {"gift_card": 0.75, "track_order": 1.0}


def test_words_count_as_new_that_no_training_text_holds():
    train = ["where is my Parcel"]
    test = ["my package is late", "package or parcel", "a late parcel", "a pacel"]
    assert new_words_share(train, test) == pytest.approx(2 / 3)


def test_a_sixth_of_the_test_sets_content_words_is_new():
    train, test = data.intents()
    assert new_words_share(train["text"], test["text"]) > 1 / 6
