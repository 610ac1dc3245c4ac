"""Where everything is below /opt/ml, or below the folder that stands for it."""

from __future__ import annotations

import os

HOME_VARIABLE = "MAZE_CONTAINER_HOME"


def home_folder() -> str:
    """Return the home folder that is the container's own, and ends with it.

    HOME may name another: a job's or a model's Environment wins over the image's.
    """
    return os.environ.get(HOME_VARIABLE) or os.path.expanduser("~")


class Paths:
    """The folders of one training container."""

    def __init__(self, base: str) -> None:
        self.code = os.path.join(base, "code")
        self.model = os.path.join(base, "model")
        self.input = os.path.join(base, "input")
        self.input_config = os.path.join(self.input, "config")
        self.output = os.path.join(base, "output")
        self.output_data = os.path.join(self.output, "data")
        self.output_intermediate = os.path.join(self.output, "intermediate")

    def channel(self, name: str) -> str:
        """Return the folder of an input channel."""
        return os.path.join(self.input, "data", name)
