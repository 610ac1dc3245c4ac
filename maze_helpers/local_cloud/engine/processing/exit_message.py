"""What a processing job's containers say at their end.

Source: SageMaker guide, "Save and Access Metadata Information About Your Processing Job".
"""

import codecs
import os
import stat
from collections.abc import Sequence

from maze_helpers.local_cloud.engine.processing.folder import ProcessingFolder

MAX_MESSAGE_BYTES = 1024


class NotUTF8(Exception):
    """A container's message is not text."""


def exit_message(folders: Sequence[ProcessingFolder]) -> str:
    """Return the job's ExitMessage: those of its containers one after the other, cut at 1 kB.

    Raises: NotUTF8.
    """
    try:
        said = "".join(_decoded(_message(folder)) for folder in folders)
    except UnicodeDecodeError as error:
        raise NotUTF8 from error
    # Cut between characters.
    return said.encode()[:MAX_MESSAGE_BYTES].decode(errors="ignore")


def _decoded(message: bytes) -> str:
    # The last character of a message that was cut may be half there.
    is_whole = len(message) < MAX_MESSAGE_BYTES
    return codecs.getincrementaldecoder("utf-8")().decode(message, final=is_whole)


def _message(folder: ProcessingFolder) -> bytes:
    """Return the start of a host's message, b"" unless it is a regular file."""
    if not folder.is_untouched(folder.message):
        return b""
    try:
        # A pipe would block.
        descriptor = os.open(folder.message, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return b""
    with os.fdopen(descriptor, "rb") as file:
        return file.read(MAX_MESSAGE_BYTES) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
