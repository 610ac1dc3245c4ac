"""The WSGI application of the Hugging Face image."""

from __future__ import annotations

import os

from maze_helpers.local_cloud.container.model_server.app import ServerApp
from maze_helpers.local_cloud.container.model_server.huggingface import HuggingFaceService
from maze_helpers.local_cloud.container.model_server.limits import multi_model_server_limits
from maze_helpers.local_cloud.container.serving_environment import ServingEnvironment
from maze_helpers.local_cloud.container.serving_log import configure_logging

configure_logging()
application = ServerApp(
    HuggingFaceService(ServingEnvironment(os.environ)), multi_model_server_limits(os.environ)
)
