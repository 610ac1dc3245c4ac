"""Pipe mode: a channel's objects, one after another, through a named pipe for each epoch.

Source: SageMaker guide, "How Amazon SageMaker Provides Training Information"; RecordIO, as
Apache MXNet writes it.
"""

from __future__ import annotations

import gzip
import os
import shutil
import stat
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from maze_helpers.local_cloud.engine.channels import ChannelError, ChannelObject
from maze_helpers.local_cloud.services.s3.objects import ObjectStore

# How often a pipe is tried that nobody reads yet.
_LOOK_S = 0.02
_CHUNK_BYTES = 256 * 1024
_RECORD_MAGIC = 0xCED7230A
# The length shares its four bytes with three bits that say whether a record goes on.
_LONGEST_RECORD_BYTES = 2**29 - 1


class ChannelPipe:
    """Fills `<channel>_0` as soon as somebody reads it, then `<channel>_1`, and so on."""

    def __init__(
        self,
        objects: ObjectStore,
        share: Callable[[int], Sequence[ChannelObject]],
        path: Path,
        channel: Mapping[str, Any],
        on_error: Callable[[Exception], None],
    ) -> None:
        """Make the first pipe.

        share: gives the objects of an epoch. path: of the channel, without the epoch's number.
        channel: its CompressionType and RecordWrapperType. on_error: called with what ends the
        filling early, so that nobody takes half of the data for the whole.
        """
        self._objects = objects
        self._share = share
        self._path = path
        self._unpacks = channel.get("CompressionType") == "Gzip"
        self._wraps = channel.get("RecordWrapperType") == "RecordIO"
        self._on_error = on_error
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._fill, name=f"pipe {path.name}", daemon=True)
        os.mkfifo(self._pipe(0))

    def start(self) -> None:
        """Begin to wait for readers."""
        self._thread.start()

    def finish(self) -> None:
        """Fill no more. Call it once nobody reads any more."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _pipe(self, epoch: int) -> Path:
        return self._path.with_name(f"{self._path.name}_{epoch}")

    def _fill(self) -> None:
        epoch = 0
        while (pipe := self._open(self._pipe(epoch))) is not None:
            try:
                # It must be there as soon as the reader is done with this one.
                os.mkfifo(self._pipe(epoch + 1))
                with pipe:
                    for one in self._share(epoch):
                        self._send(one, pipe)
            except BrokenPipeError:
                pass  # The reader has had enough of this epoch.
            except Exception as error:
                self._on_error(error)
                return
            epoch += 1

    def _open(self, path: Path) -> BinaryIO | None:
        """Return a pipe once somebody reads it, or None when nobody will."""
        while not self._ended.wait(_LOOK_S):
            try:
                # The job could put a link to any file there.
                pipe = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
            except OSError:
                continue  # Nobody reads it yet.
            if not stat.S_ISFIFO(os.fstat(pipe).st_mode):
                os.close(pipe)
                return None
            os.set_blocking(pipe, True)
            return open(pipe, "wb")
        return None

    def _send(self, one: ChannelObject, pipe: BinaryIO) -> None:
        if one.is_folder:
            return
        with self._objects.open(one.bucket, one.key) as stored:
            content = gzip.GzipFile(fileobj=stored) if self._unpacks else stored
            if self._wraps:
                pipe.write(record(content.read(_LONGEST_RECORD_BYTES + 1), one.key))
            else:
                shutil.copyfileobj(content, pipe, _CHUNK_BYTES)


def record(content: bytes, key: str) -> bytes:
    """Return an object's content as one RecordIO record, padded to four bytes.

    Raises: ChannelError, if it is too long for one.
    """
    if len(content) > _LONGEST_RECORD_BYTES:
        raise ChannelError(f"'{key}' is too large for a RecordIO record")
    return struct.pack("<II", _RECORD_MAGIC, len(content)) + content + b"\0" * (-len(content) % 4)
