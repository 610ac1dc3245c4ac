"""Jobs that went wrong, or another way: the checks of chapter 1's last two tasks, in both modes."""

import boto3
import pytest
from checked_jobs import BUCKET, OURS, only, prepare, script, start
from checked_work import as_on_aws, assert_is, now
from training_job import local_session, wait_for_job

from maze_helpers import metrics
from maze_helpers.checks import CHECKS, Done, DoneDifferently, NotYet, Work

pytestmark = pytest.mark.slow
ENDED = ("Completed", "Failed", "Stopped")
# What a pickle of scikit-learn 1.2 does where a newer one loads it.
OTHER_VERSION = """
import os, joblib
class Tree:
    def __reduce__(self):
        return exec, (
            "import warnings; from sklearn.exceptions import InconsistentVersionWarning as Other;"
            "warnings.warn(Other(estimator_name='Tree', current_sklearn_version='9',"
            "original_sklearn_version='1.2.1')); raise ValueError('incompatible dtype')",
        )
os.environ.get("SM_CHANNEL_TRAIN")
for i in range(4):
    print(f"validation:accuracy={0.9 + i / 100}")
print("precision=0.96 recall=0.98 f1=0.97")
joblib.dump(Tree(), os.path.join(os.environ["SM_MODEL_DIR"], "model.joblib"))
"""
# A real training: another model, with a curve of its own.
BOOSTED = """
import os, joblib, pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import f1_score, precision_score, recall_score

def rows(channel, name):
    table = pd.read_csv(os.path.join(os.environ["SM_CHANNEL_" + channel], name))
    return table.iloc[:, :-1].to_numpy(), table.iloc[:, -1].to_numpy()

model_dir = os.environ["SM_MODEL_DIR"]
X, y = rows("TRAIN", "train.csv")
X_test, y_test = rows("TEST", "test.csv")
model = HistGradientBoostingClassifier(max_iter=20, warm_start=True, early_stopping=False)
for number in (20, 30, 40):
    model.set_params(max_iter=number).fit(X, y)
    print(f"stage {number}: test accuracy {model.score(X_test, y_test):.4f}")
read = model.predict(X_test)
for score in (precision_score, recall_score, f1_score):
    print(f"test {score.__name__} is {score(y_test, read, average='weighted'):.5f};")
joblib.dump(model, os.path.join(model_dir, "model.joblib"))
"""
OF_BOOSTED = [
    {"Name": "stage", "Regex": r"test accuracy ([0-9.]+)"},
    {"Name": "test:precision", "Regex": r"precision_score is ([0-9.]+);"},
    {"Name": "test:recall", "Regex": r"recall_score is ([0-9.]+);"},
    {"Name": "test:F1-score", "Regex": r"f1_score is ([0-9.]+);"},
]
MUTE = OTHER_VERSION.replace("accuracy=", "").replace("=0.9", "=none ")
CRASHED = "print(1)\nraise ValueError('no digits today')"
RIGHT = script()


def regex(name: str, text: str) -> list[dict[str, str]]:
    """Return our definitions with another regex for one of them."""
    return [{**row, "Regex": text} if row["Name"] == name else row for row in OURS]


