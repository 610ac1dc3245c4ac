"""What a file of a model would import when it is loaded: found without loading it."""

import bz2
import io
import lzma
import pickletools
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from maze_helpers.model_archive.bounded import BoundedReader, TooMuchError

SUFFIXES = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".bin", ".sav")
# Enough for any model of some GB: their numbers are no opcodes of their own.
_MOST_OPCODES = 1_000_000
_MOST_PICKLES = 10
_MOST_BYTES = 256 * 1024**2
_LONGEST_NAME = 1000
_CHUNK_BYTES, _OVERLAP_BYTES = 1024**2, 1024
_STRINGS = {
    *("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE"),
    *("SHORT_BINSTRING", "BINSTRING", "STRING"),
}
_PUTS, _GETS = {"PUT", "BINPUT", "LONG_BINPUT"}, {"GET", "BINGET", "LONG_BINGET"}
# Bounded, or a long word makes the search take the square of its length.
_NAME = rb"[A-Za-z_][\w.]{0,199}"
# GLOBAL and, of protocol 4, two short strings before STACK_GLOBAL, each perhaps memoized.
_GLOBAL = re.compile(
    rb"c(" + _NAME + rb")\n(" + _NAME + rb")\n"
    rb"|\x8c.(" + _NAME + rb")\x94?\x8c.(" + _NAME + rb")\x94?\x93",
    re.DOTALL,
)
_TROUBLE = (ValueError, OverflowError, EOFError, TooMuchError, zipfile.BadZipFile, OSError)
_TROUBLE += (zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError, KeyError)


@dataclass(frozen=True)
class Pickled:
    """names: (module, name) of all that loading would import. is_torchscript: whether it is a
    TorchScript archive, which needs none of the model's own code.
    """

    names: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    is_torchscript: bool = False


def look(file: BinaryIO, size_bytes: int) -> Pickled | None:
    """Return what a file would import, or None if it is nothing that is known.

    file: seekable. Reads PyTorch's zip and its older format, pickle and joblib, compressed too.
    """
    reader = BoundedReader(file, size_bytes)
    try:
        if zipfile.is_zipfile(reader):
            return _of_zip(reader)
        reader.seek(0)
        return _of_pickle(_decompressed(reader))
    except _TROUBLE:
        return None


def _of_zip(reader: BoundedReader) -> Pickled | None:
    with zipfile.ZipFile(reader) as archive:
        names = archive.namelist()
        pickles = [name for name in names if name.rpartition("/")[2] == "data.pkl"]
        if not pickles:
            return None
        with archive.open(pickles[0]) as entry:
            content = BoundedReader(entry, _MOST_BYTES).read(-1)
        is_torchscript = any(name.endswith("/constants.pkl") for name in names)
        return Pickled(_of_pickle(io.BytesIO(content)).names, is_torchscript)


def _decompressed(reader: BoundedReader) -> BinaryIO:
    """Return a joblib file as it was before it was compressed, and all else as it is."""
    head = reader.read(6)
    reader.seek(0)
    decompress: Callable[[bytes], bytes]
    if head[:1] == b"x" and len(head) > 1 and (head[0] * 256 + head[1]) % 31 == 0:
        decompress = _inflate(zlib.MAX_WBITS)
    elif head[:2] == b"\x1f\x8b":
        decompress = _inflate(zlib.MAX_WBITS | 16)
    elif head[:3] == b"BZh":
        decompress = _limited(bz2.BZ2Decompressor())
    elif head[:6] == b"\xfd7zXZ\0" or head[:1] == b"]":
        decompress = _limited(lzma.LZMADecompressor())
    else:
        return reader
    return io.BytesIO(decompress(reader.read(-1)))


def _inflate(window_bits: int) -> Callable[[bytes], bytes]:
    return lambda content: zlib.decompressobj(window_bits).decompress(content, _MOST_BYTES)


def _limited(decompressor: bz2.BZ2Decompressor | lzma.LZMADecompressor) -> Callable[[bytes], bytes]:
    return lambda content: decompressor.decompress(content, _MOST_BYTES)


def _of_pickle(file: BinaryIO) -> Pickled:
    """Return what the pickles in a file name; PyTorch's older files hold several in a row."""
    names: set[tuple[str, str]] = set()
    for _ in range(_MOST_PICKLES):
        try:
            names.update(_names(file))
        except (ValueError, OverflowError, TooMuchError, RecursionError):
            # joblib puts arrays between the opcodes, and others numbers behind them.
            file.seek(0)
            names.update(_scan(file))
            break
        if not file.read(1):
            break
        file.seek(-1, io.SEEK_CUR)
    return Pickled(frozenset(names))


def _names(file: BinaryIO) -> Iterator[tuple[str, str]]:
    """Yield what one pickle imports. Raises: ValueError, where it is none, or too long."""
    strings: list[str | None] = []
    memo: dict[int, str | None] = {}
    last: str | None = None
    for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        if count > _MOST_OPCODES:
            raise ValueError("too many opcodes")
        if opcode.name in _PUTS:
            memo[int(argument)] = last
            continue
        if opcode.name == "MEMOIZE":
            memo[len(memo)] = last
            continue
        last = None
        if opcode.name in _STRINGS:
            last = str(argument[:_LONGEST_NAME])
            strings.append(last)
        elif opcode.name in _GETS:
            last = memo.get(int(argument))
            strings.append(last)
        elif opcode.name in ("GLOBAL", "INST"):
            module, _, name = argument.partition(" ")
            yield module, name
        elif opcode.name == "STACK_GLOBAL" and len(strings) > 1 and None not in strings[-2:]:
            yield strings[-2] or "", strings[-1] or ""


def _scan(file: BinaryIO) -> Iterator[tuple[str, str]]:
    """Yield what the bytes of a file seem to import: for what is no plain pickle."""
    before = b""
    while chunk := file.read(_CHUNK_BYTES):
        for match in _GLOBAL.finditer(before + chunk):
            module, name = (part for part in match.groups() if part is not None)
            yield module.decode("ascii"), name.decode("ascii")
        before = chunk[-_OVERLAP_BYTES:]
