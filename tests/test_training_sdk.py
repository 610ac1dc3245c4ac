"""The SageMaker SDK, unmodified, trains on the local cloud."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from trainer import Trainer

TRAIN = """
import argparse
import os

import joblib
import numpy as np
from sklearn.ensemble import RandomForestClassifier

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--n-estimators", type=int, default=1)
    parser.add_argument("--model-dir", default=os.environ.get("SM_MODEL_DIR"))
    parser.add_argument("--train", default=os.environ.get("SM_CHANNEL_TRAIN"))
    args = parser.parse_args()
    rows = np.loadtxt(os.path.join(args.train, "train.csv"), delimiter=",")
    model = RandomForestClassifier(n_estimators=args.n_estimators, random_state=0)
    model.fit(rows[:, :-1], rows[:, -1])
    print(f"accuracy={model.score(rows[:, :-1], rows[:, -1])}")
    joblib.dump(model, os.path.join(args.model_dir, "model.joblib"))
"""

FIT = """
import json
import boto3
import sagemaker
from sagemaker.sklearn.estimator import SKLearn

session = sagemaker.session.Session(boto_session=boto3.Session())
data = session.upload_data("data", key_prefix="sdk/data")
estimator = SKLearn(
    entry_point="train.py",
    source_dir="src",
    role=sagemaker.get_execution_role(),
    framework_version="1.2-1",
    py_version="py3",
    instance_type="ml.m5.large",
    hyperparameters={"n-estimators": 7},
    metric_definitions=[{"Name": "accuracy", "Regex": "accuracy=([0-9.]+)"}],
    tags=[{"Key": "made", "Value": "by-sdk"}],
    sagemaker_session=session,
)
estimator.fit({"train": data})
name = estimator.latest_training_job.name
attached = SKLearn.attach(name, sagemaker_session=session)
frame = sagemaker.TrainingJobAnalytics(name, ["accuracy"], sagemaker_session=session).dataframe()
print("RESULT", json.dumps({
    "name": name,
    "model_data": estimator.model_data,
    "attached_model_data": attached.model_data,
    "attached_hyperparameters": attached.hyperparameters(),
    "analytics": frame["value"].tolist(),
}))
"""


def run(cloud, folder: Path, code: str) -> subprocess.CompletedProcess:
    (folder / "notebook.py").write_text(code)
    return subprocess.run(
        [sys.executable, "notebook.py"], cwd=folder, env=cloud.env, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with a source directory and data."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "src").mkdir()
    (folder / "src" / "train.py").write_text(TRAIN)
    # What is installed already, so that pip needs no network.
    (folder / "src" / "requirements.txt").write_text("numpy\nscikit-learn>=1.0\n")
    (folder / "data").mkdir()
    rows = [f"{n % 5},{n % 2},{n % 2}" for n in range(60)]
    (folder / "data" / "train.csv").write_text("\n".join(rows))
    return folder


@pytest.fixture(scope="module")
def fit(local_cloud, folder) -> tuple[str, dict]:
    """What the notebook printed, and its result."""
    finished = run(local_cloud, folder, FIT)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    output, _, result = finished.stdout.partition("RESULT ")
    return output, json.loads(result)


@pytest.fixture(scope="module")
def trainer(local_cloud) -> Trainer:
    return Trainer(local_cloud)


def test_fit_trains_and_prints_the_steps_the_log_and_the_seconds(fit):
    output, _ = fit
    assert "Starting - Starting the training job" in output
    assert "accuracy=1.0" in output
    assert "Training job completed" in output
    assert "Billable seconds: " in output


def test_requirements_that_are_met_need_no_network(fit):
    output, _ = fit
    assert "Requirement already satisfied: scikit-learn" in output


def test_the_model_is_where_the_estimator_says(trainer, fit):
    _, result = fit
    bucket, _, key = result["model_data"].removeprefix("s3://").partition("/")
    assert key == f"{result['name']}/output/model.tar.gz"
    assert trainer.s3.head_object(Bucket=bucket, Key=key)["ContentLength"] > 500


def test_attach_gives_the_same_estimator(fit):
    _, result = fit
    assert result["attached_model_data"] == result["model_data"]
    assert result["attached_hyperparameters"]["n-estimators"] == "7"


def test_analytics_read_the_metric_from_cloudwatch(fit):
    _, result = fit
    assert result["analytics"] == [1.0]


def test_what_the_sdk_sends_is_described_back(trainer, fit):
    _, result = fit
    job = trainer.describe(result["name"])
    assert job["TrainingJobStatus"] == "Completed"
    assert job["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3DataType"] == "S3Prefix"
    assert job["StoppingCondition"]["MaxRuntimeInSeconds"] == 86400
    assert job["ResourceConfig"]["VolumeSizeInGB"] == 30
    assert job["FinalMetricDataList"][0]["MetricName"] == "accuracy"
    assert "sagemaker_submit_directory" in job["HyperParameters"]
    tags = trainer.sagemaker.list_tags(ResourceArn=job["TrainingJobArn"])["Tags"]
    assert {"Key": "made", "Value": "by-sdk"} in tags


@pytest.mark.slow
def test_a_failed_fit_raises_with_the_reason(local_cloud, folder):
    code = textwrap.dedent(
        """
        import sagemaker
        from sagemaker.sklearn.estimator import SKLearn
        estimator = SKLearn(
            entry_point="broken.py", role=sagemaker.get_execution_role(),
            framework_version="1.2-1", instance_type="ml.m5.large",
        )
        try:
            estimator.fit()
        except sagemaker.exceptions.UnexpectedStatusException as error:
            print("REFUSED", error.actual_status, error)
        """
    )
    (folder / "broken.py").write_text("raise ValueError('boom')")
    finished = run(local_cloud, folder, code)
    assert finished.returncode == 0, finished.stderr
    assert "ValueError: boom" in finished.stdout
    assert "REFUSED Failed" in finished.stdout
    assert "AlgorithmError: ExecuteUserScriptError" in finished.stdout
