"""The SageMaker SDK, unmodified, processes on the local cloud, by each of its processors."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SETUP = """
import json, time
import boto3
import sagemaker
from sagemaker.huggingface import HuggingFaceProcessor
from sagemaker.network import NetworkConfig
from sagemaker.processing import (
    FrameworkProcessor, ProcessingInput, ProcessingJob, ProcessingOutput, Processor, ScriptProcessor
)
from sagemaker.pytorch.processing import PyTorchProcessor
from sagemaker.s3 import S3Downloader
from sagemaker.sklearn.estimator import SKLearn
from sagemaker.sklearn.processing import SKLearnProcessor

session = sagemaker.session.Session(boto_session=boto3.Session())
client = session.sagemaker_client
role = sagemaker.get_execution_role()
on = dict(role=role, instance_count=1, instance_type="ml.m5.large", sagemaker_session=session)
image = sagemaker.image_uris.retrieve(
    "sklearn", "us-east-1", version="1.2-1", py_version="py3", instance_type="ml.m5.large"
)

def stored(output):
    where = getattr(output, "destination", output)
    names = S3Downloader.list(where, sagemaker_session=session)
    return {n[len(where):]: S3Downloader.read_file(n, sagemaker_session=session) for n in names}

def report(**what):
    print("\\nRESULT", json.dumps(what))  # The SDK has printed dots before.
