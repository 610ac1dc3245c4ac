"""The folders of the model and of the code."""

import os

from maze_helpers.local_cloud.container.paths import Paths
from maze_helpers.local_cloud.container.serving_environment import OPT_ML

base_dir = os.environ.get("SAGEMAKER_BASE_DIR", OPT_ML)
model_dir = Paths(base_dir).model
code_dir = os.path.join(model_dir, "code")