# Job: what start() is given after its name.
JOBS = {
    "maze-task-3-label": {"source": script("label.joblib")},
    "maze-task-3-pixels": {
        "source": script("label.joblib"),
        "channels": {"train": "pixels", "model": "model"},
    },
    "maze-task-3-leak": {"source": script("leak.joblib")},
    "maze-task-3-nine": {"source": script("nine.joblib")},
    "maze-task-3-crashed": {"source": CRASHED},
    "maze-task-3-refused": {
        "source": "import argparse; argparse.ArgumentParser().parse_args(['--trees', '9'])"
    },
    "maze-task-3-channel": {
        "source": "import os; open(os.environ['SM_CHANNEL_DIGITS'])",
    },
    "maze-task-3-nested": {
        "source": "import os; open(os.path.join(os.environ['SM_CHANNEL_TRAIN'], 'train.csv'))",
        "channels": {"train": "nested"},
    },
    "maze-task-3-exit": {"source": "raise SystemExit(3)"},
    "maze-task-3-slow": {
        "source": "import time; time.sleep(600)",
        "StoppingCondition": {"MaxRuntimeInSeconds": 1},
    },
    "maze-task-3-small": {
        "source": script("small.joblib"),
        "hyperparameters": {"n-estimators": 1, "max-depth": 2},
    },
    "maze-task-3-bad": {
        "source": script("small.joblib"),
        "hyperparameters": {"n-estimators": 150, "max-depth": 12},
    },
    "maze-task-3-no-data": {"source": "import os; os.environ['SM_MODEL_DIR']", "channels": {}},
    "maze-task-3-no-model": {"source": "'SM_MODEL_DIR', 'SM_CHANNEL_TRAIN'"},
    "maze-task-3-paths": {"source": RIGHT.replace("SM_CHANNEL_TRAIN", "SM_INPUT_DIR")},
    "maze-task-3-other-version": {"source": OTHER_VERSION},
    "maze-task-3-low": {"source": OTHER_VERSION.replace("0.96", "0.93")},
    "maze-task-3-mute": {"source": MUTE},
    "my-forest": {"source": RIGHT},
    "maze-task-3-digits": {
        "source": RIGHT.replace("CHANNEL_TRAIN", "CHANNEL_DIGITS"),
        "channels": {"digits": "train", "model": "model"},
    },
    "maze-task-4-boosted": {"source": BOOSTED, "definitions": OF_BOOSTED},
    "forest-4": {"source": RIGHT},
    "forest-without": {"source": RIGHT, "definitions": []},
    "maze-task-4-none": {"source": RIGHT, "definitions": []},
    "maze-task-4-no-f1": {
        "source": RIGHT,
        "definitions": metrics.metric_definitions("precision", "recall"),
    },
    "maze-task-4-no-match": {"source": RIGHT, "definitions": regex("f1", "F1: ([0-9.]+)")},
    "maze-task-4-percent": {"source": RIGHT, "definitions": regex("f1", r"f1=0\.([0-9]+)")},
    "maze-task-4-too-much": {
        "source": RIGHT,
        "definitions": regex("accuracy", r"accuracy=([0-9.]+)"),
    },
    "maze-task-4-of-precision": {
        "source": RIGHT,
        "definitions": regex("f1", r"precision=([0-9.]+)"),
    },
    "maze-task-4-of-rounds": {
        "source": RIGHT,
        "definitions": regex("f1", r"validation:accuracy=([0-9.]+)"),
    },
    "maze-task-4-counted": {
        "source": RIGHT,
        "definitions": regex("validation:accuracy", r"round=([0-9.]+)"),
    },
    "maze-task-4-cut": {"source": RIGHT, "definitions": regex("f1", r"f1=([0-9]\.[0-9])")},
    "maze-task-4-name": {"source": RIGHT, "definitions": regex("f1", r"(f1)=[0-9.]+")},
    "maze-task-4-trained": {"source": script(of="train")},
    "maze-task-4-mismatch": {
        "source": RIGHT,
        "definitions": [
            *metrics.metric_definitions(*metrics.FINAL_METRICS),
            {"Name": "val_acc", "Regex": "val_acc=([0-9.]+)"},
        ],
    },
    "maze-task-4-no-rounds": {
        "source": RIGHT,
        "definitions": metrics.metric_definitions(*metrics.FINAL_METRICS),
    },
    "maze-task-4-small": {
        "source": script("small.joblib"),
        "hyperparameters": {"n-estimators": 1, "max-depth": 2},
    },
    "maze-task-4-swapped": {"source": script(f1="precision")},
    "maze-task-4-made-up": {"source": script(form="{name}=0.5")},
    "maze-task-4-no-curve": {"source": RIGHT.replace("range(4)", "range(1)")},
    "maze-task-4-no-test": {
        "source": RIGHT,
        "channels": {"train": "train", "model": "model"},
    },
    "maze-task-4-other-version": {"source": OTHER_VERSION},
    "maze-task-4-crashed": {"source": CRASHED},
}


