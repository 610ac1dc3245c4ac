"""Which processes a process has below it, read as cheaply as the system allows."""

import os

import psutil

# Nearly every Linux kernel has these files: they tell without reading all processes there are.
_KERNEL_LISTS_CHILDREN = os.path.exists(f"/proc/self/task/{os.getpid()}/children")


def process_tree(root: int) -> list[int]:
    """Return the ids of a process and of all that descend from it, parents first.

    The root is among them even where it has ended.
    """
    if not _KERNEL_LISTS_CHILDREN:
        return [root, *_descendants_by_psutil(root)]
    found = [root]
    for pid in found:  # It grows meanwhile.
        found += _children(pid)
    return found


def _children(pid: int) -> list[int]:
    children: list[bytes] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []  # The process has ended.
    for thread in threads:
        try:
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                children += file.read().split()
        except OSError:
            continue  # The thread has ended, and another one has its children.
    return [int(child) for child in children]


def _descendants_by_psutil(root: int) -> list[int]:
    try:
        return [process.pid for process in psutil.Process(root).children(recursive=True)]
    except psutil.Error:
        return []
