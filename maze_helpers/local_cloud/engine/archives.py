"""tar.gz archives: made from a folder, and unpacked into one that nothing can leave."""

import gzip
import lzma
import os
import shutil
import stat
import tarfile
import zlib
from pathlib import Path, PurePosixPath

# Level 1 packs a model three times as fast as the default, and a tenth less tightly.
_COMPRESSION_LEVEL = 1
_CHUNK_BYTES = 1024 * 1024
_DAMAGE = (
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    UnicodeError,
)
_ORDINARY_BITS = stat.S_IRWXU | stat.S_IRWXG | stat.S_IRWXO


class UnsafeArchiveError(Exception):
    """The archive cannot be unpacked: it is damaged, too large, or would leave its folder."""


def create_archive(folder: Path, archive: Path) -> None:
    """Pack a folder's content, without the folder's own name, as a tar.gz.

    Links stay links; sockets, pipes and devices are left out.
    Raises: OSError, when the disk is full.
    """
    with tarfile.open(archive, "w:gz", compresslevel=_COMPRESSION_LEVEL) as tar:
        for child in sorted(folder.iterdir()):
            tar.add(child, arcname=child.name, filter=_without_special_files)


def _without_special_files(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    keep = member.isreg() or member.isdir() or member.issym() or member.islnk()
    # The account that runs the server is nobody's business.
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member if keep else None


def extract_archive(archive: Path, folder: Path) -> None:
    """Unpack a tar file, compressed or not, into a folder, making it where it is missing.

    Only files, folders and links that stay inside the folder come out; owners, set-user-id
    bits and device files never do.
    Raises: UnsafeArchiveError, with nothing written outside the folder; OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    root = _real(folder)
    room_bytes = shutil.disk_usage(root).free
    links = []
    # Early releases of Python 3.10 and 3.11 lack tarfile's own filters: the checks are ours.
    try:
        with tarfile.open(archive, "r:*") as tar:
            for member in tar:
                room_bytes -= member.size
                if room_bytes < 0:
                    raise UnsafeArchiveError("it unpacks to more than the disk has room for")
                _extract_member(tar, member, root)
                if member.issym():
                    links.append(member)
    except _DAMAGE as error:
        raise UnsafeArchiveError(f"it is not a sound tar archive: {error}") from error
    except (FileExistsError, NotADirectoryError) as error:
        raise UnsafeArchiveError("it uses one name for both a file and a folder") from error
    # A later member may have replaced what a link leads through.
    for link in links:
        _check_link(root, (root / link.name).parent, link)


def _extract_member(tar: tarfile.TarFile, member: tarfile.TarInfo, root: Path) -> None:
    target = _path_inside(root, member.name)
    if target == root:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if member.isdir():
        if target.is_symlink() or not target.is_dir():
            _remove(target)
            target.mkdir()
    elif member.issym():
        _check_link(root, target.parent, member)
        _remove(target)
        target.symlink_to(member.linkname)
    elif member.islnk():
        original = _path_inside(root, member.linkname)
        if original.is_symlink() or not original.is_file():
            raise UnsafeArchiveError(f"'{member.name}' links to '{member.linkname}', no file in it")
        if original != target:
            _remove(target)
            os.link(original, target)
    elif member.isreg():
        _write_file(tar, member, target)
    else:
        raise UnsafeArchiveError(f"'{member.name}' is neither a file, a folder nor a link")


def _real(path: Path) -> Path:
    # Path.resolve() raises where links make a circle.
    return Path(os.path.realpath(path))


def _path_inside(root: Path, name: str) -> Path:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        raise UnsafeArchiveError(f"'{name}' would be outside its folder")
    target = root.joinpath(*path.parts)
    if target != root and not _real(target.parent).is_relative_to(root):
        raise UnsafeArchiveError(f"'{name}' would be outside its folder, behind a link")
    return target


def _check_link(root: Path, parent: Path, member: tarfile.TarInfo) -> None:
    link = PurePosixPath(member.linkname)
    inside = member.linkname and not link.is_absolute()
    if not inside or not _real(parent / link).is_relative_to(root):
        raise UnsafeArchiveError(
            f"'{member.name}' links to '{member.linkname}', outside its folder"
        )


def _write_file(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    content = tar.extractfile(member)
    if content is None:
        raise UnsafeArchiveError(f"'{member.name}' has no content")
    _remove(target)
    # Exclusive, so that it is a file of our own that is written.
    with content, open(target, "xb") as file:
        shutil.copyfileobj(content, file, _CHUNK_BYTES)
    target.chmod(member.mode & _ORDINARY_BITS | stat.S_IRUSR | stat.S_IWUSR)


def _remove(path: Path) -> None:
    """Remove what an earlier member of the same name left."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
