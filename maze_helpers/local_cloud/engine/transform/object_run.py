"""One object of a transform job: split, filtered, sent, joined and assembled as a stream."""

import asyncio
import gzip
import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, Protocol

from maze_helpers.local_cloud.engine.transform.assembly import Assembly
from maze_helpers.local_cloud.engine.transform.data_processing import Unprocessable, paired
from maze_helpers.local_cloud.engine.transform.json_path import InvalidJsonPath
from maze_helpers.local_cloud.engine.transform.settings import SINGLE_RECORD, Settings
from maze_helpers.local_cloud.engine.transform.splitting import (
    MEGABYTE,
    PIECE_BYTES,
    Batch,
    TooLarge,
    batches,
    blocks,
    decompressed,
    gathered,
    lines,
    pieces,
)

# Of a record that no payload limits: that of the largest payload.
MOST_RECORD_BYTES = 100 * MEGABYTE


class ObjectFailed(Exception):
    """An object has no output; the text is for the data log.

    is_clients: whether the data is at fault, or else the model.
    """

    def __init__(self, what: str, is_clients: bool = True) -> None:
        super().__init__(what)
        self.is_clients = is_clients


class Model(Protocol):
    """The model that is asked. Both methods raise ObjectFailed where it does not answer well."""

    async def answer(self, payload: bytes) -> bytes:
        """Return the answer to a payload."""

    async def answer_to_chunks(self, chunks: Callable[[], Iterator[bytes]]) -> BinaryIO:
        """Return the answer to a payload of any size, to be closed.

        chunks: called again when the payload is to be sent again.
        """


