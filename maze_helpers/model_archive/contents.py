"""An archive's contents: what its members are, and the few of them that are looked into."""

import codecs
import gzip
import posixpath
import stat
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from maze_helpers.model_archive import pickles
from maze_helpers.model_archive.bounded import BoundedReader, TooMuchError
from maze_helpers.model_archive.finding import BROKEN, WARNING, Finding

TEXT_SUFFIXES = (".py", ".txt", ".json")
MOST_TEXT_BYTES = 1024**2
# Of all of them together, which stay in memory: more is no code.
MOST_TEXTS_BYTES = 256 * 1024**2
MOST_MODEL_BYTES = 2 * 1024**3
# A larger archive is read no further: it takes minutes, and could be a bomb.
MOST_UNPACKED_BYTES = 8 * 1024**3
MOST_MEMBERS = 50_000
# More would hide what else is wrong.
MOST_REFUSED = 10
_CHUNK_BYTES = 1024**2
_DAMAGE = (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, ValueError, OverflowError)
_PACK = "Pack it anew: tar -czf model.tar.gz -C model_dir ."


@dataclass(frozen=True)
class Member:
    """A file or folder. mode: its permission bits."""

    size_bytes: int
    mode: int
    is_folder: bool = False


@dataclass
class Contents:
    """members: by path, without a leading "./". texts: of small files of code and settings.
    pickled: what files of models would import. problems: what was wrong with the archive itself.
    is_whole: whether all of it was read, so that what is not there is missing.
    """

    packed_bytes: int
    members: dict[str, Member] = field(default_factory=dict)
    texts: dict[str, bytes] = field(default_factory=dict)
    text_bytes: int = 0
    pickled: dict[str, pickles.Pickled] = field(default_factory=dict)
    problems: list[Finding] = field(default_factory=list)
    is_whole: bool = True

    @property
    def files(self) -> list[str]:
        """The paths of all files."""
        return [name for name, member in self.members.items() if not member.is_folder]

    @property
    def top_files(self) -> list[str]:
        """The names of the files that lie in no folder."""
        return [name for name in self.files if "/" not in name]

    @property
    def unpacked_bytes(self) -> int:
        """How large all files are together."""
        return sum(member.size_bytes for member in self.members.values())

    def below(self, folder: str) -> list[str]:
        """Return the paths of the files in a folder, and in folders of it."""
        return [name for name in self.files if name.startswith(f"{folder}/")]

    def text(self, name: str) -> str | None:
        """Return a small file's text, or None if there is none, or it is too large."""
        content = self.texts.get(name)
        if content is None:
            return None
        # As pip does: PowerShell writes UTF-16.
        wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return content.decode("utf-16" if wide else "utf-8-sig", "replace")


def read(path: Path) -> Contents:
    """Return what an archive holds; damage is among its problems. Raises: OSError."""
    state = path.stat()
    if stat.S_ISFIFO(state.st_mode):
        # Opening it would wait for somebody to write.
        raise OSError("it is a pipe, and no file")
    contents = Contents(state.st_size)
    with path.open("rb") as file:
        head = file.read(512)
        file.seek(0)
        mistaken = _not_gzip(head)
        if mistaken:
            contents.problems.append(mistaken)
            contents.is_whole = False
            return contents
        with gzip.GzipFile(fileobj=file) as unzipped:
            reader = BoundedReader(unzipped, MOST_UNPACKED_BYTES)
            contents.problems.extend(_read_tar(reader, contents))
    return contents


def _not_gzip(head: bytes) -> Finding | None:
    kinds = {
        b"PK\3\4": "a zip archive",
        b"BZh": "compressed by bzip2",
        b"\xfd7zXZ": "compressed by xz",
        b"(\xb5/\xfd": "compressed by zstd",
    }
    if head.startswith(b"\x1f\x8b"):
        return None
    if not head:
        return Finding(BROKEN, "The file is empty.", _PACK)
    kind = next((kind for magic, kind in kinds.items() if head.startswith(magic)), None)
    if head[257:262] == b"ustar":
        kind = "a tar that is not compressed"
    what = f"It is {kind}, not a tar.gz." if kind else "It is no tar.gz: it is not gzip at all."
    return Finding(BROKEN, what, "SageMaker unpacks tar.gz alone. " + _PACK)