"""
# After the examples of SageMaker's guide: the census' preprocessing.
SPLIT = """
import argparse
import os
import pandas as pd
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--train-test-split-ratio", type=float, default=0.3)
args, _ = parser.parse_known_args()
print("Received arguments", args)
df = pd.read_csv(os.path.join("/opt/ml/processing/input", "rows.csv"))
train, test = train_test_split(df, test_size=args.train_test_split_ratio, random_state=0)
train.to_csv(os.path.join("/opt/ml/processing/train", "train.csv"), index=False)
test.to_csv(os.path.join("/opt/ml/processing/test", "test.csv"), index=False)
"""


class Notebook:
    """Runs the SDK in a process of its own, in a folder with scripts and data."""

    def __init__(self, cloud, folder: Path) -> None:
        self.cloud = cloud
        self.folder = folder
        rows = "a,b\n" + "".join(f"{n},{n % 2}\n" for n in range(10))
        self.write("rows.csv", rows)
        self.write("split.py", SPLIT)
        self.write("dummy.py", "import sys; print('with', sys.argv[1:])")

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))

    def run(self, code: str) -> tuple[str, dict]:
        """Run code after the setup; return what it printed, and what it reported."""
        self.write("notebook.py", SETUP + textwrap.dedent(code))
        finished = subprocess.run(
            [sys.executable, "notebook.py"],
            cwd=self.folder,
            env=self.cloud.env,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert finished.returncode == 0, finished.stderr + finished.stdout
        lines = finished.stdout.splitlines()
        reports = [json.loads(line[7:]) for line in lines if line.startswith("RESULT ")]
        return finished.stdout, {name: v for each in reports for name, v in each.items()}


@pytest.fixture(scope="module")
def notebook(local_cloud, tmp_path_factory) -> Notebook:
    return Notebook(local_cloud, tmp_path_factory.mktemp("project"))


def test_scikit_learns_processor_splits_data(notebook):
    printed, report = notebook.run(
        """
        processor = SKLearnProcessor(framework_version="1.2-1", **on)
        began = time.monotonic()
        processor.run(
            code="split.py",
            inputs=[ProcessingInput(source="rows.csv", destination="/opt/ml/processing/input")],
            outputs=[
                ProcessingOutput(output_name="train_data", source="/opt/ml/processing/train"),
                ProcessingOutput(output_name="test_data", source="/opt/ml/processing/test"),
            ],
            arguments=["--train-test-split-ratio", "0.2"],
        )
        took_s = time.monotonic() - began
        job = processor.jobs[-1]
        outputs = {o.output_name: stored(o) for o in job.outputs}
        description = job.describe()
        ran_s = (description["ProcessingEndTime"] - description["CreationTime"]).total_seconds()
        config = description["ProcessingOutputConfig"]["Outputs"]
        named = {o["OutputName"]: o["S3Output"]["S3Uri"] for o in config}
        report(
            waited_s=took_s - ran_s,
            rows={name: "".join(files.values()).count(",") - 1 for name, files in outputs.items()},
            uris=[uri.replace(job.job_name, "<job>") for uri in named.values()],
            inputs=[one["InputName"] for one in description["ProcessingInputs"]],
            status=description["ProcessingJobStatus"],
        )
        """
    )
    assert "Received arguments Namespace(train_test_split_ratio=0.2)" in printed
    waited_s = report.pop("waited_s")
    assert waited_s < 5, "the SDK waits briefly, even on a machine that has much to do"
    bucket = "s3://sagemaker-us-east-1-111122223333"
    assert report == {
        "rows": {"train_data": 8, "test_data": 2},
        "uris": [f"{bucket}/<job>/output/train_data", f"{bucket}/<job>/output/test_data"],
        "inputs": ["input-1", "code"],
        "status": "Completed",
    }


def test_a_script_processor_and_what_knows_its_job(notebook):
    """After AWS's own tests of the SDK, tests/integ/test_processing.py."""
    printed, report = notebook.run(
        """
        processor = ScriptProcessor(
            image_uri=image, command=["python3"], volume_size_in_gb=100, output_kms_key="key",
            max_runtime_in_seconds=3600, base_job_name="test-script-processor",
            env={"DUMMY_ENVIRONMENT_VARIABLE": "dummy-value"},
            tags=[{"Key": "dummy-tag", "Value": "dummy-tag-value"}], **on,
        )
        processor.run(
            code="dummy.py",
            inputs=[ProcessingInput(
                source="rows.csv", destination="/opt/ml/processing/input/container/path/",
                input_name="dummy_input", s3_data_type="S3Prefix", s3_input_mode="File",
                s3_data_distribution_type="FullyReplicated", s3_compression_type="None",
            )],
            outputs=[ProcessingOutput(
                source="/opt/ml/processing/output/container/path/", output_name="dummy_output",
                s3_upload_mode="EndOfJob",
            )],
            arguments=["-v"],
        )
        job = processor.latest_job.describe()
        again = ProcessingJob.from_processing_name(session, job["ProcessingJobName"])
        arn = ProcessingJob.from_processing_arn(session, job["ProcessingJobArn"])
        report(
            inputs=[one["InputName"] for one in job["ProcessingInputs"]],
            cluster=job["ProcessingResources"]["ClusterConfig"],
            application={k: v for k, v in job["AppSpecification"].items() if v != image},
            environment=job["Environment"], limit=job["StoppingCondition"],
            key=job["ProcessingOutputConfig"]["KmsKeyId"],
            tags=client.list_tags(ResourceArn=job["ProcessingJobArn"])["Tags"],
            same=again.describe()["ProcessingJobArn"] == job["ProcessingJobArn"],
            names=arn.job_name == again.job_name,
            output=[o.source for o in again.outputs],
            successful=session.was_processing_job_successful(job["ProcessingJobName"]),
        )
        again.wait(logs=False)
        """
    )
    assert "with ['-v']" in printed
    assert report == {
        "inputs": ["dummy_input", "code"],
        "cluster": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 100},
        "application": {
            "ContainerArguments": ["-v"],
            "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/dummy.py"],
        },
        "environment": {"DUMMY_ENVIRONMENT_VARIABLE": "dummy-value"},
        "limit": {"MaxRuntimeInSeconds": 3600},
        "key": "key",
        "tags": [{"Key": "dummy-tag", "Value": "dummy-tag-value"}],
        "same": True,
        "names": True,
        "output": ["/opt/ml/processing/output/container/path/"],
        "successful": True,
    }


def test_a_framework_processor_installs_what_its_code_requires_for_the_job_alone(notebook):
    notebook.write("src/requirements.txt", "./greeting\n")
    notebook.write(
        "src/greeting/pyproject.toml",
        """
        [build-system]
        requires = ["setuptools"]
        build-backend = "setuptools.build_meta"
        [project]
        name = "maze-greeting"
        version = "1.0"
        [tool.setuptools]
        py-modules = ["maze_greeting"]
        """,
    )
    notebook.write("src/greeting/maze_greeting.py", "TEXT = 'hello'")
    notebook.write(
        "src/process.py",
        """
        import sys
        import helper, maze_greeting
        print(helper.NAME, maze_greeting.TEXT, sys.argv[1:])
        open("/opt/ml/processing/out/a.txt", "w").write("done")
        """,
    )
    notebook.write("src/helper.py", "NAME = 'helper'")
    printed, report = notebook.run(
        """
        processor = FrameworkProcessor(
            estimator_cls=SKLearn, framework_version="1.2-1",
            env={"PIP_NO_BUILD_ISOLATION": "0"}, **on,
        )
        processor.run(
            code="process.py", source_dir="src", arguments=["--a", "b c"],
            outputs=[ProcessingOutput(source="/opt/ml/processing/out")],
        )
        job = processor.latest_job
        report(
            outputs=stored(job.outputs[0]), names=[o.output_name for o in job.outputs],
            entry_point=job.describe()["AppSpecification"]["ContainerEntrypoint"],
        )
        """
    )
    assert "helper hello ['--a', 'b c']" in printed
    assert report == {
        "outputs": {"/a.txt": "done"},
        "names": ["output-1"],
        "entry_point": ["/bin/bash", "/opt/ml/processing/input/entrypoint/runproc.sh"],
    }
    # The server's own environment has none of it.
    seen = subprocess.run([sys.executable, "-c", "import maze_greeting"], capture_output=True)
    assert b"No module named 'maze_greeting'" in seen.stderr


