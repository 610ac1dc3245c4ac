"""The digits in the repository are scikit-learn's, split once and for all."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

from maze_helpers import data


@pytest.fixture(scope="module")
def split():
    return data.digits()


def test_the_files_hold_scikit_learns_digits_each_once(split):
    ours = np.concatenate([rows.to_numpy() for rows in split])
    theirs = np.column_stack([load_digits().data, load_digits().target])
    assert sorted(map(tuple, ours)) == sorted(map(tuple, theirs))


def test_no_image_is_in_both_files(split):
    train, test = ({tuple(image) for image in rows[data.PIXELS].to_numpy()} for rows in split)
    assert not train & test


def test_the_label_is_last_and_the_pixels_are_in_order(split):
    for rows in split:
        assert list(rows.columns) == [f"pixel_{i}" for i in range(64)] + ["label"]


def test_both_files_know_ten_classes_in_equal_shares(split):
    train, test = (rows["label"].value_counts().sort_index() for rows in split)
    assert list(train.index) == list(test.index) == list(range(10))
    assert (test / (train + test)).between(0.195, 0.21).all()


def test_pixels_are_integers_from_0_to_16(split):
    for rows in split:
        pixels = rows[data.PIXELS]
        assert (pixels.dtypes == "int64").all()
        assert pixels.to_numpy().min() == 0 and pixels.to_numpy().max() == 16


def test_images_are_the_pixels_row_by_row(split):
    _, test = split
    images = data.images(test)
    assert images.shape == (len(test), 8, 8)
    assert images[3, 2, 5] == test["pixel_21"].iloc[3]


def test_the_description_counts_what_is_there():
    assert data.describe() == (
        "1,433 digits to train on and 364 held out: 64 pixels of 0 to 16, "
        "then the label, one of 10."
    )


def test_the_files_are_made_the_same_again(tmp_path):
    data.write_digits(tmp_path)
    for path in (data.TRAIN_CSV, data.TEST_CSV):
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_a_forest_reads_the_held_out_digits_better_than_the_checks_ask(split):
    train, test = split
    model = RandomForestClassifier(n_estimators=100, random_state=0)
    model.fit(train[data.PIXELS], train["label"])
    assert model.score(test[data.PIXELS], test["label"]) > 0.96
