"""A body on its way in: decoded, hashed and written while it arrives, committed at its end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from typing import TypeVar

from maze_helpers.local_cloud.services.s3.call import Call
from maze_helpers.local_cloud.services.s3.checksums import Stated
from maze_helpers.local_cloud.services.s3.new_content import NewContent, Written
from maze_helpers.local_cloud.services.s3.prompt import PromptWrites, StoreBusyError

log = logging.getLogger(__name__)

# How much is hashed and written in one go. Of all that is done with a body only the MD5, which
# takes longer than the rest, is worth the way to a worker and back.
BATCH_BYTES = 512 * 1024
BATCH_PIECES = 1000
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
            if written.size_bytes <= COMMIT_AT_ONCE_BYTES:
                return self._prompt.run(lambda: commit(written))
        except StoreBusyError:
            log.debug("another thread writes to the store: a worker will wait for it")
        except BaseException:
            content.discard()
            raise
        return await self._in_a_worker(_commit_or_discard, commit, written, content)

    async def _write(self, call: Call, content: NewContent, stated: Stated) -> Written:
        body = call.signed.body()
        batch: list[bytes] = []
        batch_bytes = 0
        hashing: asyncio.Future | None = None
        try:
            async for data in call.request.stream():
                payload = body.feed(data)
                content.digests.update_all_but_md5(payload)
                batch.append(payload)
                batch_bytes += len(payload)
                if batch_bytes >= BATCH_BYTES or len(batch) == BATCH_PIECES:
                    if hashing:
                        await hashing
                    hashing = self._in_a_worker(content.digests.update_md5, batch)
                    content.store(batch)
                    batch, batch_bytes = [], 0
        finally:
            if hashing:
                await hashing
        content.digests.update_md5(batch)
        content.store(batch)
        body.finish()
        written = content.close()
        stated.check(content.digests, body.trailers)
        return written

    def _in_a_worker(self, work: Callable[..., Result], *arguments: object) -> Awaitable[Result]:
        return asyncio.get_running_loop().run_in_executor(self._executor, work, *arguments)


def _commit_or_discard(
    commit: Callable[[Written], Result], written: Written, content: NewContent
) -> Result:
    # In one thread: a request that is cancelled meanwhile must not discard what was committed.
    try:
        return commit(written)
    except BaseException:
        content.discard()
        raise
