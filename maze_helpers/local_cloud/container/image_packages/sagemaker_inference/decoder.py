"""Requests' bodies as arrays."""

from maze_helpers.local_cloud.container.model_server.codecs import decode

__all__ = ["decode"]
