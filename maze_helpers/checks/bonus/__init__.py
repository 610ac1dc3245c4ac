"""The checks of the bonus track, one a notebook: `checks.bonus.project(…)`."""

from maze_helpers.checks.bonus.training_job import training_job

__all__ = ["training_job"]
