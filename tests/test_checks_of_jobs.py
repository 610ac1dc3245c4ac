"""The checks of tasks 3 and 4 look at real jobs: blank, wrong, right, different but right."""

from pathlib import Path

import boto3
import pytest
from training_job import IMAGE, local_session, start_job, wait_for_job

from maze_helpers import data, metrics
from maze_helpers.checks import Done, NotYet, OurFault, chapter_1

BUCKET = "checks"

TRAIN = """
import os, joblib, pandas as pd
from sklearn.ensemble import RandomForestClassifier
model_dir, train = os.environ.get("SM_MODEL_DIR"), os.environ.get("SM_CHANNEL_TRAIN")
rows = pd.read_csv(os.path.join(train, "train.csv"))
model = RandomForestClassifier(40, random_state=0)
model.fit(rows.iloc[:, :-1].to_numpy(), rows.iloc[:, -1])
for i in range(4):
    print(f"validation:accuracy={0.9 + i / 100}")
for name in ("precision", "recall", "f1"):
    print(f"{name}=0.97")
joblib.dump(model, os.path.join(model_dir, "model.joblib"))
"""
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
print("f1=0.97")
joblib.dump(Tree(), os.path.join(os.environ["SM_MODEL_DIR"], "model.joblib"))
"""
# Other names for the metrics, another form to print them in, a pickle in a sub-folder.
DIFFERENT = TRAIN.replace('print(f"{name}=0.97")', 'print(f"Test {name.title()}: 9.7e-1")').replace(
    'joblib.dump(model, os.path.join(model_dir, "model.joblib"))',
    'os.makedirs(f"{model_dir}/m"); joblib.dump(model, f"{model_dir}/m/digits.pkl")',
)
ROUND = {"Name": "round accuracy", "Regex": "validation:accuracy=([0-9.]+)"}
OTHER_DEFINITIONS = [ROUND] + [
    {"Name": f"held-out {name}", "Regex": f"Test {name.title()}: ([0-9.e-]+)"}
    for name in ("precision", "recall", "f1")
]
OURS = metrics.metric_definitions()
# Job: its script, its metric definitions, and its channel.
JOBS = {
    "right": (TRAIN, OURS, "train"),
    "different": (DIFFERENT, OTHER_DEFINITIONS, "train"),
    "label-forgotten": (TRAIN.replace("iloc[:, :-1]", "iloc[:, :-2]"), OURS, "train"),
    "crashed": ("raise ValueError('no digits today')", OURS, "train"),
    "no-model": ("print('precision=1')", OURS, "train"),
    "other-channel": (TRAIN.replace("CHANNEL_TRAIN", "CHANNEL_DIGITS"), OURS, "digits"),
    "no-definitions": (TRAIN, [], "train"),
    "no-f1": (TRAIN, metrics.metric_definitions("precision", "recall"), "train"),
    "no-match": (TRAIN, OURS[:3] + [{"Name": "f1", "Regex": "F1: ([0-9.]+)"}], "train"),
    "percent": (TRAIN, OURS[:3] + [{"Name": "f1", "Regex": "f1=0.([0-9]+)"}], "train"),
    "other-version": (OTHER_VERSION, OURS, "train"),
    "other-version-low": (OTHER_VERSION.replace("f1=0.97", "f1=0.93"), OURS, "train"),
    "other-version-mute": (OTHER_VERSION.replace("f1=0.97", "done"), OURS, "train"),
    "no-curve": (TRAIN.replace("range(4)", "range(1)"), OURS, "train"),
}


@pytest.fixture(scope="module")
def session(local_cloud):
    """A session of a local cloud on which every job of the table has ended."""
    with local_session(local_cloud) as session:
        session.client("s3").create_bucket(Bucket=BUCKET)
        session.client("s3").upload_file(str(data.TRAIN_CSV), BUCKET, "data/train.csv")
        for name, (script, definitions, channel) in JOBS.items():
            algorithm = {"TrainingImage": IMAGE, "TrainingInputMode": "File"}
            algorithm["MetricDefinitions"] = definitions
            start_job(session, name, script, BUCKET, [channel], AlgorithmSpecification=algorithm)
        for name in JOBS:
            if name != "crashed":
                wait_for_job(session, name)
        yield session


@pytest.fixture
def folder(tmp_path) -> Path:
    """A participant's folder with the right script."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "train.py").write_text(TRAIN)
    return tmp_path


