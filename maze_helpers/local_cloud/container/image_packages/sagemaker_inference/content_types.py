"""The content types that the library knows."""

from maze_helpers.local_cloud.container.content_types import (
    ANY,
    CSV,
    JSON,
    NPY,
    OCTET_STREAM,
    UTF8_TYPES,
)
from maze_helpers.local_cloud.container.model_server.codecs import NPZ

__all__ = ["ANY", "CSV", "JSON", "NPY", "NPZ", "OCTET_STREAM", "UTF8_TYPES"]
