"""A body on its way in: decoded, hashed and written while it arrives, committed at its end."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from maze_helpers.local_cloud.services.s3.call import Call
from maze_helpers.local_cloud.services.s3.checksums import Stated
from maze_helpers.local_cloud.services.s3.new_content import NewContent, Written
from maze_helpers.local_cloud.services.s3.objects import CHUNK_BYTES
from maze_helpers.local_cloud.services.s3.prompt import PromptWrites, StoreBusyError

# Up to here a body is taken in on the event loop: a worker would cost more.
AT_ONCE_BYTES = 64 * 1024

Result = TypeVar("Result")


class Receiver:
    """Takes in bodies: small ones at once, others with the executor's threads."""

    def __init__(self, executor: Executor, prompt: PromptWrites) -> None:
        self._executor = executor
        self._prompt = prompt

    async def receive(
        self, call: Call, content: NewContent, stated: Stated, commit: Callable[[Written], Result]
    ) -> Result:
        """Return what `commit` returns for the content, once all of the body came and was right.

        Raises: S3Error; then nothing is left of the content.
        """
        reception = _Reception(call, content, stated)
        try:
            rest = await self._take_all_but_the_rest(call, reception)
            if reception.is_begun or len(rest) > AT_ONCE_BYTES:
                return await self._work(lambda: commit(reception.finish(rest)))
            written = reception.finish(rest)
            try:
                return self._prompt.run(lambda: commit(written))
            except StoreBusyError:
                return await self._work(lambda: commit(written))
        except BaseException:
            content.discard()
            raise

    async def _take_all_but_the_rest(self, call: Call, reception: "_Reception") -> bytes:
        """Return the last bytes of the body, less than a chunk's, when all others are taken."""
        chunks: list[bytes] = []
        gathered = 0
        working: asyncio.Future | None = None
        try:
            async for data in call.request.stream():
                chunks.append(data)
                gathered += len(data)
                if gathered >= CHUNK_BYTES:
                    # The next chunk arrives while a worker has this one, and no more than that.
                    if working:
                        await working
                    working = self._work(lambda chunks=chunks: reception.take(b"".join(chunks)))
                    chunks, gathered = [], 0
        finally:
            if working:
                await working
        return b"".join(chunks)

    def _work(self, work: Callable[[], Result]) -> "asyncio.Future[Result]":
        return asyncio.get_running_loop().run_in_executor(self._executor, work)


class _Reception:
    """One body, its decoder and where it goes."""

    def __init__(self, call: Call, content: NewContent, stated: Stated) -> None:
        self.is_begun = False
        self._body = call.signed.body()
        self._content = content
        self._stated = stated

    def take(self, data: bytes) -> None:
        """Take in some more of the body, as it was sent."""
        self.is_begun = True
        if payload := self._body.feed(data):
            self._content.write(payload)

    def finish(self, rest: bytes) -> Written:
        """Return what was written, if all of it is what was signed and stated."""
        self.take(rest)
        self._body.finish()
        written = self._content.close()
        self._stated.check(self._content.digests, self._body.trailers)
        return written
