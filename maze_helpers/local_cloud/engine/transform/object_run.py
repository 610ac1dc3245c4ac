"""One object of a transform job: split, filtered, sent, joined and assembled as a stream."""

import asyncio
import gzip
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, Protocol

from maze_helpers.local_cloud.engine.transform.data_processing import Unprocessable
from maze_helpers.local_cloud.engine.transform.json_path import InvalidJsonPath
from maze_helpers.local_cloud.engine.transform.settings import SINGLE_RECORD, Settings
from maze_helpers.local_cloud.engine.transform.splitting import (
    Batch,
    TooLarge,
    batches,
    decompressed,
    lines,
)

READ_BYTES = 256 * 1024


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
        open_source: Callable[[], BinaryIO],
        settings: Settings,
        model: Model,
        write: Callable[[bytes], None],
    ) -> None:
        """open_source: returns the object's bytes, as often as asked. write: takes the output."""
        self._open_source = open_source
        self._settings = settings
        self._processing = settings.processing
        self._model = model
        self._write = write

    async def run(self) -> None:
        """Write the object's output, in the order of its records.

        Raises: ObjectFailed; what `write` raises. The model is asked no more then.
        """
        try:
            if self._is_one_request():
                await self._run_in_one()
            else:
                await self._run_in_batches()
        except TooLarge as error:
            # A guess: no source has the words.
            limit = f"MaxPayloadInMB={self._settings.max_payload_mb}"
            raise ObjectFailed(f"A record is larger than {limit} allows") from error
        except (Unprocessable, InvalidJsonPath) as error:
            raise ObjectFailed(str(error)) from error
        except (EOFError, gzip.BadGzipFile) as error:
            raise ObjectFailed(f"Failed to decompress input: {error}") from error

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
        try:
            with self._open_source() as source:
                for batch in self._batches(self._chunks(source)):
                    answer = asyncio.create_task(self._model.answer(batch.payload))
                    window.append((batch, answer))
                    # It is sent before the next one is made: so one more than may be asked for
                    # at a time is ready.
                    await asyncio.sleep(0)
                    if len(window) > self._settings.max_concurrent:
                        await self._write_first(window)
            while window:
                await self._write_first(window)
        finally:
            for _, answer in window:
                answer.cancel()
            await asyncio.gather(*(answer for _, answer in window), return_exceptions=True)

    async def _write_first(self, window: deque[tuple[Batch, asyncio.Task[bytes]]]) -> None:
        batch, task = window[0]
        answer = await task
        window.popleft()
        if self._processing.keeps_answers:
            self._assemble([answer])
        elif batch.n_records == 1:
            self._assemble([self._processing.output(batch.originals, answer)])
        else:
            originals = batch.originals.split(b"\n")
            self._assemble(self._outputs(originals, lines([answer], None)))

    async def _run_in_one(self) -> None:
        with await self._model.answer_to_chunks(self._payload) as answer:
            answers = iter(lambda: answer.read(READ_BYTES), b"")
            if self._processing.keeps_answers:
                self._assemble(answers, between=b"")
                return
            with self._open_source() as source:
                originals = lines(self._chunks(source), None)
                self._assemble(self._outputs(originals, lines(answers, None)))

    def _outputs(self, originals: Iterable[bytes], answers: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the output of each record.

        originals: one for each record; their bytes matter only where they are joined.
        """
        try:
            for original, answer in zip(originals, answers, strict=True):
                yield self._processing.output(original, answer)
        except ValueError as error:
            # A guess: no source has the words.
            raise Unprocessable(
                "The number of records in the algorithm's output differs from that in its input"
            ) from error

    def _assemble(self, pieces: Iterable[bytes], between: bytes = b"\n") -> None:
        """Write the output of one request; AssembleWith Line ends it with a line break.

        One that ends with a line break gets no second one (a guess).
        """
        last = b""
        for number, piece in enumerate(pieces):
            self._write(between + piece if number else piece)
            last = piece or last
        if self._settings.assembles and not last.endswith(b"\n"):
            self._write(b"\n")

    def _payload(self) -> Iterator[bytes]:
        """Yield the whole object as the model is to have it, from its beginning."""
        with self._open_source() as source:
            chunks = self._chunks(source)
            if not self._processing.filters_input:
                yield from chunks
                return
            for number, line in enumerate(lines(chunks, None)):
                record = self._processing.filter_input(line)
                yield b"\n" + record if number else record

    def _chunks(self, source: BinaryIO) -> Iterator[bytes]:
        chunks = iter(lambda: source.read(READ_BYTES), b"")
        return decompressed(chunks) if self._settings.is_gzip else chunks

    def _batches(self, chunks: Iterator[bytes]) -> Iterator[Batch]:
        """Yield what goes into each request."""
        most_bytes = self._settings.max_payload_bytes
        # What a filter leaves out need not fit.
        most_of_record = None if self._processing.filters_input else most_bytes
        if self._settings.splits:
            records = lines(chunks, most_of_record)
            most_records = 1 if self._settings.strategy == SINGLE_RECORD else None
        else:
            records, most_records = iter([_whole(chunks, most_of_record)]), 1
        return batches(map(self._kept, records), most_bytes, most_records)

    def _kept(self, record: bytes) -> tuple[bytes, bytes]:
        """Return what of a record goes to the model, and what is kept of it for its output."""
        payload = (
            self._processing.filter_input(record) if self._processing.filters_input else record
        )
        return payload, record if self._processing.joins else b""


def _whole(chunks: Iterator[bytes], most_bytes: int | None) -> bytes:
    """Return a stream's bytes. Raises: TooLarge."""
    whole = bytearray()
    for chunk in chunks:
        whole += chunk
        if most_bytes is not None and len(whole) > most_bytes:
            raise TooLarge
    return bytes(whole)
