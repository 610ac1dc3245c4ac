"""What the tests of an object's run share: small payloads, and a model in this process."""

import asyncio
import io
import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from maze_helpers.local_cloud.engine.transform.data_processing import processing_of
from maze_helpers.local_cloud.engine.transform.object_run import ObjectRun
from maze_helpers.local_cloud.engine.transform.settings import MULTI_RECORD, Settings


@dataclass(frozen=True)
class SmallSettings(Settings):
    """Settings whose payloads are of so many bytes; None for any size."""

    most_bytes: int | None = None

    @property
    def max_payload_bytes(self) -> int | None:
        return self.most_bytes


def settings_for(
    content_type: str = "text/csv",
    input_filter: str = "$",
    joins: bool = False,
    output_filter: str = "$",
    **members,
) -> SmallSettings:
    defaults = {
        "max_concurrent": 1,
        "max_payload_mb": 0 if members.get("most_bytes", 40) is None else 1,
        "strategy": MULTI_RECORD,
        "timeout_s": 60,
        "retries": 0,
        "headers": {},
        "splits": True,
        "assembles": True,
        "is_gzip": False,
        "processing": processing_of(content_type, input_filter, joins, output_filter),
        "most_bytes": 40,
    }
    return SmallSettings(**{**defaults, **members})


class Trickle(io.BytesIO):
    """A file that gives few bytes at a time."""

    def read(self, size: int = -1) -> bytes:
        return super().read(min(size, 7) if size >= 0 else size)


class OddModel:
    """A model whose answers come in any order: of each line, its checksum."""

    def __init__(self, seed: int = 0, ends: bytes = b"") -> None:
        """ends: what an answer has at its end."""
        self.payloads: list[bytes] = []
        self.n_asked = self.most_asked = 0
        self._random = random.Random(seed)
        self._ends = ends

    async def answer(self, payload: bytes) -> bytes:
        """Return the answer to a payload."""
        self.payloads.append(payload)
        self.n_asked += 1
        self.most_asked = max(self.most_asked, self.n_asked)
        try:
            for _ in range(self._random.randrange(6)):
                await asyncio.sleep(0)
            return self.of(payload)
        finally:
            self.n_asked -= 1

    async def answer_to_chunks(self, chunks: Callable[[], Iterator[bytes]]) -> BinaryIO:
        """Return the answer to a payload of any size, which is sent once in vain."""
        next(chunks(), None)
        return io.BytesIO(await self.answer(b"".join(chunks())))

    def of(self, payload: bytes) -> bytes:
        """Return what the model makes of a payload, whose blank lines it passes over."""
        return b"\n".join(map(self.line, filter(None, payload.splitlines()))) + self._ends

    @staticmethod
    def line(line: bytes) -> bytes:
        """Return what the model makes of a line."""
        return b"%d" % zlib.crc32(line)


def transformed(data: bytes, settings: Settings, model=None) -> bytes:
    """Return an object's output."""
    return asyncio.run(all_transformed([data], settings, model or OddModel()))[0]


async def all_transformed(objects: list[bytes], settings: Settings, model) -> list[bytes]:
    """Return the outputs of objects that are transformed at the same time."""
    room = asyncio.Semaphore(settings.max_concurrent + 1)
    outputs = [io.BytesIO() for _ in objects]
    runs = [
        ObjectRun(Trickle(data), settings, model, room, output.write)
        for data, output in zip(objects, outputs, strict=True)
    ]
    await asyncio.gather(*(run.run() for run in runs))
    return [output.getvalue() for output in outputs]


def ended(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)
