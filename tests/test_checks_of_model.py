"""Judging a digits model: what it learned from, what it tells apart, and how it was saved."""

import io
import tarfile
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from maze_helpers import data
from maze_helpers.checks import Missing
from maze_helpers.checks.model import find_models, is_forest, judge_model, kind_of, load_artifact

TRAIN, TEST = data.digits()


def assert_told(missing: Missing, *words: str):
    for word in words:
        assert word in str(missing)
    # One sentence: a notebook shows it in place of a traceback.
    assert "\n" not in str(missing)
    assert not str(missing).endswith("..")


def forest(rows, features=None, label=None, trees=40):
    """Return a forest that learned the rows, by the label unless told otherwise."""
    features = rows[data.PIXELS] if features is None else features
    return RandomForestClassifier(trees, random_state=0).fit(
        features.to_numpy(), rows[data.LABEL] if label is None else label
    )


@pytest.mark.parametrize(
    "model",
    [
        forest(TRAIN),
        RandomForestClassifier(40, random_state=0).fit(TRAIN[data.PIXELS], TRAIN[data.LABEL]),
        RandomForestClassifier(40, random_state=0).fit(
            TRAIN[data.PIXELS].set_axis(range(64), axis=1).rename(columns=str), TRAIN[data.LABEL]
        ),
        forest(TRAIN, label=TRAIN[data.LABEL].astype(float)),
        forest(TRAIN, label=TRAIN[data.LABEL].astype(str)),
        make_pipeline(StandardScaler(), KNeighborsClassifier()).fit(
            TRAIN[data.PIXELS], TRAIN[data.LABEL]
        ),
    ],
    ids=["array", "frame", "other names", "floats", "strings", "pipeline"],
)
def test_a_model_that_reads_digits_passes(model, recwarn):
    assert "ten digits" in judge_model(model)
    assert not recwarn.list


@pytest.mark.parametrize("scale", [16, None], ids=["shares", "standardised"])
def test_a_model_that_knows_scaled_pixels_passes(scale):
    pixels = TRAIN[data.PIXELS]
    pixels = pixels / scale if scale else StandardScaler().fit_transform(pixels)
    model = KNeighborsClassifier().fit(np.asarray(pixels), TRAIN[data.LABEL])
    assert "ten digits" in judge_model(model)


def test_a_forest_is_found_in_a_pipeline_and_in_a_search():
    settings = {"randomforestclassifier__max_depth": [4]}
    pipeline = make_pipeline(StandardScaler(), RandomForestClassifier(5, random_state=0))
    search = GridSearchCV(pipeline, settings, cv=2).fit(TRAIN[data.PIXELS], TRAIN[data.LABEL])
    assert is_forest(search)
    assert not is_forest(make_pipeline(StandardScaler(), KNeighborsClassifier()))


def test_models_are_found_by_the_names_that_people_give_them(tmp_path):
    for name in ("model.joblib", "deep/model.sav", "m.pkl.gz", "model.tar.gz", "train.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in find_models(tmp_path)] == [
        "model.sav",
        "m.pkl.gz",
        "model.joblib",
    ]


def test_a_model_that_reads_every_held_out_digit_has_seen_them():
    model = forest(TEST)
    with pytest.raises(Missing) as told:
        judge_model(model)
    assert_told(told.value, "reads all 364", "trained on them")
    assert "100.0%" in judge_model(model, own_split=True)


@pytest.mark.parametrize(
    ("name", "named"),
    [("SVC", "an SVC"), ("KNeighborsClassifier", "a KNeighborsClassifier"),
     ("MLPClassifier", "an MLPClassifier"), ("ExtraTreesClassifier", "an ExtraTreesClassifier"),
     ("Pipeline", "a Pipeline"), ("dict", "a dict")],
)  # fmt: skip
def test_a_kind_of_model_has_its_article(name, named):
    assert kind_of(type(name, (), {})()) == named


class Stubborn:
    """A model that answers, but never what was asked."""

    def predict(self, X):
        raise ValueError("feature names are wrong.\nAnd so on.")


class Unsure:
    """A model that answers with a share for each digit."""

    def predict(self, X):
        return np.full((len(X), 10), 0.1)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (forest(TRAIN, TRAIN[data.PIXELS[:-1]], TRAIN[data.PIXELS[-1]]), ["63 features", "append"]),
        (forest(TRAIN, TRAIN), ["65 features", "label or an index"]),
        (forest(TRAIN, label=TRAIN["pixel_20"]), ["17 classes", "0 to 16", "last column"]),
        (forest(TRAIN, label=TRAIN[data.LABEL].map("digit {}".format)), ["not digits"]),
        (forest(TRAIN[TRAIN[data.LABEL] < 9]), ["9 classes"]),
        (forest(TRAIN, trees=1), ["95% are needed"]),
        (forest(TRAIN, label=np.roll(TRAIN[data.LABEL], 1)), ["95% are needed"]),
        (Stubborn(), ["does not predict", "feature names are wrong"]),
        (Unsure(), ["364 digits with an array of (364, 10)"]),
    ],
    ids="label-forgotten leak pixels words nine weak shuffled stubborn unsure".split(),
)
def test_a_model_that_does_not_is_told_why(model, words):
    with pytest.raises(Missing) as told:
        judge_model(model)
    assert_told(told.value, *words)


def archive(folder: Path, **members: bytes) -> Path:
    """Return a model.tar.gz with members, '/' written as two underscores."""
    path = folder / "model.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name.replace("__", "/").replace("_dot_", "."))
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def pickled(thing) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(thing, buffer)
    return buffer.getvalue()


def test_an_artifact_gives_its_model_wherever_it_lies_in_it(tmp_path):
    model = pickled(forest(TRAIN))
    loaded = load_artifact(archive(tmp_path, notes_dot_txt=b"hi", deep__model_dot_joblib=model))
    assert loaded.n_estimators == 40


def test_an_artifact_is_never_unpacked(tmp_path):
    path = archive(tmp_path, **{"____escape_dot_joblib": pickled(forest(TRAIN))})
    load_artifact(path)
    assert sorted(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({}, ["holds nothing"]),
        ({"metrics_dot_json": b"{}"}, ["metrics.json", "SM_MODEL_DIR"]),
        ({"model_dot_joblib": b"not a pickle"}, ["model.joblib does not load"]),
        ({"model_dot_pkl": pickled({"model": 1})}, ["a dict, not a model"]),
    ],
)
def test_an_artifact_without_a_model_is_told_why(tmp_path, members, words):
    with pytest.raises(Missing) as told:
        load_artifact(archive(tmp_path, **members))
    assert_told(told.value, *words)


def test_what_is_no_archive_is_told_so(tmp_path):
    (tmp_path / "model.tar.gz").write_bytes(b"hello")
    with pytest.raises(Missing, match="not a tar archive"):
        load_artifact(tmp_path / "model.tar.gz")
