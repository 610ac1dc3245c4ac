"""Checks a request against what its model states, in AWS's words."""

from typing import Any

from botocore.model import OperationModel


def validate(operation: OperationModel, parameters: dict[str, Any]) -> None:
    """Check an operation's parameters."""
