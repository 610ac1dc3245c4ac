"""The checks of the bonus track, one a notebook: `checks.bonus.project(…)`."""

from maze_helpers.checks.bonus.endpoint import endpoint
from maze_helpers.checks.bonus.inference_script import inference_script
from maze_helpers.checks.bonus.naive_notebook import naive_notebook
from maze_helpers.checks.bonus.notebook_instance import notebook_instance
from maze_helpers.checks.bonus.project import project
from maze_helpers.checks.bonus.training_job import training_job
from maze_helpers.checks.bonus.which_endpoint import which_endpoint

__all__ = [
    "endpoint",
    "inference_script",
    "naive_notebook",
    "notebook_instance",
    "project",
    "training_job",
    "which_endpoint",
]
