"""The intents' data set: what its generator makes, and that the test side is new to the model."""

import csv
import importlib.util
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy
import pytest
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer

FOLDER = Path(__file__).parents[1] / "data" / "intents"
SIDES = ("train", "test")


def load_generator():
    spec = importlib.util.spec_from_file_location("intents_generator", FOLDER / "generate.py")
    module = importlib.util.module_from_spec(spec)
    # Where dataclasses look up the module that a class is in.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


generate = load_generator()


def rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def texts(side: str) -> list[str]:
    return [generate.plain(row["text"]) for row in rows(f"{side}.csv")]


def largest_shares(one: list[str], other: list[str], **features) -> numpy.ndarray:
    """Return each text's largest Jaccard index with any of the other texts."""
    counter = CountVectorizer(binary=True, dtype=numpy.int32, **features).fit(one + other)
    first, second = counter.transform(one), counter.transform(other)
    shared: csr_matrix = (first @ second.T).tocoo()
    sizes = [numpy.asarray(matrix.sum(axis=1)).ravel() for matrix in (first, second)]
    shares = shared.data / (sizes[0][shared.row] + sizes[1][shared.col] - shared.data)
    largest = numpy.zeros(len(one))
    numpy.maximum.at(largest, shared.row, shares)
    return largest


def largest_shares_of_words(one: list[str], other: list[str]) -> numpy.ndarray:
    return largest_shares(one, other, token_pattern=r"[a-z0-9]+")


def largest_shares_of_letters(one: list[str], other: list[str]) -> numpy.ndarray:
    padded = [[f" {text} " for text in many] for many in (one, other)]
    return largest_shares(*padded, analyzer="char", ngram_range=(4, 4))


def run_generator(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, folder / "generate.py", *arguments],
        # Another order of sets than in most runs: no row may depend on it.
        env={**os.environ, "PYTHONHASHSEED": "27"},
        capture_output=True,
        text=True,
    )


def test_the_committed_files_are_what_the_generator_makes():
    assert run_generator(FOLDER, "--check").stderr == ""


@pytest.mark.slow
def test_the_check_notices_a_file_that_was_edited_by_hand(tmp_path):
    folder = tmp_path / "intents"
    shutil.copytree(FOLDER, folder)
    with (folder / "test.csv").open("a") as file:
        file.write("an easy one,track_order\n")

    finished = run_generator(folder, "--check")

    assert finished.returncode == 1
    assert finished.stderr == "test.csv is not what its phrases make: run generate.py\n"


def test_there_are_27_intents_each_with_a_meaning():
    described = rows("intents.csv")
    assert len(described) == 27
    assert all(row["meaning"] for row in described)
    for side in SIDES:
        found = {row["intent"] for row in rows(f"{side}.csv")}
        assert found == {row["intent"] for row in described}


def test_every_intent_has_enough_utterances_and_training_has_more_of_some():
    train, test = (Counter(row["intent"] for row in rows(f"{side}.csv")) for side in SIDES)
    assert train.total() > 5_000
    assert (min(train.values()), max(train.values())) == (195, 255)
    assert set(test.values()) == {40}


def test_all_utterances_are_distinct_even_without_case_and_punctuation():
    both = texts("train") + texts("test")
    assert len(set(both)) == len(both)


def test_utterances_are_short_and_long():
    for side in SIDES:
        n_words = sorted(len(text.split()) for text in texts(side))
        assert n_words[0] <= 2
        assert 6 <= n_words[len(n_words) // 2] <= 14
        assert n_words[-1] >= 25


def test_no_template_is_on_both_sides():
    train, test = (
        {generate.plain(template) for many in side.templates.values() for template in many}
        for side in map(generate.read_side, SIDES)
    )
    assert not train & test


def test_no_template_is_written_twice_on_a_side():
    for side in map(generate.read_side, SIDES):
        counts = Counter(
            generate.plain(template) for many in side.templates.values() for template in many
        )
        assert not [template for template, count in counts.items() if count > 1]


def test_no_value_of_the_vocabulary_is_on_both_sides():
    train, test = (
        {value.lower() for values in side.vocabulary.values() for value in values}
        for side in map(generate.read_side, SIDES)
    )
    assert not train & test


def test_both_sides_have_the_same_slots():
    train, test = (generate.read_side(side).vocabulary for side in SIDES)
    assert set(train) == set(test)


def test_no_test_utterance_is_close_to_one_in_training():
    train, test = texts("train"), texts("test")
    assert largest_shares_of_words(test, train).max() < generate.SHARED_WORDS_LIMIT
    assert largest_shares_of_letters(test, train).max() < generate.SHARED_GRAMS_LIMIT


@pytest.mark.parametrize(
    ("planted", "shares", "limit"),
    [
        # Another article in another colour: most words are those of a training utterance.
        (
            "Can I still swap the teapot for one in blue?",
            largest_shares_of_words,
            generate.SHARED_WORDS_LIMIT,
        ),
        # Few whole words are the same, but most runs of four letters are.
        (
            "Couldyou provideus with an officialinvoice forthe washing machine",
            largest_shares_of_letters,
            generate.SHARED_GRAMS_LIMIT,
        ),
    ],
)
def test_a_near_duplicate_in_the_test_set_would_be_noticed(planted, shares, limit):
    train = [
        "i only just moved",
        "can i still swap the mug for one in dark green",
        "could you provide us with an official invoice for the washing machine",
    ]
    assert shares([generate.plain(planted)], train).max() >= limit
    assert generate.Known(train).has_close_to(planted)


def test_the_generator_and_the_sparse_products_measure_the_same():
    train, test = texts("train"), texts("test")[:50]
    index = generate.postings(map(generate.grams, train))
    measured = [generate.nearest_share(generate.grams(text), index) for text in test]
    assert measured == pytest.approx(largest_shares_of_letters(test, train))
