"""The SageMaker SDK, unmodified, trains on several hosts, with what else an estimator takes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from running_container import needs_namespaces
from trainer import Trainer

pytestmark = [pytest.mark.slow, needs_namespaces]
# What each host adds up over all of them, by gloo.
REDUCE = """
import json
import os

import torch
import torch.distributed as dist

dist.init_process_group("gloo")
total = torch.tensor([float(dist.get_rank() + 1)])
dist.all_reduce(total)
print(f"total={total.item()} of {dist.get_world_size()}")
if dist.get_rank() == 0:
    with open(os.path.join(os.environ["SM_MODEL_DIR"], "total.json"), "w") as file:
        json.dump(total.item(), file)
dist.destroy_process_group()
"""
FIT_REDUCE = """
import json
import boto3
import sagemaker
from sagemaker.pytorch import PyTorch

session = sagemaker.session.Session(boto_session=boto3.Session())
estimator = PyTorch(
    entry_point="reduce.py",
    source_dir="src",
    role=sagemaker.get_execution_role(),
    framework_version="2.2",
    py_version="py310",
    instance_type="ml.m5.large",
    instance_count=2,
    # What distribution={"torch_distributed": …} sends; the SDK takes that for GPUs alone.
    hyperparameters={"sagemaker_torch_distributed_enabled": True},
    metric_definitions=[{"Name": "total", "Regex": "total=([0-9.]+)"}],
    sagemaker_session=session,
)
estimator.fit()
name = estimator.latest_training_job.name
frame = sagemaker.TrainingJobAnalytics(name, ["total"], sagemaker_session=session).dataframe()
print("RESULT", json.dumps({"name": name, "totals": list(frame["value"])}))
"""
LOOK = """
import json
import os

top = os.path.dirname(os.environ["SM_CHANNEL_SHARDS"])
found = {name: sorted(os.listdir(os.path.join(top, name))) for name in os.listdir(top)}
found.pop("code", None)
host = os.environ["SM_CURRENT_HOST"]
with open(os.path.join("/opt/ml/checkpoints", host), "w") as file:
    file.write("seen")
with open(os.path.join(os.environ["SM_MODEL_DIR"], host), "w") as file:
    json.dump(found, file)
"""
FIT_LOOK = """
import json
import boto3
import sagemaker
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput

session = sagemaker.session.Session(boto_session=boto3.Session())
bucket = session.default_bucket()
for name in "abc":
    session.upload_string_as_file_body(name, bucket, f"look/data/{name}.csv")
manifest = json.dumps([{"prefix": f"s3://{bucket}/look/data/"}, "b.csv"])
session.upload_string_as_file_body(manifest, bucket, "look/some.manifest")
inputs = {
    "shards": TrainingInput(f"s3://{bucket}/look/data/", distribution="ShardedByS3Key"),
    "listed": TrainingInput(f"s3://{bucket}/look/some.manifest", s3_data_type="ManifestFile"),
    "fast": TrainingInput(f"s3://{bucket}/look/data/a.csv", input_mode="FastFile"),
}
estimator = Estimator(
    sagemaker.image_uris.retrieve(
        "sklearn", session.boto_region_name, version="1.2-1", instance_type="ml.m5.large"
    ),
    entry_point="look.py",
    source_dir="src",
    role=sagemaker.get_execution_role(),
    instance_type="ml.m5.large",
    instance_count=2,
    checkpoint_s3_uri=f"s3://{bucket}/look/checkpoints",
    use_spot_instances=True,
    max_run=600,
    max_wait=1200,
    enable_network_isolation=True,
    subnets=["subnet-0123456789"],
    security_group_ids=["sg-0123456789"],
    tags=[{"Key": "made", "Value": "by-sdk"}],
    sagemaker_session=session,
)
estimator.fit(inputs)
name = estimator.latest_training_job.name
attached = Estimator.attach(name, sagemaker_session=session)
print("RESULT", json.dumps({
    "name": name,
    "bucket": bucket,
    "attached": [attached.instance_count, attached.use_spot_instances, attached.max_wait],
}))
"""


@pytest.fixture(scope="module")
def trainer(local_cloud) -> Trainer:
    return Trainer(local_cloud)


def fit(cloud, folder: Path, files: dict[str, str], program: str) -> tuple[dict, str]:
    """Run a program that fits and return what it tells, and all that it printed."""
    (folder / "src").mkdir()
    for name, text in files.items():
        (folder / "src" / name).write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env=cloud.env,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    return json.loads(line.removeprefix("RESULT ")), done.stdout


def test_two_hosts_add_up_by_torch_distributed(local_cloud, trainer, tmp_path):
    pytest.importorskip("torch")
    told, printed = fit(local_cloud, tmp_path, {"reduce.py": REDUCE}, FIT_REDUCE)
    assert printed.count("total=3.0 of 2") == 2
    assert set(told["totals"]) == {3.0}
    job = trainer.describe(told["name"])
    assert job["ResourceConfig"]["InstanceCount"] == 2


def test_two_hosts_with_all_that_an_estimator_takes(local_cloud, trainer, tmp_path):
    told, printed = fit(local_cloud, tmp_path, {"look.py": LOOK}, FIT_LOOK)
    assert told["attached"] == [2, True, 1200]
    # The SDK adds up the instances' seconds.
    assert "Training seconds:" in printed and "Managed Spot Training savings" in printed
    job = trainer.describe(told["name"])
    assert job["EnableNetworkIsolation"] and job["EnableManagedSpotTraining"]
    assert job["VpcConfig"]["Subnets"] == ["subnet-0123456789"]
    tags = trainer.sagemaker.list_tags(ResourceArn=job["TrainingJobArn"])["Tags"]
    assert {"Key": "made", "Value": "by-sdk"} in tags
    listed = trainer.s3.list_objects_v2(Bucket=told["bucket"], Prefix="look/checkpoints/")
    assert [found["Key"].rsplit("/")[-1] for found in listed["Contents"]] == ["algo-1", "algo-2"]