@pytest.fixture(scope="module")
def began(local_cloud):
    """When the work on a local cloud began, on which every job of the table has ended."""
    began = now()
    with local_session(local_cloud) as session:
        prepare(session)
        for name, settings in JOBS.items():
            start(session, name, **settings)
        for name in JOBS:
            if not name.endswith(("crashed", "refused", "channel", "nested", "exit")):
                wait_for_job(session, name)
        yield began


@pytest.fixture(params=["local", "aws"])
def mode(request, local_cloud, began):
    """The environment of each mode; a session made in it finds the jobs."""
    if request.param == "local":
        yield request.param
        return
    with as_on_aws(local_cloud):
        yield request.param


def check(job: str, folder, since, task: int | None = None):
    """Return the verdict on the work of somebody who has made just this job."""
    number = task or int(job.partition("maze-task-")[2][:1])
    return CHECKS[f"chapter_1/task_{number}"].verdict(Work(folder, only(job), since))


WRONG = [
    ("maze-task-3-label", ["63 features"], 3),
    ("maze-task-3-pixels", ["64 columns", "label is not among them"], 1),
    ("maze-task-3-leak", ["65 features", "label or an index"], 3),
    ("maze-task-3-nine", ["9 classes"], 3),
    ("maze-task-3-crashed", ["Failed, not Completed", "ValueError: no digits today"], 3),
    ("maze-task-3-refused", ["'unrecognized arguments: --trees 9'", "hyperparameters"], 4),
    (
        "maze-task-3-channel",
        ["reads SM_CHANNEL_DIGITS", "no such channel, only train, test, model"],
        5,
    ),
    (
        "maze-task-3-nested",
        ["channel train has no file train.csv", "s3://checks/data/nested/", "train/train.csv"],
        5,
    ),
    ("maze-task-3-exit", ["Failed, not Completed: AlgorithmError", "Error: ExitCode 3"], 3),
    ("maze-task-3-slow", ["Stopped, not Completed", "more than 1 s", "max_run"], 4),
    ("maze-task-3-small", ["enough trees", "n-estimators 1 and max-depth 2"], 4),
    ("maze-task-3-bad", ["enough trees"], 3),
    ("maze-task-3-no-data", ["no data", "fit("], 5),
    ("maze-task-3-no-model", ["There is no s3://checks/", "SM_MODEL_DIR"], 3),
    ("maze-task-3-low", ["a score of 93.0%"], 3),
    ("maze-task-3-mute", ["printed no score"], 3),
    ("maze-task-4-none", ["no metric definitions"], 3),
    ("maze-task-4-no-f1", ["No metric definition is for f1"], 2),
    ("maze-task-4-no-match", ["regex of f1 matched nothing"], 2),
    ("maze-task-4-percent", ["regex of f1 captures 9", " of 0.9"], 2),
    ("maze-task-4-too-much", ["accuracy catches train:accuracy as well"], 2),
    ("maze-task-4-of-precision", ["regex of f1 catches precision"], 2),
    ("maze-task-4-of-rounds", ["regex of f1 catches validation:accuracy, not f1"], 2),
    ("maze-task-4-counted", ["regex of validation:accuracy catches round"], 2),
    ("maze-task-4-cut", ["regex of f1 captures 0.9 of 0.9"], 2),
    ("maze-task-4-name", ["captures 'f1', which is no number"], 2),
    ("maze-task-4-trained", ["precision is 1.0000", "digits of its channel train"], 1),
    ("maze-task-4-mismatch", ["regex of val_acc catches none of the 4 lines", "`round=0 "], 2),
    ("maze-task-4-no-rounds", ["No metric definition catches any of the 4 lines"], 2),
    ("maze-task-4-small", ["enough trees", "n-estimators 1"], 3),
    ("maze-task-4-swapped", ["f1 is 0.9", "the model's precision"], 1),
    ("maze-task-4-made-up", ["precision is 0.5", "the model's precision", "is 0.9"], 1),
    ("maze-task-4-no-curve", ["no curve", "after each round"], 1),
    ("maze-task-4-crashed", ["Failed, not Completed", "no digits today"], 1),
]


