"""The SageMaker SDK, unmodified, deploys to the local cloud, predicts, updates and deletes."""

import io
import json
import subprocess
import sys
import tarfile
import textwrap
from pathlib import Path

import joblib
import pytest
from deployer import Deployer
from sklearn.dummy import DummyRegressor

# Adds what its model predicts to the first column.
PREDICT = """
import os
import joblib

def model_fn(model_dir):
    return joblib.load(os.path.join(model_dir, "model.joblib"))

def predict_fn(data, model):
    return model.predict(data) + data[:, 0]
"""
TRAIN = """
import joblib
import os
from sklearn.dummy import DummyRegressor

def model_fn(model_dir):
    return joblib.load(os.path.join(model_dir, "model.joblib"))

if __name__ == "__main__":
    model = DummyRegressor(strategy="constant", constant=10).fit([[0]], [10])
    joblib.dump(model, os.path.join(os.environ["SM_MODEL_DIR"], "model.joblib"))
"""
SETUP = """
import json
import boto3
import numpy as np
import sagemaker
from sagemaker.deserializers import JSONDeserializer
from sagemaker.predictor import Predictor
from sagemaker.serializers import CSVSerializer
from sagemaker.sklearn.estimator import SKLearn
from sagemaker.sklearn.model import SKLearnModel

session = sagemaker.session.Session(boto_session=boto3.Session())
client = session.sagemaker_client
role = sagemaker.get_execution_role()
ROWS = np.array([[1.0, 0.0], [2.0, 0.0]])
settings = dict(role=role, framework_version="1.2-1", py_version="py3", sagemaker_session=session)
on_one_instance = dict(initial_instance_count=1, instance_type="ml.m5.large")

def model_of(url):
    return SKLearnModel(model_data=url, entry_point="predict.py", source_dir="src", **settings)

def status(name):
    return client.describe_endpoint(EndpointName=name)["EndpointStatus"]

def report(**what):
    print("\\nRESULT", json.dumps(what))  # The SDK has printed dots before.
"""