def test_the_processors_of_pytorch_and_hugging_face_and_one_with_an_entry_point(notebook):
    printed, report = notebook.run(
        """
        hugging_face = image.replace(
            "sagemaker-scikit-learn:1.2-1-cpu-py3",
            "huggingface-pytorch-training:2.1.0-transformers4.36.0-cpu-py310-ubuntu20.04",
        )
        PyTorchProcessor(framework_version="2.1", py_version="py310", **on).run(
            code="dummy.py", arguments=["torch"])
        HuggingFaceProcessor(image_uri=hugging_face, py_version="py310", **on).run(
            code="dummy.py", arguments=["face"])
        processor = Processor(
            image_uri=image, entrypoint=["python3", "/opt/ml/processing/input/code/dummy.py"],
            network_config=NetworkConfig(
                enable_network_isolation=True, encrypt_inter_container_traffic=True
            ),
            **on,
        )
        processor.run(
            inputs=[ProcessingInput(source="dummy.py", destination="/opt/ml/processing/input/code/",
                                    input_name="code")],
            arguments=["entry"],
        )
        report(network=processor.latest_job.describe()["NetworkConfig"])
        """
    )
    assert all(f"with ['{name}']" in printed for name in ("torch", "face", "entry"))
    assert report["network"] == {
        "EnableInterContainerTrafficEncryption": True,
        "EnableNetworkIsolation": True,
    }


def test_data_is_shared_out_over_two_instances(notebook):
    for number in range(5):
        notebook.write(f"many/part-{number}.csv", f"{number}\n")
    notebook.write(
        "count.py",
        """
        import json, os
        host = json.load(open("/opt/ml/config/resourceconfig.json"))["current_host"]
        names = sorted(os.listdir("/opt/ml/processing/input"))
        names = [name for name in names if name.endswith(".csv")]
        open(f"/opt/ml/processing/output/{host}.json", "w").write(json.dumps(names))
        """,
    )
    _, report = notebook.run(
        """
        processor = SKLearnProcessor(framework_version="1.2-1", **{**on, "instance_count": 2})
        processor.run(
            code="count.py",
            inputs=[ProcessingInput(
                source="many", destination="/opt/ml/processing/input",
                s3_data_distribution_type="ShardedByS3Key",
            )],
            outputs=[ProcessingOutput(source="/opt/ml/processing/output")],
        )
        report(found={k: json.loads(v) for k, v in stored(processor.latest_job.outputs[0]).items()})
        """
    )
    found = report["found"]
    assert set(found) == {"/algo-1.json", "/algo-2.json"}
    assert sorted(sum(found.values(), [])) == [f"part-{number}.csv" for number in range(5)]
    assert sorted(map(len, found.values())) == [2, 3]


def test_a_job_that_fails_raises_and_one_that_is_stopped_is_not_waited_for(notebook):
    notebook.write("bad.py", "raise ValueError('bad data')")
    notebook.write("slow.py", "import time; time.sleep(600)")
    printed, report = notebook.run(
        """
        processor = SKLearnProcessor(framework_version="1.2-1", **on)
        try:
            processor.run(code="bad.py")
        except sagemaker.exceptions.UnexpectedStatusException as error:
            reason = processor.latest_job.describe()["FailureReason"]
            report(status=error.actual_status, reason=reason)
        processor.run(code="slow.py", wait=False)
        processor.latest_job.stop()
        processor.latest_job.wait(logs=False)
        report(stopped=processor.latest_job.describe()["ProcessingJobStatus"])
        """
    )
    assert "ValueError: bad data" in printed
    assert report == {
        "status": "Failed",
        "reason": "AlgorithmError: , exit code: 1",
        "stopped": "Stopped",
    }
