"""What a container may have made of its folder is removed all the same."""

import os
import sys

from maze_helpers.local_cloud.engine.container_folder import remove_folder


def test_folders_are_removed_however_many_are_in_each_other(tmp_path):
    """That something is unwritable does not matter; what a link leads to stays as it is."""
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o500)
    shut = tmp_path / "folder" / "shut"
    make_deep(shut, sys.getrecursionlimit())
    (shut / "link").symlink_to(outside)
    shut.chmod(0o500)
    remove_folder(tmp_path / "folder")
    assert os.listdir(tmp_path) == ["outside"]
    assert outside.stat().st_mode & 0o777 == 0o500


def make_deep(folder, depth: int) -> None:
    """Make a folder, and so many in each other below it."""
    folder.mkdir(parents=True)
    descriptor = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=descriptor)
        below = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(descriptor)
