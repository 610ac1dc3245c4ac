"""tar.gz archives: made from a job's folders, and unpacked as a model's data."""

import errno
import gzip
import os
import shutil
import stat
import tarfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import BinaryIO

# Level 1 packs a model three times as fast as the default, and a tenth less tightly.
_COMPRESSION_LEVEL = 1
_CHUNK_BYTES = 1024 * 1024
# The last two: tarfile's, for headers with numbers that no archive holds.
_DAMAGE = (
    *(tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError),
    *(ValueError, OverflowError),
)
_ORDINARY_BITS = stat.S_IRWXU | stat.S_IRWXG | stat.S_IRWXO


class BadArchiveError(Exception):
    """The archive cannot be unpacked; the text is one sentence that says why."""


def create_archive(folder: Path, archive: Path) -> None:
    """Pack a folder's content, without the folder's own name, as a tar.gz.

    Links stay links; sockets, pipes and devices are left out.
    Raises: OSError, when the disk is full.
    """
    create_merged_archive(merged_members([folder]), archive)


def create_merged_archive(members: Mapping[str, Path], archive: Path) -> None:
    """Pack files, links and folders, by their names in the tar.gz. Otherwise as create_archive."""
    with tarfile.open(archive, "w:gz", compresslevel=_COMPRESSION_LEVEL) as tar:
        for name, path in members.items():
            tar.add(path, arcname=name, recursive=False, filter=_without_special_files)


def merged_members(folders: Iterable[Path]) -> dict[str, Path]:
    """Return all that is below some folders, by its name there, each folder before its content.

    Of a name that is in several folders the first is kept, and nothing goes below what is a file
    or a link there.
    """
    members: dict[str, Path] = {}
    for folder in folders:
        _add_members(folder, "", members)
    return dict(sorted(members.items(), key=lambda item: item[0].split("/")))


def _add_members(folder: Path, prefix: str, members: dict[str, Path]) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            name = prefix + entry.name
            kept = members.setdefault(name, Path(entry.path))
            if entry.is_dir(follow_symlinks=False) and kept.is_dir() and not kept.is_symlink():
                _add_members(Path(entry.path), f"{name}/", members)


def _without_special_files(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    keep = member.isreg() or member.isdir() or member.issym() or member.islnk()
    # The account that runs the server is nobody's business.
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member if keep else None


def extract_archive(archive: BinaryIO, folder: Path) -> None:
    """Unpack a tar.gz file into a folder that is empty.

    Only files and folders come out, none of them outside, without owners and set-user-id bits.
    Symbolic links are refused, as SageMaker does for a model's data (knowledge centre, "Why does
    my SageMaker AI endpoint creation fail").
    Raises: BadArchiveError; OSError, when the disk is full.
    """
    room_bytes = shutil.disk_usage(folder).free
    try:
        with tarfile.open(fileobj=archive, mode="r:gz") as tar:
            for member in tar:
                if member.size < 0:
                    # tarfile would go back by it, and find the same member again, without end.
                    raise tarfile.ReadError(f"its '{member.name}' has less than nothing in it")
                room_bytes -= member.size
                if room_bytes < 0:
                    raise BadArchiveError("It unpacks to more than the disk has room for.")
                _extract_member(tar, member, folder)
    except _DAMAGE as error:
        raise BadArchiveError(f"It is damaged, or not a tar.gz archive: {error}.") from error
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise BadArchiveError("It uses one name for both a file and a folder.") from error
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        raise BadArchiveError("It has a name that is too long for this disk.") from error


def _extract_member(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    # No link is ever made, so that a path without ".." stays inside.
    target = _path_inside(folder, member.name)
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    if not (member.isreg() or member.islnk()):
        kind = "a symbolic link" if member.issym() else "neither a file nor a folder"
        raise BadArchiveError(f"Its '{member.name}' is {kind}: pack the file itself instead.")
    target.parent.mkdir(parents=True, exist_ok=True)
    if member.islnk():
        _copy_linked(_path_inside(folder, member.linkname), target, member)
    else:
        _write_file(tar, member, target)


def _path_inside(folder: Path, name: str) -> Path:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        raise BadArchiveError(f"Its '{name}' would be outside of the model's folder.")
    return folder.joinpath(*path.parts)


def _copy_linked(original: Path, target: Path, member: tarfile.TarInfo) -> None:
    if not original.is_file():
        raise BadArchiveError(f"Its '{member.name}' is a link to '{member.linkname}', no file.")
    if original != target:
        # Not shutil.copy, which copies into a folder that has the target's name.
        shutil.copyfile(original, target)
        shutil.copymode(original, target)


def _write_file(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    content = tar.extractfile(member)
    assert content is not None
    with content, open(target, "wb") as file:
        shutil.copyfileobj(content, file, _CHUNK_BYTES)
    os.chmod(target, member.mode & _ORDINARY_BITS | stat.S_IRUSR | stat.S_IWUSR)
