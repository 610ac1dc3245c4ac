"""The job's source code: fetched, and unpacked into /opt/ml/code and nowhere else."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Mapping

from maze_helpers.local_cloud.container.train_log import TrainLog


def place(uri: str, folder: str, variables: Mapping[str, str], log: TrainLog) -> None:
    """Put the source code that a URI names into a folder, unless something is there already.

    uri: s3://…/sourcedir.tar.gz, or the path of a folder, a tar.gz file or a script.
    Raises: DownloadError; OSError and tarfile.TarError, if there is nothing to read at the path.
    """
    os.makedirs(folder, exist_ok=True)
    if os.listdir(folder):
        if uri != folder:
            log.info(f"{folder} is not empty: the code in it is used, not that of {uri}")
        return
    if uri.startswith("s3://"):
        # Imported late: for its HTTP client, which a job with local code does without.
        from maze_helpers.local_cloud.container.s3_download import download

        archive = f"{folder}.tar.gz"
        download(uri, archive, variables)
        unpack(archive, folder, log)
        os.remove(archive)
    elif os.path.isdir(uri):
        if os.path.realpath(uri) != os.path.realpath(folder):
            shutil.copytree(uri, folder, dirs_exist_ok=True)
    elif tarfile.is_tarfile(uri):
        unpack(uri, folder, log)
    else:
        shutil.copy2(uri, folder)


def unpack(archive: str, folder: str, log: TrainLog) -> None:
    """Unpack a tar.gz file; what would land outside the folder lands inside it, or not at all.

    A name such as "../x" becomes "x". Links that lead outside, devices and pipes are left out.
    Each change to what the archive says is logged.
    Raises: OSError; tarfile.TarError, if the archive is damaged.
    """
    root = os.path.realpath(folder)
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                if member.size < 0:
                    # tarfile would go back by it, and find the same member again, without end.
                    raise tarfile.ReadError(f"{member.name!r} has less than nothing in it")
                inside = _inside(member, root, log)
                if inside is not None:
                    _extract(tar, inside, root)
    except (ValueError, OverflowError) as error:
        # tarfile's, for headers with numbers that no archive holds.
        raise tarfile.ReadError(str(error)) from error


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, root: str) -> None:
    if member.issym() or member.islnk():
        _link(member, os.path.join(root, member.name), root)
        return
    # Without set-user-id and the like, and so that the script may be read whoever packed it.
    member.mode = member.mode & 0o777 | (0o700 if member.isdir() else 0o600)
    if hasattr(tarfile, "fully_trusted_filter"):
        # What tarfile's own filters look at, and what they overlook, is checked here already.
        tar.extract(member, root, filter="fully_trusted")
    else:
        tar.extract(member, root)


def _link(member: tarfile.TarInfo, name: str, root: str) -> None:
    # Not by tarfile, which unpacks the member that a link names where it cannot make the link:
    # perhaps one that was left out, perhaps the link itself, without end.
    file = os.path.join(root, member.linkname)
    if member.islnk() and os.path.exists(name) and os.path.samefile(file, name):
        return
    os.makedirs(os.path.dirname(name), exist_ok=True)
    if os.path.lexists(name):
        os.remove(name)
    if member.issym():
        os.symlink(member.linkname, name)
    else:
        os.link(os.path.realpath(file), name)


def _inside(member: tarfile.TarInfo, root: str, log: TrainLog) -> tarfile.TarInfo | None:
    """Return the member with a name below the root, or None to leave it out."""
    names = [n for n in member.name.replace("\\", "/").split("/") if n not in ("", ".", "..")]
    if not names:
        return None  # The folder itself, as `tar -C folder .` writes it.
    name = "/".join(names)
    if name != member.name.rstrip("/") and not member.name.startswith("./"):
        log.warning(f"The archive's {member.name!r} is unpacked as {name!r}")
    parent = os.path.realpath(os.path.join(root, *names[:-1]))
    reason = _reason_to_leave_out(member, parent, root)
    if reason:
        log.warning(f"The archive's {member.name!r} is left out: it {reason}")
        return None
    member.name = name
    return member


def _reason_to_leave_out(member: tarfile.TarInfo, parent: str, root: str) -> str | None:
    if not _is_below(parent, root):
        return "is outside the code"
    if member.issym() and not _stays_below(member.linkname, parent, root):
        return "links to outside"
    if member.islnk() and not os.path.isfile(os.path.join(root, member.linkname)):
        return "links to nothing"
    if member.islnk() and not _stays_below(member.linkname, root, root):
        return "links to outside"
    if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        return "is a device or a pipe"
    return None


def _stays_below(linkname: str, parent: str, root: str) -> bool:
    """Return whether a link leads below the root, whatever else is or will be unpacked there.

    It goes up from its folder to the root at most, and then only down: so no link that it
    passes, now or once another member has replaced it, can turn a later ".." to the outside.
    """
    names = [name for name in linkname.split("/") if name not in ("", ".")]
    depth = 0 if parent == root else os.path.relpath(parent, root).count("/") + 1
    up = 0
    while up < len(names) and names[up] == "..":
        up += 1
    return not linkname.startswith("/") and up <= depth and ".." not in names[up:]


def _is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(root + os.sep)
