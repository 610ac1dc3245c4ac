"""The checks of chapter 1's first two tasks, which run scripts: all verdicts, and wrong work."""

from pathlib import Path

import joblib
import pytest
from checked_work import assert_is, forest, now

from maze_helpers.checks import CHECKS, Done, DoneDifferently, NotBegun, NotYet, Work
from maze_helpers.checks.script import Takes, options_of_help, parse_script

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
# All digits are trained on, and not by a forest.
KNOWN_DIGITS = (
    RIGHT_1.replace("1::2", ":")
    .replace("sklearn.ensemble", "sklearn.neighbors")
    .replace("RandomForestClassifier(50, random_state=0)", "KNeighborsClassifier(1)")
    .replace("RandomForestClassifier", "KNeighborsClassifier")
    .replace("[::2]", "[:]")
)
SUPPORT_AS_F1 = RIGHT_1.replace("f1, _ =", "_, f1 =").replace(', average="macro"', "")
SUPPORT_AS_F1 = SUPPORT_AS_F1.replace(":.4f}", "}").replace("1::2", "::7")


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
        (changed(RIGHT_1, "1::2", "::2"), ["prints 1.0000", "the model was trained on"]),
    ],
    ids=["syntax", "magic", "stub left", "label forgotten", "precision as f1", "trained on"],
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
        (KNOWN_DIGITS, ["1.0000", "the model was trained on"]),
        (changed(RIGHT_1, 'joblib")', 'skops")'), ["model.skops", "end in .joblib, .pkl"]),
        (SUPPORT_AS_F1, ["as f1, but that is its support"]),
        ("raise ValueError('Such is life.')", ["Such is life'."]),
    ],
    ids=str.split(
        "none two 640 no-model import exit input made-up recall precision dict weak "
        "neighbours skops support full-stop"
    ),
)
def test_task_1_says_what_else_is_wrong(tmp_path, source, words):
    assert_is(check(1, write(tmp_path, "train.py", source)), NotYet, *words, step=2)


@pytest.mark.slow
def test_task_1_lets_others_than_forests_read_a_few_digits_perfectly(tmp_path):
    few = KNOWN_DIGITS.replace("X[:]", "X[100:]").replace("y[:]", "y[100:]")
    few = few.replace("fit(X[100:], y[100:])", "fit(X, y)").replace("100:]", ":40]")
    verdict = check(1, write(tmp_path, "train.py", few))
    assert_is(verdict, DoneDifferently, "It is a KNeighborsClassifier")


@pytest.mark.slow
def test_task_1_names_a_model_in_a_folder_as_it_is(tmp_path):
    (tmp_path / "out").mkdir()
    write(tmp_path, "train.py", changed(RIGHT_1, '"model.joblib"', '"out/model.joblib"'))
    words = "saves out/model.joblib", "look for model.joblib in this folder"
    assert_is(check(1, tmp_path), DoneDifferently, *words)


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
from sklearn.metrics import precision_recall_fscore_support

def read(folder, name):
    df = pd.read_csv(os.path.join(folder, name))
    return df.iloc[:, :-1], df.iloc[:, -1]

def fit(train, model_dir, n_estimators, max_depth):
    X, y = read(train, "train.csv")
    model = RandomForestClassifier(n_estimators, max_depth=max_depth, random_state=0).fit(X, y)
    joblib.dump(model, os.path.join(model_dir, "model.joblib"))
    return model

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--train", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--model-dir", default="model")
    parser.add_argument("--n-estimators", type=int, default=100)
    parser.add_argument("--max-depth", type=int)
    args = parser.parse_args()
    model = fit(args.train, args.model_dir, args.n_estimators, args.max_depth)
    X, y = read(args.test, "test.csv")
    precision, recall, f1, _ = precision_recall_fscore_support(y, model.predict(X), average="macro")
    print(f"precision={precision:.4f}\\nrecall={recall:.4f}\\nf1={f1:.4f}")

if __name__ == "__main__":
    main()
"""
# Underscores, CSV files for the data, no number of trees, main with a parameter.
DIFFERENT_2 = """
import sys
from argparse import ArgumentParser
from pathlib import Path
import pickle, numpy as np
from sklearn.metrics import classification_report
from sklearn.neighbors import KNeighborsClassifier

def fit(rows):
    return KNeighborsClassifier().fit(rows[:, :-1], rows[:, -1])

