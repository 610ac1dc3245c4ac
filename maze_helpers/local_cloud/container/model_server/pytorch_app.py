"""The WSGI application of the PyTorch image."""

from __future__ import annotations

import os

from maze_helpers.local_cloud.container.model_server.app import ServerApp
from maze_helpers.local_cloud.container.model_server.limits import torchserve_limits
from maze_helpers.local_cloud.container.model_server.pytorch import PyTorchService
from maze_helpers.local_cloud.container.serving_environment import ServingEnvironment
from maze_helpers.local_cloud.container.serving_log import configure_logging

configure_logging()
application = ServerApp(
    PyTorchService(ServingEnvironment(os.environ)), torchserve_limits(os.environ)
)
