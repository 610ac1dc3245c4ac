"""The SM_* variables, and the "Training Env" that the log shows.

Names, order and formats observed on sagemaker-training 5.1.4.
"""

from __future__ import annotations

import json
import os
import shutil
from typing import Any

from maze_helpers.local_cloud.container.arguments import to_arguments
from maze_helpers.local_cloud.container.environment import Environment

# Variables that hold a member of the training env, in the order in which the log lists them.
_FROM_TRAINING_ENV = {
    "HOSTS": "hosts",
    "NETWORK_INTERFACE_NAME": "network_interface_name",
    "HPS": "hyperparameters",
    "USER_ENTRY_POINT": "user_entry_point",
    "FRAMEWORK_PARAMS": "additional_framework_parameters",
    "RESOURCE_CONFIG": "resource_config",
    "INPUT_DATA_CONFIG": "input_data_config",
    "OUTPUT_DATA_DIR": "output_data_dir",
    "CHANNELS": "channel_input_dirs",
    "CURRENT_HOST": "current_host",
    "CURRENT_INSTANCE_TYPE": "current_instance_type",
    "CURRENT_INSTANCE_GROUP": "current_instance_group",
    "CURRENT_INSTANCE_GROUP_HOSTS": "current_instance_group_hosts",
    "INSTANCE_GROUPS": "instance_groups",
    "INSTANCE_GROUPS_DICT": "instance_groups_dict",
    "DISTRIBUTION_INSTANCE_GROUPS": "distribution_instance_groups",
    "IS_HETERO": "is_hetero",
    "MODULE_NAME": "module_name",
    "LOG_LEVEL": "log_level",
    "FRAMEWORK_MODULE": "framework_module",
    "INPUT_DIR": "input_dir",
    "INPUT_CONFIG_DIR": "input_config_dir",
    "OUTPUT_DIR": "output_dir",
    "NUM_CPUS": "num_cpus",
    "NUM_GPUS": "num_gpus",
    "NUM_NEURONS": "num_neurons",
    "MODEL_DIR": "model_dir",
    "MODULE_DIR": "module_dir",
}


def training_env(environment: Environment) -> dict[str, Any]:
    """Return the training env: what the container knows, by name, sorted."""
    known = {**_job(environment), **_cluster(environment), **_machine(environment)}
    return dict(sorted(known.items()))


def sm_variables(environment: Environment) -> dict[str, str]:
    """Return the SM_* variables, in the order in which the log lists them."""
    known = training_env(environment)
    channels = known["channel_input_dirs"]
    values = {name: known[member] for name, member in _FROM_TRAINING_ENV.items()}
    values["CHANNELS"] = sorted(channels)
    values["TRAINING_ENV"] = known
    values["USER_ARGS"] = to_arguments(environment.hyperparameters)
    values["OUTPUT_INTERMEDIATE_DIR"] = known["output_intermediate_dir"]
    if known["topology"]:
        values["TOPOLOGY"] = known["topology"]
    values.update({"CHANNEL_" + name: path for name, path in channels.items()})
    values.update({"HP_" + name: value for name, value in environment.hyperparameters.items()})
    return {"SM_" + name.upper(): _text(value) for name, value in values.items()}


def _job(environment: Environment) -> dict[str, Any]:
    switch = environment.model_parallel_settings
    return {
        "additional_framework_parameters": environment.framework_parameters,
        "framework_module": environment.framework_module,
        "hyperparameters": environment.hyperparameters,
        "input_data_config": environment.input_data_config,
        # The toolkit's own quirk: null or "" where nothing is set, else true or false.
        "is_modelparallel_enabled": switch and switch != "{}",
        "job_name": environment.job_name,
        "log_level": environment.log_level,
        "module_dir": environment.module_dir,
        "module_name": environment.module_name,
        "user_entry_point": environment.user_entry_point,
    }


def _cluster(environment: Environment) -> dict[str, Any]:
    config = environment.resource_config
    groups = environment.groups
    return {
        "current_host": environment.current_host,
        "current_instance_group": environment.current_group,
        "current_instance_group_hosts": environment.current_group_hosts,
        "current_instance_type": config.get("current_instance_type", "local"),
        "distribution_hosts": environment.distribution_hosts,
        "distribution_instance_groups": environment.distribution_groups,
        "hosts": environment.hosts,
        "instance_groups": [group["instance_group_name"] for group in groups],
        "instance_groups_dict": {group["instance_group_name"]: group for group in groups},
        "is_hetero": len(groups) > 1,
        "is_master": environment.current_host == environment.master_host,
        "master_hostname": environment.master_host,
        "network_interface_name": config.get("network_interface_name", "eth0"),
        "resource_config": config,
        "topology": config.get("topology", []),
    }


def _machine(environment: Environment) -> dict[str, Any]:
    paths = environment.paths
    return {
        "channel_input_dirs": {name: paths.channel(name) for name in environment.input_data_config},
        "input_config_dir": paths.input_config,
        "input_dir": paths.input,
        # The launchers of AWS's own distribution libraries.
        "is_smddpmprun_installed": shutil.which("smddpmprun") is not None,
        "is_smddprun_installed": shutil.which("smddprun") is not None,
        "model_dir": paths.model,
        "num_cpus": os.cpu_count(),
        "num_gpus": environment.num_gpus,
        "num_neurons": 0,
        "output_data_dir": paths.output_data,
        "output_dir": paths.output,
        "output_intermediate_dir": paths.output_intermediate,
    }


def _text(value: Any) -> str:
    """Return a variable's text: a string as it is, null as "", all else as compact JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
