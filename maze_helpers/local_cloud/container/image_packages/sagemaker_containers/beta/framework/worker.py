"""The response that an output_fn or transform_fn may return."""

from maze_helpers.local_cloud.container.responses import Response

__all__ = ["Response"]