@pytest.mark.parametrize(("job", "words", "step"), WRONG, ids=[row[0] for row in WRONG])
def test_a_job_that_went_wrong_is_told_of(mode, began, tmp_path, job, words, step):
    assert_is(check(job, tmp_path, began), NotYet, *words, step=step)


OTHERWISE = [
    ("maze-task-3-other-version", Done, ["scikit-learn 1.2.1", "96.0% or better"]),
    ("maze-task-3-digits", DoneDifferently, ["by the channel digits"]),
    ("maze-task-4-boosted", DoneDifferently, ["HistGradient", "3 rounds", "They agree"]),
    ("maze-task-4-no-test", Done, ["not compared"]),
    ("maze-task-4-other-version", Done, ["not compared", "scikit-learn 1.2.1"]),
]


@pytest.mark.parametrize(("job", "kind", "words"), OTHERWISE, ids=[row[0] for row in OTHERWISE])
def test_a_job_that_went_another_way_is_right(mode, began, tmp_path, job, kind, words):
    assert_is(check(job, tmp_path, began), kind, *words)


def test_a_job_with_another_name_is_done_differently(mode, began, tmp_path):
    verdict = check("my-forest", tmp_path, began, 3)
    assert_is(verdict, DoneDifferently, "my-forest left a model", "does not begin with maze-task-3")
    verdict = check("forest-4", tmp_path, began, 4)
    assert_is(verdict, DoneDifferently, "forest-4", "does not begin with maze-task-4")


def test_a_job_of_task_3_is_no_beginning_of_task_4(began, tmp_path):
    verdict = check("forest-without", tmp_path, began, 4)
    assert verdict.headline == "Not begun"


def test_hard_coded_paths_are_told_of_though_the_job_completed(began, tmp_path):
    assert_is(check("maze-task-3-paths", tmp_path, began), NotYet, "SM_CHANNEL_TRAIN", step=3)


def test_the_first_job_that_is_right_counts_among_many_that_are_wrong(began, tmp_path):
    verdict = CHECKS["chapter_1/task_4"].verdict(Work(tmp_path, boto3.Session(), began))
    assert isinstance(verdict, Done | DoneDifferently), verdict


def test_a_job_that_runs_is_waited_for(began, tmp_path, local_cloud):
    name = "maze-task-3-running"
    session = boto3.Session()
    start(session, name, "import time; time.sleep(600)")
    try:
        assert_is(check(name, tmp_path, began), NotYet, "still running", "wait", step=None)
    finally:
        session.client("sagemaker").stop_training_job(TrainingJobName=name)
        session.client("sagemaker").get_waiter("training_job_completed_or_stopped").wait(
            TrainingJobName=name
        )
    assert_is(check(name, tmp_path, began), NotYet, "not Completed: it was stopped", step=5)


def test_a_job_that_runs_counts_before_one_that_failed(began, tmp_path):
    name = "my-crashed-another-try"
    session = boto3.Session()
    start(session, name, "import time; time.sleep(600)")
    try:
        verdict = check("crashed", tmp_path, began, 3)
    finally:
        session.client("sagemaker").stop_training_job(TrainingJobName=name)
    assert_is(verdict, NotYet, f"{name} is still running", step=None)


def test_a_model_gone_from_s3_is_told_of(began, tmp_path):
    key = "maze-task-4-no-curve/output/model.tar.gz"
    boto3.client("s3").delete_object(Bucket=BUCKET, Key=key)
    verdict = check("maze-task-4-no-curve", tmp_path, began)
    assert_is(verdict, NotYet, f"There is no s3://{BUCKET}/{key}", step=1)
