"""A body on its way in: decoded, hashed and written while it arrives, committed at its end."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from maze_helpers.local_cloud.services.s3.call import Call
from maze_helpers.local_cloud.services.s3.checksums import Stated
from maze_helpers.local_cloud.services.s3.new_content import NewContent, Written
from maze_helpers.local_cloud.services.s3.prompt import PromptWrites, StoreBusyError

# Each piece takes under a millisecond. To hand pieces to a worker was tried: the event loop and
# the worker then wait for each other's turn to run Python, and uploads took half as long again.
PIECE_BYTES = 256 * 1024
# A larger object may replace one whose file takes long to remove.
COMMIT_AT_ONCE_BYTES = 16 * 1024 * 1024

Result = TypeVar("Result")


class Receiver:
    """Takes in bodies, on the event loop."""

    def __init__(self, executor: Executor, prompt: PromptWrites) -> None:
        self._executor = executor
        self._prompt = prompt

    async def receive(
        self, call: Call, content: NewContent, stated: Stated, commit: Callable[[Written], Result]
    ) -> Result:
        """Return what `commit` returns for the content, once all of the body came and was right.

        Raises: S3Error; then nothing is left of the content.
        """
        try:
            written = await self._write(call, content, stated)
            return await self._commit(lambda: commit(written), written.size_bytes)
        except BaseException:
            content.discard()
            raise

    async def _write(self, call: Call, content: NewContent, stated: Stated) -> Written:
        body = call.signed.body()
        pieces: list[bytes] = []
        gathered = 0
        async for data in call.request.stream():
            pieces.append(data)
            gathered += len(data)
            if gathered >= PIECE_BYTES:
                content.write(body.feed(b"".join(pieces)))
                pieces, gathered = [], 0
        content.write(body.feed(b"".join(pieces)))
        body.finish()
        written = content.close()
        stated.check(content.digests, body.trailers)
        return written

    async def _commit(self, commit: Callable[[], Result], size_bytes: int) -> Result:
        if size_bytes > COMMIT_AT_ONCE_BYTES:
            return await self._in_a_worker(commit)
        try:
            return self._prompt.run(commit)
        except StoreBusyError:
            return await self._in_a_worker(commit)

    async def _in_a_worker(self, commit: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._executor, commit)
