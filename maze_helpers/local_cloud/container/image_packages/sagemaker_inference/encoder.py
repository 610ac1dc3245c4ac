"""Arrays as responses' bodies."""

from maze_helpers.local_cloud.container.model_server.codecs import SUPPORTED_CONTENT_TYPES, encode

__all__ = ["SUPPORTED_CONTENT_TYPES", "encode"]
