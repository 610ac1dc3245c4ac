"""What a training container knows about its job.

Source: the configuration files as in the SageMaker guide, "How Amazon SageMaker Provides
Training Information"; how they are read, observed on sagemaker-training 5.1.4.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from typing import Any

from maze_helpers.local_cloud.container.paths import Paths

# Hyperparameters for the container, which the script does not get. Other names that start with
# sagemaker_ are the framework's parameters.
CONTAINER_HYPERPARAMETERS = (
    "sagemaker_program",
    "sagemaker_submit_directory",
    "sagemaker_enable_cloudwatch_metrics",
    "sagemaker_region",
    "sagemaker_container_log_level",
    "sagemaker_job_name",
    "default_user_module_name",
    "_tuning_objective_metric",
    "sagemaker_s3_output",
)
DISTRIBUTION_SWITCHES = (
    "sagemaker_mpi_enabled",
    "sagemaker_parameter_server_enabled",
    "sagemaker_distributed_dataparallel_enabled",
    "sagemaker_pytorch_ddp_enabled",
    "sagemaker_pytorch_xla_multi_worker_enabled",
    "sagemaker_multi_worker_mirrored_strategy_enabled",
    "sagemaker_torch_distributed_enabled",
)
# As Python's `logging` counts: INFO.
DEFAULT_LOG_LEVEL = 20


class Environment:
    """One job's configuration, read from its files and the container's environment variables."""

    def __init__(
        self,
        paths: Paths,
        variables: Mapping[str, str],
        on_raw_value: Callable[[str, Any], None],
    ) -> None:
        """Read the configuration.

        variables: what the container was started with.
        on_raw_value: called with name and value of each hyperparameter that is not JSON.
        Raises: OSError or ValueError, if a configuration file is missing or not as it should be.
        """
        self.paths = paths
        self.resource_config = _read_json(paths, "resourceconfig.json")
        self.input_data_config = _read_json(paths, "inputdataconfig.json")
        given = {
            name: _parsed(name, value, on_raw_value)
            for name, value in _read_json(paths, "hyperparameters.json").items()
        }
        settings = {name: given.pop(name) for name in list(given) if _is_setting(name)}
        self.hyperparameters = given
        self.framework_parameters = {
            k: v for k, v in settings.items() if k not in CONTAINER_HYPERPARAMETERS
        }
        program = variables.get("SAGEMAKER_PROGRAM") or settings.get("sagemaker_program")
        self.user_entry_point = program
        self.module_dir = str(settings.get("sagemaker_submit_directory", paths.code))
        self.log_level = int(settings.get("sagemaker_container_log_level", DEFAULT_LOG_LEVEL))
        region = settings.get("sagemaker_region") or variables.get("AWS_DEFAULT_REGION", "")
        self.region = str(region)
        self.sagemaker_job_name = str(settings.get("sagemaker_job_name", ""))
        self.job_name = variables.get("TRAINING_JOB_NAME")
        self.framework_module = variables.get("SAGEMAKER_TRAINING_MODULE")
        self.model_parallel_settings = variables.get("SM_HP_MP_PARAMETERS")
        self.num_gpus = _count_gpus()

    @property
    def has_launcher_of_its_own(self) -> bool:
        """Whether the script launches its processes, and its output is left alone."""
        return bool(self.framework_parameters.get("sagemaker_toolkit_native_launcher_enabled"))

    @property
    def hosts(self) -> list[str]:
        """All hosts of the job."""
        return self.resource_config["hosts"]

    @property
    def current_host(self) -> str:
        """This host's name, such as "algo-1"."""
        return self.resource_config["current_host"]

    @property
    def current_group(self) -> str:
        """The name of this host's instance group."""
        return self.resource_config.get("current_group_name", "homogeneousCluster")

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The job's instance groups: name, type and hosts of each."""
        return self.resource_config.get("instance_groups", [])

    @property
    def current_group_hosts(self) -> list[str]:
        """The hosts of this host's instance group."""
        for group in self.groups:
            if group["instance_group_name"] == self.current_group:
                return group["hosts"]
        return []

    @property
    def distribution_groups(self) -> list[str]:
        """The instance groups over which the framework distributes the training."""
        is_distributed = any(self.framework_parameters.get(name) for name in DISTRIBUTION_SWITCHES)
        return self.framework_parameters.get(
            "sagemaker_distribution_instance_groups",
            [self.current_group] if is_distributed else [],
        )

    @property
    def distribution_hosts(self) -> list[str]:
        """The hosts over which the framework distributes the training."""
        if not self.groups:
            return list(self.hosts)
        chosen = [g for g in self.groups if g["instance_group_name"] in self.distribution_groups]
        return [host for group in chosen for host in group["hosts"]]

    @property
    def master_host(self) -> str:
        """The first of the hosts that train together."""
        return (self.distribution_hosts or self.hosts)[0]

    @property
    def module_name(self) -> str:
        """The entry point, without its ".py"."""
        name = str(self.user_entry_point)
        return name[:-3] if name.endswith(".py") else name

    def platform_variables(self) -> dict[str, str]:
        """Return the variables beside SM_* that the toolkit sets for the script."""
        return {
            "CURRENT_HOST": self.current_host,
            "SAGEMAKER_JOB_NAME": self.sagemaker_job_name,
            "SAGEMAKER_REGION": self.region,
        }


def _is_setting(name: str) -> bool:
    return name in CONTAINER_HYPERPARAMETERS or name.startswith("sagemaker_")


def _read_json(paths: Paths, name: str) -> dict[str, Any]:
    with open(os.path.join(paths.input_config, name), encoding="utf-8") as file:
        return json.load(file)


def _parsed(name: str, value: Any, on_raw_value: Callable[[str, Any], None]) -> Any:
    try:
        return json.loads(value)
    except (ValueError, TypeError):
        on_raw_value(name, value)
        return value


def _count_gpus() -> int:
    if shutil.which("nvidia-smi") is None:
        return 0
    listing = subprocess.run(
        ["nvidia-smi", "--list-gpus"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    lines = listing.stdout.decode("utf-8", "replace").splitlines()
    return sum(line.startswith("GPU ") for line in lines) if listing.returncode == 0 else 0
