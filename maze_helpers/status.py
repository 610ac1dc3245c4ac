"""What `maze status` tells of a local cloud."""

import os
from pathlib import Path
from typing import Any

from maze_helpers.local_cloud import server

MB = 1024 * 1024


def look(home: Path) -> dict[str, Any]:
    """Return whether a folder's local cloud is up, where it answers and what it takes."""
    seen = {"up": False, "home": str(home), "disk_mb": _size_bytes(home) // MB}
    running = server.info(home)
    process = running.process() if running else None
    if process is None:
        return seen
    return seen | {
        "up": True,
        "endpoint_url": running.endpoint_url,
        "port": running.port,
        "pid": running.pid,
        "version": running.version,
        "memory_mb": process.memory_info().rss // MB,
    }


def _size_bytes(folder: Path) -> int:
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(path, name)).st_size
            except FileNotFoundError:  # a job has removed it since it was listed
                continue
    return total
