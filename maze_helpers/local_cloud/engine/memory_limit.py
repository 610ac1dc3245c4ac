"""A container's memory: what its processes use together, and their end where that is too much.

cgroups would do this, but are seldom an ordinary user's to make, and are Linux's alone. So the
processes are watched instead. Differs from AWS: what is above the limit for less than some
hundredths of a second may go unseen.
"""

import sys
import threading
from collections.abc import Callable

import psutil

from maze_helpers.local_cloud.engine.process_tree import process_tree

# How long a container at work, and an idle one, may go unwatched.
BUSY_PERIOD_S = 0.05
IDLE_PERIOD_S = 2.0
# In /proc/<pid>/status: what is a process's alone or copied on write, shared memory, and what of
# them is swapped out. Program files are left out: the system can drop them at any time.
_OWN = (b"RssAnon:", b"RssShmem:", b"VmSwap:")
# The same in /proc/<pid>/smaps_rollup, each page in equal parts to those that share it.
_PROPORTIONAL = (b"Pss_Anon:", b"Pss_Shmem:", b"SwapPss:")


def used_bytes(root: int, limit_bytes: int) -> int:
    """Return the memory of a process and all below it; program files do not count.

    Where that is above the limit, memory that they share was counted once. Below it, memory that
    a parent and its children share may have been counted for each, which is quicker to read.
    """
    pids = process_tree(root)
    if sys.platform != "linux":
        return sum(map(_used_by_psutil, pids))
    used = sum(_sum_of_lines(f"/proc/{pid}/status", _OWN) for pid in pids)
    if used <= limit_bytes:
        return used
    exact = sum(_sum_of_lines(f"/proc/{pid}/smaps_rollup", _PROPORTIONAL) for pid in pids)
    # A kernel before 5.3 does not tell the kinds of memory apart there.
    return exact or used


def _sum_of_lines(path: str, names: tuple[bytes, ...]) -> int:
    """Return the sum of a /proc file's lines of these names, in bytes; 0 where there is none."""
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError:
        return 0  # The process has ended.
    kilobytes = 0
    for name in names:
        _, found, rest = content.partition(b"\n" + name)
        if found:
            kilobytes += int(rest[: rest.index(b"kB")])
    return kilobytes * 1024


def _used_by_psutil(pid: int) -> int:
    try:
        process = psutil.Process(pid)
        try:
            return process.memory_full_info().uss
        except psutil.AccessDenied:
            # macOS tells this of one's own processes only to some. Program files count then.
            return process.memory_info().rss
    except psutil.Error:
        return 0  # The process has ended.


class MemoryLimit:
    """Watches a container's memory on a thread of its own."""

    def __init__(self, root: int, limit_bytes: int, on_exceeded: Callable[[], None]) -> None:
        """Begin to watch a process and all below it, closely until it is told to be idle.

        on_exceeded: called once, from the thread that watches, when they use more.
        """
        self.limit_bytes = limit_bytes
        self._root = root
        self._exceeded_bytes: int | None = None
        self._on_exceeded = on_exceeded
        self._peak_bytes = 0
        self._busy = self._was_busy = True
        self._dozing = False
        self._wake = threading.Event()
        self._ended = threading.Event()
        threading.Thread(target=self._watch, name=f"memory of {root}", daemon=True).start()

    def set_busy(self, busy: bool) -> None:
        """Watch closely, because the container is at work, or seldom, because it is idle."""
        self._busy = busy
        if busy:
            self._was_busy = True
            if self._dozing:
                self._wake.set()

    def take_peak_bytes(self) -> int:
        """Return the most memory that was seen in use since the last call, 0 if nobody looked."""
        peak, self._peak_bytes = self._peak_bytes, 0
        return peak

    def verdict(self) -> str:
        """Return what the container was killed for, "" if it was not."""
        if self._exceeded_bytes is None:
            return ""
        # AWS counts in units of 1,048,576 bytes and calls them MB.
        used_mb, limit_mb = self._exceeded_bytes / 2**20, self.limit_bytes / 2**20
        return (
            f"The container was killed: it used {used_mb:.0f} MB of memory, "
            f"and its limit is {limit_mb:.0f} MB."
        )

    def end(self) -> None:
        """Watch no more."""
        self._ended.set()
        self._wake.set()

    def _watch(self) -> None:
        while not self._ended.is_set():
            used = used_bytes(self._root, self.limit_bytes)
            self._peak_bytes = max(self._peak_bytes, used)
            if used > self.limit_bytes:
                self._exceeded_bytes = used
                self._on_exceeded()
                return
            if self._was_busy:
                # Also after work that was done before anybody looked: more of it may follow, and
                # to be woken for each piece would cost more than to look.
                self._was_busy = self._busy
                self._ended.wait(BUSY_PERIOD_S)
            else:
                self._doze()

    def _doze(self) -> None:
        self._wake.clear()
        self._dozing = True
        # It may have become busy, or ended, before that could be seen.
        if not self._was_busy and not self._ended.is_set():
            self._wake.wait(IDLE_PERIOD_S)
        self._dozing = False
