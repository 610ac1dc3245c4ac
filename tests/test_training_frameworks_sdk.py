"""The SDK's estimators of PyTorch and Hugging Face, and the generic one, unmodified."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from training_folder import PROBE

IMAGES = "763104351884.dkr.ecr.us-east-1.amazonaws.com"
# Reads its channel and its library, and prints a metric.
TRAIN = (
    """
import helpers, os
with open(os.path.join(os.environ["SM_CHANNEL_TRAINING"], "rows.csv")) as file:
    print(f"rows={helpers.count(file)};")
"""
    + PROBE
)
HELPERS = "def count(rows):\n    return len(list(rows))\n"
IMPORTS = """
import json, os
import boto3
import sagemaker
from sagemaker.estimator import Estimator
from sagemaker.huggingface import HuggingFace
from sagemaker.pytorch import PyTorch

session = sagemaker.session.Session(boto_session=boto3.Session())
common = dict(
    role=sagemaker.get_execution_role(), instance_count=1, instance_type="ml.m5.large",
    sagemaker_session=session,
)

def finished(estimator):
    return session.sagemaker_client.describe_training_job(
        TrainingJobName=estimator.latest_training_job.name
    )

def probe(estimator):
    import io, tarfile
    bucket, _, key = estimator.model_data.removeprefix("s3://").partition("/")
    body = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        return json.load(tar.extractfile("probe.json"))

def may_have(instance_type):
    quotas = boto3.client("service-quotas")
    pages = quotas.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
    name = f"{instance_type} for training job usage"
    (code,) = [q["QuotaCode"] for p in pages for q in p["Quotas"] if q["QuotaName"] == name]
    quotas.request_service_quota_increase(ServiceCode="sagemaker", QuotaCode=code, DesiredValue=2)

