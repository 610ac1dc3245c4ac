"""CloudWatch Logs."""

from maze_helpers.local_cloud.services.logs.service import Logs
from maze_helpers.local_cloud.services.logs.store import LogStore

__all__ = ["LogStore", "Logs"]
