"""How many containers the machine has memory for."""

from pathlib import Path

import psutil

# What the system, this server, notebooks and what else runs are left: a guess.
SPARED_BYTES = 2**30
# Where this server is itself in a container, of cgroups 2 or 1.
_CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def container_capacity(limit_bytes: int) -> int:
    """Return how many containers may use all of a limit at the same time; at least 1.

    Most never use nearly as much. But a limit that cannot be used is none, and what happens to a
    machine whose memory is used up is worse than a request that is throttled.
    """
    return max(1, (memory_bytes() - SPARED_BYTES) // limit_bytes)


def memory_bytes() -> int:
    """Return the machine's memory, or what of it this server and its containers may use."""
    limits = [psutil.virtual_memory().total]
    for path in _CGROUP_LIMITS:
        try:
            limits.append(int(path.read_text()))
        except (FileNotFoundError, ValueError):
            continue  # There is none, which cgroups 2 writes as "max".
    return min(limits)
