"""SageMaker Maze: what its notebooks import."""

__version__ = "0.1.0"