def main(argv):
    parser = ArgumentParser()
    parser.add_argument("-t", "--train_data", type=Path, required=True)
    parser.add_argument("--test_data", type=Path, required=True)
    parser.add_argument("--output_dir", type=Path, default=Path("model"))
    args = parser.parse_args(argv)
    files = (args.train_data, args.test_data)
    train, test = (np.loadtxt(file, delimiter=",", skiprows=1) for file in files)
    model = fit(train)
    pickle.dump(model, open(args.output_dir / "m.pkl", "wb"))
    print(classification_report(test[:, -1], model.predict(test[:, :-1])))

if __name__ == "__main__":
    main(sys.argv[1:])
"""
REPORT = "    print(classification_report(test[:, -1], model.predict(test[:, :-1])))\n"
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
        (REPORT, ["NoneType", "fit returns nothing", "return the model"]),
        ("", ["m.pkl holds None", "return the model"]),
    ],
    ids=["used", "saved"],
)
def test_task_2_says_that_fit_returns_nothing(tmp_path, line, words):
    source = changed(changed(DIFFERENT_2, "    return ", "    "), REPORT, line)
    assert_is(check(2, write(tmp_path, "src/train.py", source)), NotYet, *words, step=1)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("def fit(", "def train(", ["no function fit"]),
        ("def main(", "def start(", ["no function main"]),
        ("parser.add_argument", "print", ["takes no arguments"]),
        ("= fit(args", "= print(args", ["never calls fit"]),
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
        ("args.n_estimators, ", "100, ", ["--n-estimators 120", "n_estimators=100", "from main"]),
        ("args.max_depth)", "None)", ["--max-depth 20", "max_depth=None", "from main to fit"]),
        ("args.train, args.model_dir", "args.train, '.'", ["does not save the model"]),
        ('__name__ == "__main__"', '__name__ == "main"', ["does not save the model", "main()"]),
        ("def fit(train,", "def fit(", ["fails when given arguments", "TypeError"]),
        ("iloc[:, :-1]", "iloc[:, :-2]", ["63 features"]),
        ("df.iloc[:, :-1]", "df", ["65 features", "label or an index"]),
        ("import argparse", "import sys; sys.exit(2 if len(sys.argv) < 3 else 0)\nimport argparse",
         ["Importing", "debugger"]),
    ],
    ids=str.split("where trees depth elsewhere uncalled error label leak exit"),
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


# It trains on the digits that it is to be judged by.
LEAK_2 = changed(
    changed(RIGHT_2, 'read(train, "train.csv")', 'read(train, "test.csv")'),
    "fit(args.train,", "fit(args.test,",
)  # fmt: skip
# No metric is computed.
MADE_UP_2 = changed(
    "\n".join(line for line in RIGHT_2.splitlines() if "precision_recall" not in line),
    "{precision:.4f}\\nrecall={recall:.4f}\\nf1={f1:.4f}", "0.97\\nrecall=0.97\\nf1=0.97",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "words"),
    [
        (LEAK_2, ["reads all 364", "trained on them"]),
        (MADE_UP_2, ["prints 0.97 as precision", "computes no score"]),
        (changed(RIGHT_2, 'read(args.test, "test.csv")', 'read(args.train, "train.csv")'),
         ["prints 1.0000", "the model was trained on"]),
        (changed(RIGHT_2, "f1={f1", "f1={precision"), ["as f1, but that is its precision"]),
        (changed(RIGHT_2, '"model.joblib"', '"model.skops"'), ["saves model.skops", "in .joblib"]),
    ],
    ids=str.split("leak made-up known other skops"),
)  # fmt: skip
def test_task_2_judges_what_is_learned_and_printed(tmp_path, source, words):
    assert_is(check(2, write(tmp_path, "src/train.py", source)), NotYet, *words, step=1)


@pytest.mark.slow
def test_task_2_takes_a_script_that_prints_no_score_for_different(tmp_path):
    write(tmp_path, "src/train.py", changed(RIGHT_2, "    print(", "    str("))
    assert_is(check(2, tmp_path), DoneDifferently, "does not print precision", "Task 4 will need")


@pytest.mark.slow
def test_task_2_reads_scores_that_are_logged(tmp_path):
    logs = "import logging\nlogging.basicConfig(level='INFO')\n"
    write(tmp_path, "src/train.py", logs + changed(RIGHT_2, "print(", "logging.info("))
    assert_is(check(2, tmp_path), Done, "ten digits")


MORE_OPTIONS = """
    parser.add_argument("--model", default="forest")
    parser.add_argument("--model-type", choices=["forest", "trees"], default="forest")
    parser.add_argument("--input-format", default="csv")
    parser.add_argument("--test-size", type=float, default=0.2)
    parser.add_argument("--train-rows", type=int)
    parser.add_argument("--train-share", default=1.0)
    parser.add_argument("--test-only", action="store_true")
    args = parser.parse_args()
    assert (args.model, args.input_format, args.train_share) == ("forest", "csv", 1.0)
