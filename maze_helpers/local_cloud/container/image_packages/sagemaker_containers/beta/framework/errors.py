"""The errors of codecs, and the one by which the library tells a user's error from its own."""

from maze_helpers.local_cloud.container.codecs import UnsupportedFormatError

__all__ = ["ClientError", "UnsupportedFormatError"]


class ClientError(Exception):
    """An error of the user's code."""
