"""The library's logger."""

from __future__ import annotations

import logging


def get_logger() -> logging.Logger:
    """Return the logger "sagemaker-inference"."""
    return logging.getLogger("sagemaker-inference")


def configure_logger() -> None:
    """Do nothing: the server's loggers write to its log as they are."""
