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
    """
    root = os.path.realpath(folder)
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            inside = _inside(member, root, log)
            if inside is not None:
                _extract(tar, inside, root)


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, root: str) -> None:
    if hasattr(tarfile, "data_filter"):
        # Takes setuid and the like off as well.
        tar.extract(member, root, filter="data")
    else:
        tar.extract(member, root)


def _inside(member: tarfile.TarInfo, root: str, log: TrainLog) -> tarfile.TarInfo | None:
    """Return the member with a name below the root, or None to leave it out."""
    names = [n for n in member.name.replace("\\", "/").split("/") if n not in ("", ".", "..")]
    if not names:
        return None  # The folder itself, as `tar -C folder .` writes it.
    name = "/".join(names)
    if name != member.name.rstrip("/") and not member.name.startswith("./"):
        log.warning(f"The archive's {member.name!r} is unpacked as {name!r}")
    # Looked at here and not before, because a link unpacked just now may be on the way.
    target = os.path.realpath(os.path.join(root, name))
    if not _is_below(target, root):
        log.warning(f"The archive's {member.name!r} is left out: it is outside the code")
        return None
    if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        log.warning(f"The archive's {member.name!r} is left out: it is a device or a pipe")
        return None
    if member.issym() or member.islnk():
        start = os.path.join(root, os.path.dirname(name)) if member.issym() else root
        if not _is_below(os.path.realpath(os.path.join(start, member.linkname)), root):
            log.warning(f"The archive's {member.name!r} is left out: it links to outside")
            return None
    member.name = name
    return member


def _is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(root + os.sep)
