"""The container's settings and folders."""

from __future__ import annotations

import os

from maze_helpers.local_cloud.container.paths import Paths
from maze_helpers.local_cloud.container.serving_environment import OPT_ML, ServingEnvironment

_paths = Paths(os.environ.get("SAGEMAKER_BASE_DIR", OPT_ML))
base_dir = os.path.dirname(_paths.model)
code_dir = _paths.code
model_dir = _paths.model
input_dir = _paths.input
output_dir = _paths.output


class ServingEnv:
    """The settings of the model server, read from its environment variables."""

    def __init__(self) -> None:
        settings = ServingEnvironment(os.environ)
        self.module_name = settings.module_name
        self.module_dir = settings.code_uri
        self.user_entry_point = settings.program
        self.model_dir = settings.paths.model
        self.default_accept = settings.default_accept
        self.model_server_workers = settings.workers
        self.model_server_timeout = settings.timeout_s
        self.framework_module = os.environ.get("SAGEMAKER_SERVING_MODULE")
        self.num_cpus = os.cpu_count()
        self.num_gpus = 0
