"""Each exercise's check five ways: blank, wrong, right, different but right, checker broken."""

import io
import tarfile
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from maze_helpers import data
from maze_helpers.checks import Check, CheckFailed, Done, Missing, NotYet, OurFault, chapter_1
from maze_helpers.checks.model import judge_model, load_artifact

TRAIN, TEST = data.digits()

RIGHT_1 = """
import joblib
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
X, y = load_digits(return_X_y=True)
model = RandomForestClassifier(n_estimators=50, random_state=0).fit(X, y)
print("precision=0.97", "recall=0.97", "f1=0.97")
joblib.dump(model, "model.joblib")
"""
# A pickle elsewhere, another kind of model, and scikit-learn's own report.
DIFFERENT_1 = """
import os, pickle
from sklearn.datasets import load_digits
from sklearn.metrics import classification_report
from sklearn.neighbors import KNeighborsClassifier
X, y = load_digits(return_X_y=True)
model = KNeighborsClassifier().fit(X, y.astype(str))
print(classification_report(y.astype(str), model.predict(X)))
os.makedirs("model", exist_ok=True)
pickle.dump(model, open("model/digits.pkl", "wb"))
"""
# The label is never appended, so the last pixel is taken for it.
FORGOTTEN_LABEL = """
import joblib, pandas as pd
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
df = pd.DataFrame(load_digits().data)
model = RandomForestClassifier(10).fit(df.iloc[:, :-1], df.iloc[:, -1].astype(int))
print("precision=0.93", "recall=0.93", "f1=0.93")
joblib.dump(model, "model.joblib")
"""


def write(folder: Path, name: str, source: str) -> Path:
    """Write a script into the folder; return the folder."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(source)
    return folder


def assert_failed(verdict, *words: str):
    assert isinstance(verdict, NotYet), verdict
    for word in words:
        assert word in verdict.sentence
    # One sentence: a notebook shows it in place of a traceback.
    assert "\n" not in verdict.sentence


# Task 1


@pytest.mark.parametrize("source", [RIGHT_1, DIFFERENT_1], ids=["right", "different"])
def test_task_1_passes_what_is_right(tmp_path, source):
    verdict = chapter_1.task_1.verdict(write(tmp_path, "train.py", source))
    assert isinstance(verdict, Done), verdict
    assert "ten digits" in verdict.sentence


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (None, ["no train.py", "%%writefile"]),
        ("def main(:", ["does not parse", "line 1"]),
        ("", ["does not print precision"]),
        ("print('precision=1 recall=1')", ["does not print f1"]),
        ("print('precision=1 recall=1 f1=1')", ["saves no model"]),
        ("import no_such_module", ["fails with", "No module named 'no_such_module'"]),
        ("raise SystemExit(3)", ["fails with", "exit code 3"]),
        (FORGOTTEN_LABEL, ["63 features", "append the label"]),
    ],
)
def test_task_1_says_what_is_missing(tmp_path, source, words):
    if source is not None:
        write(tmp_path, "train.py", source)
    assert_failed(chapter_1.task_1.verdict(tmp_path), *words)


def test_task_1_is_not_fooled_by_the_model_of_an_earlier_run(tmp_path):
    joblib.dump(forest(TRAIN), tmp_path / "model.joblib")
    write(tmp_path, "train.py", "print('precision=1 recall=1 f1=1')")
    assert_failed(chapter_1.task_1.verdict(tmp_path), "saves no model")


# Task 2

RIGHT_2 = """
import argparse, os
import joblib, pandas as pd
from sklearn.ensemble import RandomForestClassifier

def fit(train, model_dir, n_estimators):
    df = pd.read_csv(os.path.join(train, "train.csv"))
    model = RandomForestClassifier(n_estimators, random_state=0)
    model.fit(df.iloc[:, :-1], df.iloc[:, -1])
    joblib.dump(model, os.path.join(model_dir, "model.joblib"))

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--train", required=True)
    parser.add_argument("--model-dir", default="model")
    parser.add_argument("--n-estimators", type=int, default=100)
    args = parser.parse_args()
    fit(args.train, args.model_dir, args.n_estimators)

if __name__ == "__main__":
    main()
"""
# Underscores, a CSV file for the data, no number of trees, main with a parameter.
DIFFERENT_2 = """
import sys
from argparse import ArgumentParser
from pathlib import Path
import pickle, numpy as np
from sklearn.neighbors import KNeighborsClassifier

