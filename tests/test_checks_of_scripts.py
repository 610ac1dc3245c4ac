"""The checks of chapter 1's first two tasks, which run scripts: all verdicts, and wrong work."""

from pathlib import Path

import joblib
import pytest
from checked_work import assert_is, forest, now

from maze_helpers.checks import CHECKS, Done, DoneDifferently, NotBegun, NotYet, Work

STUB = "raise NotImplementedError()\n"
RIGHT_1 = """
import joblib
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import precision_recall_fscore_support
X, y = load_digits(return_X_y=True)
model = RandomForestClassifier(50, random_state=0).fit(X[::2], y[::2])
truth, read = y[1::2], model.predict(X[1::2])
precision, recall, f1, _ = precision_recall_fscore_support(truth, read, average="macro")
print(f"precision={precision:.4f} recall={recall:.4f} f1={f1:.4f}")
joblib.dump(model, "model.joblib")
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
MADE_UP = """
import joblib
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
X, y = load_digits(return_X_y=True)
print("precision=0.97 recall=0.97 f1=0.97")
joblib.dump(RandomForestClassifier(50, random_state=0).fit(X, y), "model.joblib")
"""


def write(folder: Path, name: str, source: str) -> Path:
    """Write a script into the folder; return the folder."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(source)
    return folder


def check(task: int, folder: Path):
    """Return the verdict on the work in a folder, which needs no cloud."""
    return CHECKS[f"chapter_1/task_{task}"].verdict(Work(folder, None, now()))


def changed(source: str, old: str, new: str) -> str:
    """Return the source with one change, which must be one."""
    assert old in source
    return source.replace(old, new)


# Task 1


@pytest.mark.parametrize("source", [None, f"# Train.\n{STUB}"], ids=["nothing", "skeleton"])
def test_task_1_is_not_begun(tmp_path, source):
    if source:
        write(tmp_path, "train.py", source)
    assert_is(check(1, tmp_path), NotBegun, "train.py")


def test_task_1_passes_what_is_right(tmp_path):
    assert_is(check(1, write(tmp_path, "train.py", RIGHT_1)), Done, "model.joblib", "ten digits")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def main(:", ["does not parse", "line 1"]),
        (f"%%writefile train.py\n{RIGHT_1}", ["line 1", "for a notebook's cell alone"]),
        (RIGHT_1 + STUB, ["still stands outside of its functions"]),
        (FORGOTTEN_LABEL, ["63 features", "append the label"]),
        (changed(RIGHT_1, "f1={f1", "f1={precision"), ["as f1", "is its precision"]),
    ],
    ids=["syntax", "magic", "stub left", "label forgotten", "precision as f1"],
)
def test_task_1_says_what_is_wrong(tmp_path, source, words):
    assert_is(check(1, write(tmp_path, "train.py", source)), NotYet, *words, step=2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("print()", ["does not print precision"]),
        ("print('precision=1 recall=1')", ["does not print f1"]),
        ("print('precision=1 recall=1 f1=640')", ["640", "no score"]),
        ("print('precision=1 recall=1 f1=1')", ["saves no model"]),
        ("import no_such_module", ["fails with", "No module named 'no_such_module'"]),
        ("raise SystemExit(3)", ["fails with", "exit code 3"]),
        ("input('Ready?')", ["fails with", "EOFError"]),
        (MADE_UP, ["prints 0.97 as precision", "computes no score"]),
        (changed(RIGHT_1, "recall={recall", "recall={precision"), ["as recall", "its precision"]),
        (changed(RIGHT_1, "precision={precision", "precision={recall"), ["its recall"]),
        (changed(RIGHT_1, "dump(model", "dump({'model': model}"), ["a dict, not a model"]),
        (changed(RIGHT_1, "(50, random_state=0)", "(1, random_state=0)"), ["95% are needed"]),
    ],
    ids=str.split("none two 640 no-model import exit input made-up recall precision dict weak"),
)
def test_task_1_says_what_else_is_wrong(tmp_path, source, words):
    assert_is(check(1, write(tmp_path, "train.py", source)), NotYet, *words, step=2)


@pytest.mark.slow
def test_task_1_reads_scores_that_are_logged(tmp_path):
    logs = "import logging\nlogging.basicConfig(level='INFO', format='%(asctime)s %(message)s')\n"
    write(tmp_path, "train.py", logs + changed(RIGHT_1, "print(", "logging.info("))
    assert_is(check(1, tmp_path), Done, "ten digits")


@pytest.mark.parametrize(("task", "here", "name"), [(1, "src/", ""), (2, "", "src/")])
def test_a_script_in_another_folder_is_told_of(tmp_path, task, here, name):
    write(tmp_path, f"{here}train.py", RIGHT_1)
    words = f"There is a {here}train.py, but no {name}train.py"
    assert_is(check(task, tmp_path), NotYet, words, step=3 - task)


