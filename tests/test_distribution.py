"""How PyTorch's image distributes a training: torchrun's commands, and what it does not launch."""

import os
import socket
import subprocess
from pathlib import Path

import pytest
from pytorch_training_cases import BY_TORCHRUN
from training_cases import TWO_GROUPS
from training_folder import ONE_HOST, TRAIN_PYTORCH, Job

from maze_helpers.local_cloud.container.distribution import Distribution
from maze_helpers.local_cloud.container.environment import Environment
from maze_helpers.local_cloud.container.failure import JobError
from maze_helpers.local_cloud.container.paths import Paths
from maze_helpers.local_cloud.container.user_script import UserScript

ALL_REDUCE = """
import os
import torch
import torch.distributed as dist

dist.init_process_group("gloo")
ranks = torch.tensor([dist.get_rank() + 1.0])
dist.all_reduce(ranks)
print(f"rank {dist.get_rank()} of {dist.get_world_size()}: sum {ranks.item()}", flush=True)
dist.destroy_process_group()
"""


def distribution(folder: Path, job: Job) -> Distribution:
    job.make(folder)
    return Distribution(Environment(Paths(str(folder)), {}, lambda name, value: None))


def hosts(*names: str, current: str) -> dict[str, object]:
    return {"current_host": current, "hosts": list(names), "network_interface_name": "lo"}


def command(folder: Path, job: Job) -> list[str]:
    (folder / "code").mkdir(parents=True)
    script = UserScript(str(folder / "code"), "train.py")
    return distribution(folder, job).command(script, ["--lr", "0.1"])


def test_one_host_runs_one_process_without_gpus(tmp_path):
    made = command(tmp_path, Job(hyperparameters=BY_TORCHRUN))
    assert " ".join(made) == "torchrun --nnodes 1 --nproc_per_node 1 train.py --lr 0.1"


def test_each_host_has_its_rank_and_the_port_that_the_engine_gives(tmp_path, monkeypatch):
    monkeypatch.setenv("MAZE_RENDEZVOUS_PORT", "12345")
    config = hosts("algo-1", "algo-2", "localhost", current="algo-2")
    made = command(tmp_path, Job(hyperparameters=BY_TORCHRUN, resource_config=config))
    assert made[:5] == ["torchrun", "--nnodes", "3", "--nproc_per_node", "1"]
    # Names that this machine does not resolve are its own all the same.
    assert made[5:9] == ["--master_addr", "127.0.0.1", "--master_port", "12345"]
    assert made[9:] == ["--node_rank", "1", "train.py", "--lr", "0.1"]


def test_several_hosts_meet_on_the_toolkits_port_unless_told_another(tmp_path):
    config = hosts("localhost", "algo-2", current="localhost")
    made = command(tmp_path, Job(hyperparameters=BY_TORCHRUN, resource_config=config))
    assert made[5:9] == ["--master_addr", "localhost", "--master_port", "7777"]


def test_only_the_groups_that_are_named_take_part(tmp_path):
    groups = {"sagemaker_distribution_instance_groups": '["workers"]'}
    job = Job(hyperparameters={**BY_TORCHRUN, **groups}, resource_config=TWO_GROUPS)
    made = command(tmp_path, job)
    assert made[:3] == ["torchrun", "--nnodes", "2"]
    assert made[-5:-3] == ["--node_rank", "0"]


@pytest.mark.parametrize(
    ("switch", "name"),
    [
        ("sagemaker_mpi_enabled", "mpi"),
        ("sagemaker_pytorch_ddp_enabled", "pytorchddp"),
        ("sagemaker_distributed_dataparallel_enabled", "smdistributed.dataparallel"),
        ("sagemaker_pytorch_xla_multi_worker_enabled", "pytorchxla"),
    ],
)
def test_launchers_that_are_not_here_are_refused_by_the_sdks_name(switch, name, tmp_path):
    # Differs from AWS, whose images hold mpirun and libraries of AWS's own.
    with pytest.raises(JobError, match=f"no launcher for the distribution '{name}'"):
        distribution(tmp_path, Job(hyperparameters={switch: "true"}))


def test_an_interface_that_is_there_is_the_one_that_nccl_gets(tmp_path):
    (_, name), *_ = socket.if_nameindex()
    config = {**ONE_HOST, "network_interface_name": name}
    made = distribution(tmp_path, Job(resource_config=config)).variables()
    assert made["NCCL_SOCKET_IFNAME"] == name


def started(job: Job, folder: Path, **variables: str) -> subprocess.Popen:
    """Start our container on a job, beside others."""
    job.make(folder)
    home = folder.parent / f"home-of-{folder.name}"
    home.mkdir()
    own = {"PATH": os.environ["PATH"], "HOME": str(home), "SAGEMAKER_BASE_DIR": str(folder)}
    return subprocess.Popen(
        TRAIN_PYTORCH,
        env={**own, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def free_port() -> str:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return str(trial.getsockname()[1])


@pytest.mark.slow
def test_the_processes_of_two_hosts_meet(tmp_path):
    port = {"MAZE_RENDEZVOUS_PORT": free_port()}
    two_each = {**BY_TORCHRUN, "sagemaker_mpi_num_of_processes_per_host": "2"}
    jobs = [
        Job(
            files={"train.py": ALL_REDUCE},
            hyperparameters=two_each,
            resource_config=hosts("localhost", "algo-2", current=name),
        )
        for name in ("localhost", "algo-2")
    ]
    containers = [started(job, tmp_path / str(n), **port) for n, job in enumerate(jobs)]
    logs = "".join(container.communicate()[0] for container in containers)
    assert [container.returncode for container in containers] == [0, 0], logs
    for rank in range(4):
        assert f"rank {rank} of 4: sum 10.0" in logs


@pytest.mark.slow
@pytest.mark.parametrize("by_torchrun", [True, False])
def test_jobs_that_run_at_once_do_not_meet_each_other(by_torchrun, tmp_path):
    given = {"sagemaker_torch_distributed_enabled": str(by_torchrun).lower()}
    # What a script does by itself that trains on one host.
    alone = (
        "import os\nos.environ.setdefault('RANK', '0')\nos.environ.setdefault('WORLD_SIZE', '1')\n"
    )
    job = Job(files={"train.py": alone + ALL_REDUCE}, hyperparameters=given)
    containers = [started(job, tmp_path / str(number)) for number in range(3)]
    for container in containers:
        log = container.communicate()[0]
        assert container.returncode == 0, log
        assert "rank 0 of 1: sum 1.0" in log