def fit(rows):
    return KNeighborsClassifier().fit(rows[:, :-1], rows[:, -1])

def main(argv):
    parser = ArgumentParser()
    parser.add_argument("-t", "--train_data", type=Path, required=True)
    parser.add_argument("--output_dir", type=Path, default=Path("model"))
    args = parser.parse_args(argv)
    model = fit(np.loadtxt(args.train_data, delimiter=",", skiprows=1))
    pickle.dump(model, open(args.output_dir / "m.pkl", "wb"))

if __name__ == "__main__":
    main(sys.argv[1:])
"""
# The path of the model is a file's.
FILE_2 = RIGHT_2.replace('os.path.join(model_dir, "model.joblib")', "model_dir").replace(
    '"--model-dir"', '"--model-path", dest="model_dir"'
)


@pytest.mark.parametrize("source", [RIGHT_2, DIFFERENT_2, FILE_2], ids=["right", "other", "file"])
def test_task_2_passes_what_is_right(tmp_path, source):
    verdict = chapter_1.task_2.verdict(write(tmp_path, "src/train.py", source))
    assert isinstance(verdict, Done), verdict


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (None, ["no src/train.py"]),
        (("def fit(", "def train("), ["no function fit"]),
        (("def main(", "def start("), ["no function main"]),
        (("parser.add_argument", "print"), ["takes no arguments"]),
        (("--model-dir", "--where"), ["--model-dir"]),
        (('if __name__ == "__main__":\n    main()', "main()"), ["Importing", "__main__"]),
        (("args.n_estimators)", "100)"), ["asked for 120 trees and grew 100"]),
        (("args.train, args.model_dir", "args.train, '.'"), ["does not save the model"]),
        (("def fit(train,", "def fit("), ["fails when given arguments", "TypeError"]),
        (("iloc[:, :-1]", "iloc[:, :-2]"), ["63 features"]),
    ],
)
def test_task_2_says_what_is_missing(tmp_path, change, words):
    if change is not None:
        assert change[0] in RIGHT_2
        write(tmp_path, "src/train.py", RIGHT_2.replace(*change))
    assert_failed(chapter_1.task_2.verdict(tmp_path), *words)


# The model, which every task's check judges


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


class Stubborn:
    """A model that answers, but never what was asked."""

    def predict(self, X):
        raise ValueError("feature names are wrong")


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
    ],
    ids=["label forgotten", "leak", "pixels", "words", "nine", "weak", "shuffled", "stubborn"],
)
def test_a_model_that_does_not_is_told_why(model, words):
    with pytest.raises(Missing) as told:
        judge_model(model)
    assert_failed(NotYet(str(told.value)), *words)


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
    assert_failed(NotYet(str(told.value)), *words)


def test_what_is_no_archive_is_told_so(tmp_path):
    (tmp_path / "model.tar.gz").write_bytes(b"hello")
    with pytest.raises(Missing, match="not a tar archive"):
        load_artifact(tmp_path / "model.tar.gz")


# Checks that break, and how verdicts look


def test_a_broken_check_is_our_fault_and_says_where(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "TEST_CSV", tmp_path / "missing.csv")
    verdict = chapter_1.task_1.verdict(write(tmp_path, "train.py", RIGHT_1))
    assert isinstance(verdict, OurFault)
    assert "FileNotFoundError" in verdict.sentence and "not judged" in verdict.sentence


@pytest.mark.parametrize("task", ["task_1", "task_2", "task_3", "task_4"])
def test_every_check_called_wrongly_is_our_fault(task):
    assert isinstance(getattr(chapter_1, task).verdict(no_such_argument=1), OurFault)


def raising(error):
    def look():
        raise error

    return Check("chapter 1, task 9", "a goal", look)


def test_a_passed_check_is_shown(capsys):
    Check("chapter 1, task 9", "a goal", lambda: "all there.")()
    assert capsys.readouterr().out == "Done · chapter 1, task 9: all there.\n"


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (Missing("There is no train.py."), "Not yet · chapter 1, task 9: There is no train.py."),
        (KeyError("x"), "Our fault · chapter 1, task 9: the check broke with KeyError: 'x'"),
    ],
)
def test_any_other_verdict_stops_the_notebook_with_one_sentence(error, shown):
    with pytest.raises(CheckFailed) as failed:
        raising(error)()
    assert str(failed.value).startswith(shown)
    (line,) = failed.value._render_traceback_()
    assert str(failed.value) in line
