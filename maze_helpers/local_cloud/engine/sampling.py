"""What a container uses of the machine: CPU, memory and disk, as CloudWatch shows them."""

import os
import shutil
import stat
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from maze_helpers.local_cloud.engine.process_tree import process_tree


@dataclass(frozen=True)
class Sample:
    """One measurement of a whole container.

    timestamp_s: seconds since the epoch.
    cpu_percent: since the measurement before; 100 for each core that was busy throughout.
    memory_percent, disk_percent: of the machine's, 0 to 100.
    Source: "SageMaker AI jobs and endpoint metrics" in Amazon CloudWatch's documentation.
    """

    timestamp_s: float
    cpu_percent: float
    memory_percent: float
    disk_percent: float


class Sampler:
    """Measures a process and everything below it.

    folder: what counts as the container's disk use.
    seen: every process that was ever found below the root one.
    """

    def __init__(self, root: psutil.Process, folder: Path) -> None:
        self._root = root
        self._folder = folder
        self._disk_bytes = shutil.disk_usage(folder).total
        self._cpu_s = 0.0
        self._memory_percent = 0.0
        self._measured_at_s = time.monotonic()
        self.seen: set[psutil.Process] = set()

    def measure(self) -> Sample:
        """Return what was used since the last call, or since the start.

        Works on a root that has ended and is not yet reaped: its CPU time is then complete,
        and its memory is what was last measured.
        """
        cpu_s, memory_bytes = 0.0, 0
        for process in self._processes():
            try:
                times = process.cpu_times()
                memory_bytes += process.memory_info().rss
            except psutil.Error:
                continue  # It ended meanwhile: its parent's times include it once it is reaped.
            # A process's own time, and that of children which it has already reaped.
            cpu_s += sum(times[:4])
        if memory_bytes:
            self._memory_percent = 100 * memory_bytes / psutil.virtual_memory().total
        now_s = time.monotonic()
        busy_s = max(0.0, cpu_s - self._cpu_s)
        elapsed_s = max(now_s - self._measured_at_s, 1e-3)
        self._cpu_s, self._measured_at_s = max(cpu_s, self._cpu_s), now_s
        return Sample(
            timestamp_s=time.time(),
            cpu_percent=min(100 * busy_s / elapsed_s, 100.0 * psutil.cpu_count()),
            memory_percent=min(self._memory_percent, 100.0),
            disk_percent=100 * _used_bytes(self._folder) / self._disk_bytes,
        )

    def _processes(self) -> list[psutil.Process]:
        below = []
        for pid in process_tree(self._root.pid)[1:]:
            try:
                below.append(psutil.Process(pid))
            except psutil.Error:
                continue  # It ended meanwhile.
        self.seen.update(below)
        return [self._root, *below]


def _used_bytes(folder: Path) -> int:
    """Return the bytes that a folder's files take on the disk."""
    total, folders = 0, [str(folder)]
    # os.walk calls itself before Python 3.12: there may be too many folders in each other for it.
    while folders:
        path = folders.pop()
        for name in _names(path):
            try:
                status = os.lstat(os.path.join(path, name))
            except OSError:
                continue  # It was removed meanwhile, or its path is too long.
            if stat.S_ISDIR(status.st_mode):
                folders.append(os.path.join(path, name))
            else:
                total += status.st_blocks * 512
    return total


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []  # It was removed meanwhile, or the job made it unreadable.