def report(**result):
    print("RESULT", json.dumps(result, default=str))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A folder as a user has it: sources, a library beside them, data."""
    folder = tmp_path_factory.mktemp("project")
    files = {
        "src/train.py": TRAIN,
        "src/train.sh": '#!/bin/sh\npython train.py "$@"\n',
        "lib/helpers.py": HELPERS,
        "data/rows.csv": "1\n2\n3\n",
        "broken.py": "import missing_library\n",
        "plain.py": PROBE,
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def notebook(local_cloud, project):
    """Runs code as a notebook would, and returns what it printed and its RESULT."""

    def run(code: str) -> tuple[str, dict]:
        finished = subprocess.run(
            [sys.executable, "-c", IMPORTS + textwrap.dedent(code)],
            cwd=project,
            env=local_cloud.env,
            capture_output=True,
            text=True,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
        output, _, result = finished.stdout.partition("RESULT ")
        return output, json.loads(result)

    return run


@pytest.mark.slow
def test_pytorchs_estimator_trains_and_says_why_it_failed(notebook):
    output, result = notebook(
        """
        estimator = PyTorch(
            entry_point="train.py", source_dir="src", dependencies=["lib/helpers.py"],
            framework_version="2.6.0", py_version="py312",
            hyperparameters={"epochs": 3, "lr": 0.5, "names": ["a b", "c"], "flag": True, "e": 1},
            metric_definitions=[{"Name": "rows", "Regex": "rows=([0-9]+);"}], **common,
        )
        estimator.fit({"training": session.upload_data("data", key_prefix="frameworks")})
        good, given = finished(estimator), probe(estimator)
        broken = PyTorch(
            entry_point="broken.py", framework_version="2.6.0", py_version="py312", **common
        )
        try:
            broken.fit(logs=False)
        except sagemaker.exceptions.UnexpectedStatusException:
            bad = finished(broken)
        report(good=good, given=given, bad=bad)
        """
    )
    good, given = result["good"], result["given"]
    assert good["TrainingJobStatus"] == "Completed"
    assert (
        f"{IMAGES}/pytorch-training:2.6.0-cpu-py312"
        == (good["AlgorithmSpecification"]["TrainingImage"])
    )
    assert (good["FinalMetricDataList"][0]["MetricName"], "rows=3;" in output) == ("rows", True)
    assert given["arguments"][1:] == [
        *("-e", "1", "--epochs", "3", "--flag", "True", "--lr", "0.5"),
        *("--names", "['a b', 'c']"),
    ]
    assert given["variables"]["SM_FRAMEWORK_MODULE"] == "sagemaker_pytorch_container.training:main"
    reason = result["bad"]["FailureReason"]
    assert reason.startswith(
        'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "ModuleNotFoundError: '
        "No module named 'missing_library'\"\n"
    )


@pytest.mark.slow
def test_entry_points_of_a_shell_run_in_each_framework(notebook):
    _, result = notebook(
        f"""
        data = {{"training": session.upload_data("data", key_prefix="frameworks")}}
        source = dict(entry_point="train.sh", source_dir="src", dependencies=["lib/helpers.py"])
        given = {{}}
        for name, estimator in {{
            "PyTorch": PyTorch(framework_version="1.13.1", py_version="py39", **source, **common),
            "HuggingFace": HuggingFace(
                image_uri="{IMAGES}/huggingface-pytorch-training:2.5.1-transformers4.49.0-cpu-py311",
                py_version="py311", **source, **common,
            ),
            "Estimator": Estimator("{IMAGES}/pytorch-training:2.6.0-gpu-py312", **source, **common),
        }}.items():
            estimator.set_hyperparameters(epochs=2)
            estimator.fit(data)
            given[name] = probe(estimator)["arguments"][1:]
        report(**given)
        """
    )
    assert result == {name: ["--epochs", "2"] for name in ("PyTorch", "HuggingFace", "Estimator")}


@pytest.mark.slow
def test_a_known_image_runs_what_hyperparameters_name_by_hand(notebook):
    _, result = notebook(
        f"""
        import tarfile
        with tarfile.open("source.tar.gz", "w:gz") as tar:
            tar.add("plain.py")
        source = session.upload_data("source.tar.gz", key_prefix="by-hand")
        estimator = Estimator(
            "{IMAGES}/pytorch-training:2.6.0-cpu-py312",
            hyperparameters={{
                "sagemaker_program": "plain.py", "sagemaker_submit_directory": source, "n": "7",
            }},
            **common,
        )
        estimator.fit()
        report(given=probe(estimator))
        """
    )
    assert result["given"]["arguments"] == ["plain.py", "-n", "7"]


@pytest.mark.slow
def test_hugging_faces_gpu_image_runs_once_the_account_may_have_the_instance(notebook):
    output, result = notebook(
        """
        estimator = HuggingFace(
            entry_point="plain.py", transformers_version="4.49.0", pytorch_version="2.5.1",
            py_version="py311", **{**common, "instance_type": "ml.g4dn.xlarge"},
        )
        try:
            estimator.fit()
        except Exception as error:
            refused = str(error)
        may_have("ml.g4dn.xlarge")
        estimator.fit()
        report(refused=refused, job=finished(estimator))
        """
    )
    assert "ResourceLimitExceeded" in result["refused"]
    assert result["job"]["TrainingJobStatus"] == "Completed"
    assert "The image is made for GPUs." in output
    assert "transformers4.49.0-gpu" in result["job"]["AlgorithmSpecification"]["TrainingImage"]


DISTRIBUTED = """
import os
import torch
import torch.distributed as dist

dist.init_process_group("gloo")
torch.manual_seed(dist.get_rank())
model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(3, 1))
loss = model(torch.randn(8, 3)).square().mean()
loss.backward()
gradient = model.module.weight.grad.sum().item()
print(f"rank {dist.get_rank()} of {dist.get_world_size()}: gradient {gradient:.6f}", flush=True)
if dist.get_rank() == 0:
    torch.save(model.module.state_dict(), os.path.join(os.environ["SM_MODEL_DIR"], "model.pt"))
dist.destroy_process_group()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("instance_count", "instance_type"), [(1, "ml.g5.xlarge"), (2, "ml.g5.2xlarge")]
)
def test_torch_distributed_trains_one_model(instance_count, instance_type, notebook, project):
    (project / "distributed.py").write_text(DISTRIBUTED)
    output, result = notebook(
        f"""
        # The SDK has torch_distributed for GPUs alone.
        may_have("{instance_type}")
        estimator = PyTorch(
            entry_point="distributed.py", framework_version="2.6.0", py_version="py312",
            distribution={{"torch_distributed": {{"enabled": True}}}},
            **{{
                **common, "instance_type": "{instance_type}", "instance_count": {instance_count}
            }},
        )
        estimator.fit()
        report(job=finished(estimator))
        """
    )
    assert result["job"]["TrainingJobStatus"] == "Completed"
    assert f"torchrun --nnodes {instance_count} --nproc_per_node 1" in output
    gradients = set()
    for rank in range(instance_count):
        _, found, rest = output.partition(f"rank {rank} of {instance_count}: gradient ")
        assert found, output
        gradients.add(rest.splitlines()[0][:8])
    assert len(gradients) == 1
