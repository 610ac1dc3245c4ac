"""How PyTorch's image distributes a training over processes and hosts.

Source: aws/sagemaker-pytorch-training-toolkit and sagemaker-training 5.1.4.
"""

from __future__ import annotations

import os
import socket
import sys

from maze_helpers.local_cloud.container.environment import Environment
from maze_helpers.local_cloud.container.failure import JobError
from maze_helpers.local_cloud.container.user_script import UserScript

# Set by the engine where several containers of one job meet on one machine.
RENDEZVOUS_PORT = "MAZE_RENDEZVOUS_PORT"
_TOOLKIT_PORT = 7777
_LOOPBACK = "127.0.0.1"
_HOSTS_FILE = "/etc/hosts"
TORCH_DISTRIBUTED = "sagemaker_torch_distributed_enabled"
# The framework's parameters that ask for a launcher, in the order in which the image looks at
# them, and what the SDK calls that.
_LAUNCHERS = {
    "sagemaker_mpi_enabled": "mpi",
    "sagemaker_pytorch_ddp_enabled": "pytorchddp",
    TORCH_DISTRIBUTED: "torch_distributed",
    "sagemaker_distributed_dataparallel_enabled": "smdistributed.dataparallel",
    "sagemaker_pytorch_xla_multi_worker_enabled": "pytorchxla",
}
# The SDK's mpi.processes_per_host, which is nproc_per_node of torchrun as well.
_PROCESSES_PER_HOST = "sagemaker_mpi_num_of_processes_per_host"


class Distribution:
    """How one job on PyTorch's image is distributed, seen from one of its hosts."""

    def __init__(self, environment: Environment) -> None:
        """Read it from the job's configuration.

        Raises: JobError, if it asks for a launcher that is not here.
        """
        self.is_by_torchrun = _launcher(environment) == TORCH_DISTRIBUTED
        self._environment = environment
        self._hosts = environment.distribution_hosts
        self._master = _reachable(environment.master_host)
        self._port = _rendezvous_port(environment.hosts)

    def variables(self) -> dict[str, str]:
        """Return the variables that the image sets for PyTorch, whatever the job says of them."""
        loopback = "lo0" if sys.platform == "darwin" else "lo"
        interface = self._environment.resource_config.get("network_interface_name", "eth0")
        there_are = {name for _, name in socket.if_nameindex()}
        variables = {
            "MASTER_ADDR": self._master,
            "MASTER_PORT": str(self._port),
            "NCCL_SOCKET_IFNAME": interface if interface in there_are else loopback,
            "NCCL_IB_DISABLE": "1",
            "NCCL_DEBUG": "WARN",
            # Differs from AWS, where gloo looks up the host's name to find its address: here all
            # hosts are on this machine, which may have no network, nor know its own name.
            "GLOO_SOCKET_IFNAME": os.environ.get("GLOO_SOCKET_IFNAME", loopback),
        }
        if self.is_by_torchrun:
            variables.update(self._torchrun_variables())
        return variables

    def _torchrun_variables(self) -> dict[str, str]:
        # torchrun takes each of its options from a variable, too: so its command stays AWS's.
        variables = {"NCCL_PROTO": "simple", "PET_LOCAL_ADDR": _LOOPBACK}
        if len(self._hosts) == 1:
            # Differs from AWS: in older releases of PyTorch, each job on one host meets on port
            # 29500, of which there is one on this machine.
            variables["PET_STANDALONE"] = "1"
        return variables

    def command(self, script: UserScript, arguments: list[str]) -> list[str]:
        """Return torchrun's command for the script.

        Raises: JobError, if torchrun does not run this kind of entry point.
        """
        if script.is_package or script.is_command:
            raise JobError(
                f"torch_distributed runs Python scripts only: {script.name!r} is "
                f"{'in a package' if script.is_package else 'none'}. Name a .py file as the "
                "entry point, and leave setup.py out of the source directory."
            )
        given = self._environment.framework_parameters.get(_PROCESSES_PER_HOST)
        processes = given or self._environment.num_gpus or 1
        command = ["torchrun", "--nnodes", str(len(self._hosts))]
        command += ["--nproc_per_node", str(processes)]
        if len(self._hosts) > 1:
            rank = self._hosts.index(self._environment.current_host)
            command += ["--master_addr", self._master, "--master_port", str(self._port)]
            command += ["--node_rank", str(rank)]
        return [*command, script.name, *arguments]


def _launcher(environment: Environment) -> str | None:
    """Return the parameter that asks for a launcher on this host, or None where none does.

    Differs from AWS, whose images hold mpirun and libraries of AWS's own, too.
    Raises: JobError, if that launcher is not here.
    """
    if environment.current_group not in environment.distribution_groups:
        return None
    asked = (name for name in _LAUNCHERS if environment.framework_parameters.get(name))
    launcher = next(asked, None)
    if launcher not in (None, TORCH_DISTRIBUTED):
        raise JobError(
            f"The local cloud has no launcher for the distribution {_LAUNCHERS[launcher]!r}, which "
            'AWS runs by mpirun and libraries of its own. It runs distribution={"torch_distributed"'
            ': {"enabled": True}}.'
        )
    return launcher


def _reachable(host: str) -> str:
    """Return the host's name, or loopback's address where this machine could not resolve it.

    Differs from AWS: there, it is always the name, which is waited for. Here, all hosts are on
    this machine. A name server is not asked: it could take its time.
    """
    try:
        with open(_HOSTS_FILE, encoding="utf-8", errors="replace") as file:
            known = {name for line in file for name in line.partition("#")[0].split()[1:]}
    except OSError:
        known = set()
    return host if host in known else _LOOPBACK


def _rendezvous_port(hosts: list[str]) -> int:
    """Return the port on which the job's processes meet.

    Differs from AWS, where it is always 7777: jobs that run at once on this machine need one
    each. The engine tells the hosts of one job theirs; a job on one host takes one that is free.
    """
    given = os.environ.get(RENDEZVOUS_PORT)
    if given:
        return int(given)
    if len(hosts) > 1:
        return _TOOLKIT_PORT
    with socket.socket() as trial:
        trial.bind((_LOOPBACK, 0))
        return trial.getsockname()[1]