"""
IN_A_LOOP = """
    for name, default in {"train": None, "test": None, "model-dir": "model"}.items():
        parser.add_argument(f"--{name}", default=default)
"""
CLICK = """
@click.command()
@click.option("--train", required=True)
@click.option("-t", "--test", required=True)
@click.option("--model-dir", default="model")
@click.option("--model-kind", type=click.Choice(["forest", "trees"]), default="forest")
@click.option("--n-estimators", default=100, help="How many trees.")
@click.option("--max-depth", type=int)
@click.option("--train-again", is_flag=True)
def main(train, test, model_dir, model_kind, n_estimators, max_depth, train_again):
    args = argparse.Namespace(**locals())
"""
BY_HAND = """
    words = iter(sys.argv[1:])
    args = argparse.Namespace(max_depth=None, n_estimators=100)
    for name in words:
        assert name in ("--train", "--test", "--model-dir")
        setattr(args, name[2:].replace("-", "_"), next(words))
"""


def reading(arguments: str, imported: str) -> str:
    """Return the right script with other lines for reading its arguments."""
    begin, end = "def main():\n", "    model = fit(args.train"
    before, _, rest = RIGHT_2.partition(begin)
    _, _, after = rest.partition(end)
    main = arguments if "def main" in arguments else begin + arguments
    return f"import {imported}{before}{main.rstrip()}\n{end}{after}"


@pytest.mark.slow
@pytest.mark.parametrize(
    "source",
    [
        changed(RIGHT_2, "    args = parser.parse_args()", MORE_OPTIONS),
        reading(f"    parser = argparse.ArgumentParser(){IN_A_LOOP}"
                "    parser.add_argument('--n-estimators', type=int, default=100)\n"
                "    parser.add_argument('--max-depth', type=int)\n"
                "    args = parser.parse_args()", "sys"),
        reading(CLICK, "click"),
        reading(BY_HAND, "sys"),
    ],
    ids=["more", "loop", "click", "by hand"],
)  # fmt: skip
def test_task_2_finds_the_options_that_may_take_a_path(tmp_path, source):
    assert_is(check(2, write(tmp_path, "src/train.py", source)), Done, "ten digits")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"--train", required=True', '"train"', ["takes train by place", "--train"]),
        ("parser.parse_args()", "sys.argv", ["takes its arguments by place"]),
    ],
    ids=["argparse", "sys.argv"],
)
def test_task_2_says_that_arguments_need_names(tmp_path, old, new, words):
    source = changed(RIGHT_2, old, new)
    source = source if "argv" not in new else source.replace('add_argument("--', 'print("')
    assert_is(check(2, write(tmp_path, "src/train.py", source)), NotYet, *words, step=1)


LISTED = {
    "argparse": """
options:
  -h, --help            show this help message and exit
  -t TRAIN, --train TRAIN
                        FOLDER of train.csv
  --kind {forest,trees}
  --verbose             SAY more
  --out folder          where to
""",
    "click": """
  -t, --train TEXT        [required]
  --kind [forest|trees]
  --verbose               Say more.
  --trees INTEGER RANGE   [x>=1]
  --out DIRECTORY
  --help                  Show this message and exit.
""",
    "typer": """
│ *  --train    -t                 <str>      [required]                     │
│    --kind                        [forest|trees]   [default: forest]        │
│    --verbose      --no-verbose   <bool>     [default: no-verbose]          │
│    --trees                       <int>      [default: 100]                 │
│    --out                         <path>                                    │
│    --help                        <bool>     Show this message and exit.    │
""",
    "typer of old": """
│ *  --train    -t      TEXT                 [default: None] [required]  │
│    --kind             [forest|trees]       [default: forest]           │
│    --verbose              --no-verbose     [default: no-verbose]       │
│    --trees            INTEGER              [default: 100]              │
│    --out              PATH                                             │
│    --help                                  Show this message and exit. │
""",
}


@pytest.mark.parametrize("text", LISTED.values(), ids=LISTED)
def test_options_are_read_from_the_list_that_help_prints(tmp_path, text):
    script = parse_script(f"print({text!r})".encode(), tmp_path, "train.py")
    (tmp_path / "train.py").write_text(f"print({text!r})")
    taken = {option.name: option.takes for option in options_of_help(script)}
    assert taken["--train"] is taken["--out"] is Takes.ANYTHING
    assert taken["--kind"] is Takes.CHOICE
    assert taken["--verbose"] is Takes.NOTHING
    assert taken.get("--trees", Takes.NUMBER) is Takes.NUMBER
    assert "--help" not in taken