class ObjectRun:
    """The way of one object through the model."""

    def __init__(
        self,
        source: BinaryIO,
        settings: Settings,
        model: Model,
        room: asyncio.Semaphore,
        write: Callable[[bytes], object],
    ) -> None:
        """Name what takes part.

        source: the object's bytes, seekable; it stays open. room: for the batches that are in
        memory, of all objects that share it. write: takes the output.
        """
        self._source = source
        self._settings = settings
        self._processing = settings.processing
        self._model = model
        self._room = room
        self._assembly = Assembly(write, settings.assembles)

    async def run(self) -> None:
        """Write the object's output, in the order of its records.

        Raises: ObjectFailed; what `write` raises. The model is asked no more then.
        """
        try:
            if self._is_one_request():
                await self._run_in_one()
            else:
                await self._run_in_batches()
            self._assembly.flush()
        except TooLarge as error:
            raise ObjectFailed(f"A record is larger than {self._limit()}") from error
        except (Unprocessable, InvalidJsonPath) as error:
            raise ObjectFailed(str(error)) from error
        except (EOFError, gzip.BadGzipFile) as error:
            raise ObjectFailed(f"Failed to decompress input: {error}") from error

    def _limit(self) -> str:
        # A guess: no source has the words.
        most_mb = self._settings.max_payload_mb
        return f"MaxPayloadInMB={most_mb} allows" if most_mb else f"{MOST_RECORD_BYTES} bytes"

    def _is_one_request(self) -> bool:
        """Return whether the whole object goes to the model in chunks, however large it is."""
        settings = self._settings
        if settings.max_payload_bytes is not None:
            return False
        if settings.splits:
            return settings.strategy != SINGLE_RECORD
        # A JSON value is taken apart as a whole.
        return not self._processing.filters_input and self._processing.keeps_answers

    async def _run_in_batches(self) -> None:
        window: deque[tuple[Batch, asyncio.Task[bytes]]] = deque()
        to_come = self._batches()
        try:
            while batch := await self._next_batch(to_come, window):
                window.append((batch, asyncio.create_task(self._model.answer(batch.payload))))
                # It is sent before the next one is made.
                await asyncio.sleep(0)
            while window:
                await self._write_first(window)
        finally:
            for _, answer in window:
                answer.cancel()
                self._room.release()
            await asyncio.gather(*(answer for _, answer in window), return_exceptions=True)

    async def _next_batch(
        self, to_come: Iterator[Batch], window: deque[tuple[Batch, asyncio.Task[bytes]]]
    ) -> Batch | None:
        """Return what to send next once there is room for it, None after the last."""
        while window and self._room.locked():
            await self._write_first(window)
        await self._room.acquire()
        batch = None
        try:
            batch = next(to_come, None)
        finally:
            if batch is None:
                self._room.release()
        return batch

    async def _write_first(self, window: deque[tuple[Batch, asyncio.Task[bytes]]]) -> None:
        batch, task = window[0]
        answer = await task
        window.popleft()
        try:
            await self._assembly.add(self._outputs_of(batch, answer))
        finally:
            self._room.release()

    def _outputs_of(self, batch: Batch, answer: bytes) -> Iterable[bytes]:
        if self._processing.keeps_answers:
            return [answer]
        if batch.n_records == 1:
            return [self._processing.output(batch.originals, answer)]
        originals = itertools.repeat(b"", batch.n_records)
        if self._processing.joins:
            originals = lines(pieces(batch.originals), None)
        return self._outputs(originals, lines(pieces(answer), None))

    async def _run_in_one(self) -> None:
        if self._settings.splits and not any(chunk.strip(b"\r\n") for chunk in self._chunks()):
            return  # No records, no request.
        with await self._model.answer_to_chunks(self._payload) as answer:
            answers = iter(lambda: answer.read(PIECE_BYTES), b"")
            if self._processing.keeps_answers:
                await self._assembly.add(answers, between=b"")
            else:
                originals = lines(self._chunks(), MOST_RECORD_BYTES)
                await self._assembly.add(self._outputs(originals, lines(answers, None)))

    def _outputs(self, originals: Iterable[bytes], answers: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the output of each record."""
        for original, answer in paired(originals, answers):
            yield self._processing.output(original, answer)

    def _payload(self) -> Iterator[bytes]:
        """Return the whole object as the model is to have it, from its beginning, in pieces.

        Where nothing is filtered, its blank lines go along: to look for them takes time.
        """
        chunks = self._chunks()
        return gathered(self._filtered(chunks)) if self._processing.filters_input else chunks

    def _filtered(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for number, line in enumerate(lines(chunks, MOST_RECORD_BYTES)):
            if number:
                yield b"\n"
            yield self._processing.filter_input(line)

    def _chunks(self) -> Iterator[bytes]:
        """Return the object's bytes from their beginning. Those of an earlier call are over."""
        self._source.seek(0)
        chunks = iter(lambda: self._source.read(PIECE_BYTES), b"")
        return decompressed(chunks) if self._settings.is_gzip else chunks

    def _batches(self) -> Iterator[Batch]:
        """Return what goes into each request."""
        most_bytes = self._settings.max_payload_bytes
        filters = self._processing.filters_input
        if most_bytes is not None and self._may_be_cut_anywhere():
            return blocks(self._chunks(), most_bytes)
        # What a filter leaves out need not fit.
        most_of_record = MOST_RECORD_BYTES if filters or most_bytes is None else most_bytes
        if self._settings.splits:
            records = lines(self._chunks(), most_of_record)
            most_records = 1 if self._settings.strategy == SINGLE_RECORD else None
        else:
            records, most_records = iter([_whole(self._chunks(), most_of_record)]), 1
        return batches(map(self._kept, records), most_bytes, most_records)

    def _may_be_cut_anywhere(self) -> bool:
        """Return whether nothing is done to a single record: only lines must stay whole."""
        processing, settings = self._processing, self._settings
        return (
            settings.splits
            and settings.strategy != SINGLE_RECORD
            and not processing.filters_input
            and processing.keeps_answers
        )

    def _kept(self, record: bytes) -> tuple[bytes, bytes]:
        """Return what of a record goes to the model, and what is kept of it for its output."""
        processing = self._processing
        payload = processing.filter_input(record) if processing.filters_input else record
        return payload, record if processing.joins else b""


def _whole(chunks: Iterator[bytes], most_bytes: int) -> bytes:
    """Return a stream's bytes. Raises: TooLarge."""
    whole = bytearray()
    for chunk in chunks:
        whole += chunk
        if len(whole) > most_bytes:
            raise TooLarge
    return bytes(whole)