class Notebook:
    """Runs the SDK in a process of its own, in a folder with a script that serves."""

    def __init__(self, deployer: Deployer, folder: Path) -> None:
        self.deployer = deployer
        self.folder = folder
        (folder / "src").mkdir()
        (folder / "src" / "predict.py").write_text(PREDICT)
        (folder / "src" / "train.py").write_text(TRAIN)

    def run(self, code: str) -> dict:
        """Run code after the setup; return what it reports."""
        (self.folder / "notebook.py").write_text(SETUP + textwrap.dedent(code))
        finished = subprocess.run(
            [sys.executable, "notebook.py"],
            cwd=self.folder,
            env=self.deployer.cloud.env,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert finished.returncode == 0, finished.stderr
        lines = finished.stdout.splitlines()
        reports = [json.loads(line[7:]) for line in lines if line.startswith("RESULT ")]
        return {name: value for each in reports for name, value in each.items()}


@pytest.fixture(scope="module")
def notebook(local_cloud, tmp_path_factory) -> Notebook:
    return Notebook(Deployer(local_cloud), tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def urls(notebook) -> dict[str, str]:
    """The URIs of artifacts that predict 10 and 20, by these numbers."""
    return {
        number: notebook.deployer.put(f"{number}.tar.gz", artifact(int(number)))
        for number in ("10", "20")
    }


def artifact(number: int) -> bytes:
    """Return the model.tar.gz of a model that always predicts this number."""
    dumped, archive = io.BytesIO(), io.BytesIO()
    joblib.dump(DummyRegressor(strategy="constant", constant=number).fit([[0]], [0]), dumped)
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        info = tarfile.TarInfo("model.joblib")
        info.size = dumped.tell()
        tar.addfile(info, io.BytesIO(dumped.getvalue()))
    return archive.getvalue()


@pytest.mark.slow
def test_an_estimator_deploys_itself_and_models_made_of_it(notebook):
    report = notebook.run(
        """
        estimator = SKLearn(entry_point="train.py", source_dir="src",
                            instance_type="ml.m5.large", **settings)
        estimator.fit()
        itself = estimator.deploy(**on_one_instance)
        attached = SKLearn.attach(estimator.latest_training_job.name, sagemaker_session=session)
        model = attached.create_model(entry_point="predict.py", source_dir="src")
        other = model.deploy(**on_one_instance)
        report(itself=itself.predict(ROWS).tolist(), other=other.predict(ROWS).tolist())
        itself.delete_endpoint()
        other.delete_endpoint()
        """
    )
    assert report == {"itself": [10, 10], "other": [11, 12]}


@pytest.mark.slow
def test_a_model_is_deployed_found_by_name_updated_and_deleted(notebook, urls):
    report = notebook.run(
        f"""
        model, second = model_of("{urls["10"]}"), model_of("{urls["20"]}")
        second.create(instance_type="ml.m5.large")
        model.deploy(endpoint_name="named", wait=False, **on_one_instance)
        report(at_once=status("named"))
        session.wait_for_endpoint("named")
        predictor = Predictor("named", sagemaker_session=session, serializer=CSVSerializer(),
                              deserializer=JSONDeserializer())
        first_config = client.describe_endpoint(EndpointName="named")["EndpointConfigName"]
        report(by_csv=predictor.predict(ROWS))
        predictor.update_endpoint(model_name=second.name, **on_one_instance)
        report(updated=predictor.predict(ROWS))
        predictor.update_endpoint(initial_instance_count=2, instance_type="ml.c5.large",
                                  model_name=second.name, wait=False)
        report(updating=status("named"))
        session.wait_for_endpoint("named")
        (variant,) = client.describe_endpoint(EndpointName="named")["ProductionVariants"]
        report(instances=variant["CurrentInstanceCount"])
        predictor.delete_endpoint(delete_endpoint_config=False)
        client.get_waiter("endpoint_deleted").wait(EndpointName="named")
        configs = client.list_endpoint_configs(NameContains="named")["EndpointConfigs"]
        names = [config["EndpointConfigName"] for config in configs]
        report(configs=len(names), first=first_config in names)
        model.delete_model()
        """
    )
    assert report == {
        "at_once": "Creating",
        "by_csv": [11, 12],
        "updated": [21, 22],
        "updating": "Updating",
        "instances": 2,
        "configs": 3,
        "first": True,
    }


@pytest.mark.slow
def test_a_serverless_endpoint_is_deployed(notebook, urls):
    report = notebook.run(
        f"""
        from sagemaker.serverless import ServerlessInferenceConfig
        serverless = ServerlessInferenceConfig(memory_size_in_mb=1024, max_concurrency=2)
        predictor = model_of("{urls["10"]}").deploy(serverless_inference_config=serverless)
        report(answer=predictor.predict(ROWS).tolist())
        described = client.describe_endpoint(EndpointName=predictor.endpoint_name)
        report(config=described["ProductionVariants"][0]["CurrentServerlessConfig"])
        predictor.delete_endpoint()
        """
    )
    assert report == {
        "answer": [11, 12],
        "config": {"MemorySizeInMB": 1024, "MaxConcurrency": 2},
    }


@pytest.mark.slow
def test_an_asynchronous_endpoint_is_deployed(notebook, urls):
    report = notebook.run(
        f"""
        from sagemaker.async_inference import AsyncInferenceConfig
        model = model_of("{urls["10"]}")
        predictor = model.deploy(async_inference_config=AsyncInferenceConfig(), **on_one_instance)
        answer = predictor.predict_async(ROWS).get_result()
        described = client.describe_endpoint(EndpointName=predictor.endpoint_name)
        report(answer=answer.tolist(), described="AsyncInferenceConfig" in described)
        predictor.delete_endpoint()
        """
    )
    assert report == {"answer": [11, 12], "described": True}


@pytest.mark.slow
def test_a_failed_deployment_raises_with_the_reason(notebook, urls):
    (notebook.folder / "src" / "broken.py").write_text("raise ValueError('boom')")
    report = notebook.run(
        f"""
        model = SKLearnModel(model_data="{urls["10"]}", entry_point="broken.py",
                             source_dir="src", **settings)
        try:
            model.deploy(endpoint_name="broken", **on_one_instance)
        except sagemaker.exceptions.UnexpectedStatusException as error:
            report(status=error.actual_status, text=str(error))
        session.delete_endpoint("broken")
        """
    )
    assert report["status"] == "Failed"
    assert "did not pass the ping health check" in report["text"]