def _read_tar(reader: BoundedReader, contents: Contents) -> Iterator[Finding]:
    refused = 0
    try:
        with tarfile.open(fileobj=reader, mode="r:") as tar:
            for member in tar:
                if member.size < 0:
                    # tarfile would go back by it, and find the same member again, without end.
                    raise tarfile.ReadError(f"{member.name} has less than nothing in it")
                if len(contents.members) >= MOST_MEMBERS:
                    raise TooMuchError(f"more than {MOST_MEMBERS} members")
                for finding in _take(tar, member, contents):
                    refused += 1
                    if refused <= MOST_REFUSED:
                        yield finding
                # tarfile keeps each member, for a look-up by name that nobody does.
                tar.members.clear()
    except TooMuchError as error:
        contents.is_whole = False
        yield Finding(
            WARNING,
            f"It holds {error}, unpacked: it is looked at no further.",
            "Leave out what serving does not need; an endpoint unpacks all of it.",
        )
    except _DAMAGE as error:
        contents.is_whole = False
        yield _damaged(error, contents)
    else:
        yield from _drain(reader)
    if refused > MOST_REFUSED:
        more = refused - MOST_REFUSED
        yield Finding(BROKEN, f"{more} more of its members are refused, for such reasons.", _PACK)


def _damaged(error: Exception, contents: Contents) -> Finding:
    if isinstance(error, EOFError):
        return Finding(
            BROKEN,
            f"It ends too early, behind {_counted(len(contents.files))}.",
            "It was cut off on its way: copy it again, or pack it anew.",
        )
    if not contents.members and isinstance(error, tarfile.TarError):
        return Finding(BROKEN, "It is gzip, and no tar inside.", _PACK)
    return Finding(BROKEN, f"It is damaged: {error}.", _PACK)


def _counted(files: int) -> str:
    return f"{files} whole file{'' if files == 1 else 's'}"


def _drain(reader: BoundedReader) -> Iterator[Finding]:
    """Read behind the last member, where gzip keeps its checksum."""
    try:
        while reader.read(_CHUNK_BYTES):
            pass
    except TooMuchError:
        return
    except _DAMAGE as error:
        yield Finding(WARNING, f"It is damaged behind its last file: {error}.", _PACK)


def _take(tar: tarfile.TarFile, member: tarfile.TarInfo, contents: Contents) -> Iterator[Finding]:
    name = posixpath.normpath(member.name)
    if member.name.startswith("/") or ".." in member.name.split("/") or "\0" in member.name:
        yield Finding(
            BROKEN,
            f"'{member.name}' would land outside of the model's folder.",
            "Pack with relative names: tar -czf model.tar.gz -C model_dir .",
        )
        return
    if name == ".":
        return
    if member.isdir():
        contents.members[name] = Member(0, member.mode, is_folder=True)
    elif member.isreg():
        contents.members[name] = Member(member.size, member.mode)
        _look_into(tar, member, name, contents)
    elif member.islnk() and posixpath.normpath(member.linkname) in contents.members:
        contents.members[name] = contents.members[posixpath.normpath(member.linkname)]
        _share(posixpath.normpath(member.linkname), name, contents)
    else:
        yield _no_file(member)


def _share(original: str, name: str, contents: Contents) -> None:
    """Note of a hard link what is known of the file that it is."""
    if original in contents.texts:
        contents.texts[name] = contents.texts[original]
    if original in contents.pickled:
        contents.pickled[name] = contents.pickled[original]


def _no_file(member: tarfile.TarInfo) -> Finding:
    if member.issym():
        kind, fix = f"a symbolic link to '{member.linkname}'", "tar -h packs the file itself."
    elif member.islnk():
        kind, fix = f"a link to '{member.linkname}', which is not before it", _PACK
    else:
        kind, fix = "neither a file nor a folder", "Leave it out."
    return Finding(BROKEN, f"'{member.name}' is {kind}: SageMaker refuses the archive.", fix)


def _look_into(
    tar: tarfile.TarFile, member: tarfile.TarInfo, name: str, contents: Contents
) -> None:
    suffix = posixpath.splitext(name)[1].lower()
    if suffix in TEXT_SUFFIXES and member.size <= MOST_TEXT_BYTES:
        contents.text_bytes += member.size
        if contents.text_bytes > MOST_TEXTS_BYTES:
            raise TooMuchError(f"more than {MOST_TEXTS_BYTES} bytes of text")
        contents.texts[name] = _content(tar, member).read(member.size)
    elif suffix in pickles.SUFFIXES and member.size <= MOST_MODEL_BYTES:
        # On disk, under no name: the end of a zip says what is in it.
        with tempfile.TemporaryFile() as copy:
            source = _content(tar, member)
            while chunk := source.read(_CHUNK_BYTES):
                copy.write(chunk)
            copy.seek(0)
            pickled = pickles.look(copy, member.size)
        if pickled:
            contents.pickled[name] = pickled


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> BinaryIO:
    content = tar.extractfile(member)
    assert content is not None
    return content
