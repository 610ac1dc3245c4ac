"""The errors by which a handler chooses how a request is answered."""

from maze_helpers.local_cloud.container.model_server.errors import (
    BaseInferenceToolkitError,
    GenericInferenceToolkitError,
    UnsupportedFormatError,
)

__all__ = [
    "BaseInferenceToolkitError",
    "GenericInferenceToolkitError",
    "UnsupportedFormatError",
]