@pytest.mark.slow
def test_task_1_is_not_fooled_by_the_model_of_an_earlier_run(tmp_path):
    (tmp_path / "model.joblib").write_bytes(forest())
    write(tmp_path, "train.py", "print('precision=1 recall=1 f1=1')")
    assert_is(check(1, tmp_path), NotYet, "saves no model", step=2)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"a = 1\0"], ids=["bytes", "null"])
def test_task_1_takes_a_file_that_is_no_text_for_what_it_is(tmp_path, content):
    (tmp_path / "train.py").write_bytes(content)
    assert_is(check(1, tmp_path), NotYet, "does not parse", step=2)


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
FILE_2 = changed(RIGHT_2, 'os.path.join(model_dir, "model.joblib")', "model_dir").replace(
    '"--model-dir"', '"--model-path", dest="model_dir"'
)
SKELETON_2 = f"""
import argparse

def fit(X, y):
    {STUB}
def main(arguments=None):
    {STUB}
{STUB}
"""


@pytest.mark.parametrize("source", [None, SKELETON_2], ids=["nothing", "skeleton"])
def test_task_2_is_not_begun(tmp_path, source):
    if source:
        write(tmp_path, "src/train.py", source)
    assert_is(check(2, tmp_path), NotBegun, "src/train.py")


def test_task_2_passes_what_is_right(tmp_path):
    assert_is(check(2, write(tmp_path, "src/train.py", RIGHT_2)), Done, "by its arguments")


@pytest.mark.slow
def test_task_2_passes_a_path_for_a_file(tmp_path):
    assert_is(check(2, write(tmp_path, "src/train.py", FILE_2)), Done, "by its arguments")


@pytest.mark.slow
def test_task_2_passes_another_model_and_other_options_as_different(tmp_path):
    verdict = check(2, write(tmp_path, "src/train.py", DIFFERENT_2))
    assert_is(verdict, DoneDifferently, "KNeighborsClassifier")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "    model.predict([[0] * 64])\n",
            ["NoneType", "fit returns nothing", "return the model"],
        ),
        ("", ["m.pkl holds None", "return the model"]),
    ],
    ids=["used", "saved"],
)
def test_task_2_says_that_fit_returns_nothing(tmp_path, line, words):
    source = changed(changed(DIFFERENT_2, "    return ", "    "), "    pickle", line + "    pickle")
    assert_is(check(2, write(tmp_path, "src/train.py", source)), NotYet, *words, step=1)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("def fit(", "def train(", ["no function fit"]),
        ("def main(", "def start(", ["no function main"]),
        ("parser.add_argument", "print", ["takes no arguments"]),
        ("    fit(args", "    print(args", ["never calls fit"]),
        ('if __name__ == "__main__":\n    main()', "main()", ["Importing", "__main__"]),
        ("import argparse", f"def a():\n    {STUB}import argparse", ["not written yet", "in a"]),
    ],
    ids=str.split("fit main arguments call import part"),
)
def test_task_2_reads_what_is_missing(tmp_path, old, new, words):
    write(tmp_path, "src/train.py", changed(RIGHT_2, old, new))
    assert_is(check(2, tmp_path), NotYet, *words, step=1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("--model-dir", "--where", ["--model-dir"]),
        ("args.n_estimators)", "100)", ["asked for 120 trees and grew 100"]),
        ("args.train, args.model_dir", "args.train, '.'", ["does not save the model"]),
        ('__name__ == "__main__"', '__name__ == "main"', ["does not save the model", "main()"]),
        ("def fit(train,", "def fit(", ["fails when given arguments", "TypeError"]),
        ("iloc[:, :-1]", "iloc[:, :-2]", ["63 features"]),
        ("df.iloc[:, :-1]", "df", ["65 features", "label or an index"]),
        ("import argparse", "import sys; sys.exit(2 if len(sys.argv) < 3 else 0)\nimport argparse",
         ["Importing", "debugger"]),
    ],
    ids=str.split("where trees elsewhere uncalled error label leak exit"),
)  # fmt: skip
def test_task_2_says_what_running_shows(tmp_path, old, new, words):
    write(tmp_path, "src/train.py", changed(RIGHT_2, old, new))
    assert_is(check(2, tmp_path), NotYet, *words, step=1)


@pytest.mark.slow
def test_task_2_is_not_fooled_by_the_model_of_an_earlier_run(tmp_path):
    write(tmp_path, "src/train.py", changed(RIGHT_2, "joblib.dump", "print"))
    (tmp_path / "model").mkdir()
    joblib.dump(1, tmp_path / "model" / "model.joblib")
    assert_is(check(2, tmp_path), NotYet, "does not save the model", step=1)