def assert_failed(verdict, *words: str):
    assert isinstance(verdict, NotYet), verdict
    for word in words:
        assert word in verdict.sentence
    assert "\n" not in verdict.sentence


@pytest.mark.parametrize("job", ["right", "different"])
def test_task_3_passes_what_is_right(session, folder, job):
    verdict = chapter_1.task_3.verdict(session, job, folder)
    assert isinstance(verdict, Done), verdict
    assert "ten digits" in verdict.sentence


def test_task_3_judges_by_the_log_a_model_that_only_another_scikit_learn_reads(session, folder):
    verdict = chapter_1.task_3.verdict(session, "other-version", folder)
    assert isinstance(verdict, Done), verdict
    assert "scikit-learn 1.2.1" in verdict.sentence
    assert "97.0% or better" in verdict.sentence


@pytest.mark.parametrize(
    ("job", "words"),
    [
        ("never-made", ["no training job never-made", "fit()"]),
        ("crashed", ["Failed, not Completed"]),
        ("label-forgotten", ["63 features"]),
        ("no-model", ["There is no s3://checks/no-model/output/model.tar.gz", "SM_MODEL_DIR"]),
        ("other-channel", ["no channel named train"]),
        ("other-version-low", ["a score of 93.0%"]),
        ("other-version-mute", ["printed no score"]),
    ],
)
def test_task_3_says_what_is_missing(session, folder, job, words):
    assert_failed(chapter_1.task_3.verdict(session, job, folder), *words)


@pytest.mark.parametrize("variable", ["SM_MODEL_DIR", "SM_CHANNEL_TRAIN"])
def test_task_3_asks_for_the_defaults_sagemaker_sets(session, folder, variable):
    (folder / "src" / "train.py").write_text(TRAIN.replace(variable, "HOME"))
    assert_failed(chapter_1.task_3.verdict(session, "right", folder), variable)


def test_task_3_asks_for_the_script(session, tmp_path):
    assert_failed(chapter_1.task_3.verdict(session, "right", tmp_path), "no src/train.py")


@pytest.mark.parametrize("job", ["right", "different"])
def test_task_4_passes_what_is_right(session, job):
    verdict = chapter_1.task_4.verdict(session, job)
    assert isinstance(verdict, Done), verdict
    assert "4 rounds" in verdict.sentence


@pytest.mark.parametrize(
    ("job", "words"),
    [
        ("never-made", ["no training job never-made"]),
        ("crashed", ["Failed, not Completed"]),
        ("no-definitions", ["metric_definitions"]),
        ("no-f1", ["No metric definition is for f1"]),
        ("no-match", ["regex of f1 matched nothing"]),
        ("percent", ["f1 is 97, not between 0 and 1"]),
        ("no-curve", ["no curve", "after each round"]),
    ],
)
def test_task_4_says_what_is_missing(session, job, words):
    assert_failed(chapter_1.task_4.verdict(session, job), *words)


def test_a_model_gone_from_s3_is_told_so(session, folder):
    session.client("s3").delete_object(Bucket=BUCKET, Key="no-curve/output/model.tar.gz")
    verdict = chapter_1.task_3.verdict(session, "no-curve", folder)
    assert_failed(verdict, "There is no s3://checks/no-curve/output/model.tar.gz")


@pytest.mark.parametrize("task", ["task_3", "task_4"])
def test_a_cloud_that_cannot_be_reached_is_not_the_participants_fault(folder, task):
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}
    unreachable = boto3.Session(**keys)
    client = unreachable.client("sagemaker", endpoint_url="http://127.0.0.1:9")
    unreachable.client = lambda name, **options: client
    work = (unreachable, "right", folder) if task == "task_3" else (unreachable, "right")
    assert isinstance(getattr(chapter_1, task).verdict(*work), OurFault)
