"""The checks of chapter 2: the digits model, served in three ways."""

from maze_helpers.checks.chapter_2.batch import task_3
from maze_helpers.checks.chapter_2.real_time import task_1
from maze_helpers.checks.chapter_2.serverless import task_2

__all__ = ["task_1", "task_2", "task_3"]
