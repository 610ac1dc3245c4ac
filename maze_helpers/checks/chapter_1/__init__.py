"""The checks of chapter 1: the digits model, trained four ways."""

from maze_helpers.checks.chapter_1.first_script import task_1
from maze_helpers.checks.chapter_1.job_with_metrics import task_4
from maze_helpers.checks.chapter_1.script_with_arguments import task_2
from maze_helpers.checks.chapter_1.training_job import task_3

__all__ = ["task_1", "task_2", "task_3", "task_4"]
