"""CreateTransformJob's request: what the local cloud and what AWS's rules refuse."""

from typing import Any


def check_transform_request(request: dict[str, Any]) -> None:
    """Check all of a request that the service's model cannot state. Raises: ValidationException."""
