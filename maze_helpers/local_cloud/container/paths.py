"""Where everything is below /opt/ml, or below the folder that stands for it."""

from __future__ import annotations

import os


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
