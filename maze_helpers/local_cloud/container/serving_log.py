"""Where the loggers of a model server's worker write, the user's among them."""

from __future__ import annotations

import logging


def configure_logging() -> None:
    """Let the user's loggers write to the server's log, from INFO on, as in the images."""
    layout = "%(asctime)s %(levelname)s - %(name)s - %(message)s"
    logging.basicConfig(format=layout, level=logging.INFO)
    logging.getLogger("botocore").setLevel(logging.WARNING)
