"""The SageMaker SDK, unmodified, transforms on the local cloud: runs, waits, attaches and stops."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from test_deploy_sdk import PREDICT, TRAIN, artifact
from transforms import Transforms

SETUP = """
import json
import boto3
import numpy as np
import sagemaker
from sagemaker.inputs import BatchDataCaptureConfig
from sagemaker.s3 import S3Downloader
from sagemaker.sklearn.estimator import SKLearn
from sagemaker.sklearn.model import SKLearnModel
from sagemaker.transformer import Transformer

session = sagemaker.session.Session(boto_session=boto3.Session())
client = session.sagemaker_client
role = sagemaker.get_execution_role()
settings = dict(role=role, framework_version="1.2-1", py_version="py3", sagemaker_session=session)
tags = [{"Key": "made", "Value": "by-sdk"}]

def model_of(url):
    return SKLearnModel(model_data=url, entry_point="predict.py", source_dir="src", **settings)

def job(transformer):
    return session.describe_transform_job(transformer.latest_transform_job.name)

def output(transformer, name="rows.csv.out"):
    return S3Downloader.read_file(f"{transformer.output_path}/{name}", sagemaker_session=session)

def report(**what):
    print("\\nRESULT", json.dumps(what))  # The SDK has printed dots before.
"""


class Notebook:
    """Runs the SDK in a process of its own, in a folder with a script that serves."""

    def __init__(self, transforms: Transforms, folder: Path) -> None:
        self.transforms = transforms
        self.folder = folder
        self.urls = {
            "data": transforms.put("sdk/rows.csv", b"1,0\n2,0\n3,0\n"),
            "with_ids": transforms.put("ids/rows.csv", b"7,1,0\n8,2,0\n"),
            "bad": transforms.put("bad/rows.csv", b"a,b\n"),
            "model": transforms.put("sdk/model.tar.gz", artifact(10)),
        }
        (folder / "src").mkdir()
        (folder / "src" / "predict.py").write_text(PREDICT)
        (folder / "src" / "train.py").write_text(TRAIN)

    def run(self, code: str) -> tuple[str, dict]:
        """Run code after the setup; return what it printed, and what it reported."""
        urls = "".join(f"{name} = {url!r}\n" for name, url in self.urls.items())
        (self.folder / "notebook.py").write_text(SETUP + urls + textwrap.dedent(code))
        finished = subprocess.run(
            [sys.executable, "notebook.py"],
            cwd=self.folder,
            env=self.transforms.cloud.env,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert finished.returncode == 0, finished.stderr
        lines = finished.stdout.splitlines()
        reports = [json.loads(line[7:]) for line in lines if line.startswith("RESULT ")]
        return finished.stdout, {name: v for each in reports for name, v in each.items()}


@pytest.fixture(scope="module")
def notebook(local_cloud, tmp_path_factory) -> Notebook:
    return Notebook(Transforms(local_cloud), tmp_path_factory.mktemp("project"))


@pytest.mark.slow
def test_an_estimator_transforms_and_another_transformer_is_attached_to_its_job(notebook):
    """As the SDK's own integration tests do."""
    printed, report = notebook.run(
        """
        estimator = SKLearn("train.py", source_dir="src", instance_type="ml.m5.large", **settings)
        estimator.fit(logs=False)
        transformer = estimator.transformer(1, "ml.m5.large", tags=tags)
        transformer.transform(data, content_type="text/csv", input_filter="$", output_filter="$",
                              job_name="first", wait=True, logs=True)
        report(default_path=transformer.output_path, answers=output(transformer))
        attached = Transformer.attach("first", sagemaker_session=session)
        attached.wait(logs=False)
        report(attached=[attached.model_name == transformer.model_name, attached.output_path])
        arns = [job(transformer)["TransformJobArn"],
                client.describe_model(ModelName=transformer.model_name)["ModelArn"]]
        report(tags=[client.list_tags(ResourceArn=arn)["Tags"] for arn in arns])
        transformer.transform(data, content_type="text/csv", job_name="second", logs=False)
        report(another_path=transformer.output_path)
        transformer.delete_model()
        names = [model["ModelName"] for model in client.list_models()["Models"]]
        report(deleted=transformer.model_name not in names)
        """
    )
    default = "s3://sagemaker-us-east-1-111122223333"
    assert report == {
        "default_path": f"{default}/first",
        "answers": "[10, 10, 10]",
        "attached": [True, f"{default}/first"],
        "tags": [[{"Key": "made", "Value": "by-sdk"}]] * 2,
        "another_path": f"{default}/second",
        "deleted": True,
    }
    assert "POST /invocations" in printed
    assert "MaxConcurrentTransforms=1, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD" in printed


@pytest.mark.slow
def test_a_model_transforms_filtered_and_joined_records(notebook):
    _, report = notebook.run(
        """
        transformer = model_of(model).transformer(
            2, "ml.m5.large", strategy="MultiRecord", assemble_with="Line", accept="text/csv",
            max_payload=1, max_concurrent_transforms=2, env={"A": "1"},
            output_path="s3://models/joined",
        )
        transformer.transform(
            with_ids, content_type="text/csv", split_type="Line", input_filter="$[1:]",
            join_source="Input", output_filter="$[0,-1]",
            model_client_config={"InvocationsTimeoutInSeconds": 60, "InvocationsMaxRetries": 2},
            experiment_config={"TrialComponentDisplayName": "shown"},
        )
        # What lets the SDK's waits end soon after the job.
        report(clock=type(sagemaker.session.time).__name__)
        report(answers=output(transformer), **{
            member: job(transformer)[member]
            for member in ("MaxPayloadInMB", "Environment", "ModelClientConfig", "DataProcessing")
        })
        transformer.transform(
            data, content_type="text/csv",
            batch_data_capture_config=BatchDataCaptureConfig("s3://models/captured"))
        report(captured=job(transformer)["DataCaptureConfig"]["DestinationS3Uri"])
        """
    )
    assert report == {
        "clock": "BriefClock",
        "answers": "7,11.0\n8,12.0\n",
        "MaxPayloadInMB": 1,
        "Environment": {"A": "1"},
        "ModelClientConfig": {"InvocationsTimeoutInSeconds": 60, "InvocationsMaxRetries": 2},
        "DataProcessing": {
            "InputFilter": "$[1:]",
            "OutputFilter": "$[0,-1]",
            "JoinSource": "Input",
        },
        "captured": "s3://models/captured",
    }


@pytest.mark.slow
def test_a_failed_job_raises_and_a_stopped_one_stays_stopped(notebook):
    printed, report = notebook.run(
        """
        transformer = model_of(model).transformer(1, "ml.m5.large")
        try:
            transformer.transform(bad, content_type="text/csv")
        except sagemaker.exceptions.UnexpectedStatusException as error:
            report(status=error.actual_status, reason=job(transformer)["FailureReason"])
        transformer.transform(data, content_type="text/csv", wait=False)
        transformer.stop_transform_job()
        ended = job(transformer)["TransformJobStatus"]
        transformer.stop_transform_job(wait=False)
        report(ended=ended)
        """
    )
    assert report["status"] == "Failed"
    assert report["reason"] == "AlgorithmError: See job logs for more information"
    # It may have completed before it was stopped; that it is stopped twice does no harm.
    assert report["ended"] in ("Stopped", "Completed")
    assert "Bad HTTP status received from algorithm: 500" in printed
