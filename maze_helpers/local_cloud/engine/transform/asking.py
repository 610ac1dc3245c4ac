"""How an instance's model is asked: so many requests at a time, each again where it fails."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar

from maze_helpers.local_cloud.engine.hosting.calls import Call, CallFailed, NotReached, Reply
from maze_helpers.local_cloud.engine.hosting.forwarding import get, send, send_in_chunks
from maze_helpers.local_cloud.engine.transform.instance import Instance
from maze_helpers.local_cloud.engine.transform.object_run import ObjectFailed
from maze_helpers.local_cloud.engine.transform.settings import (
    DEFAULT_RETRIES,
    Settings,
    execution_parameters,
)

OK = 200
# No source says how long a container has for it.
_PARAMETERS_TIMEOUT_S = 20.0
_RETRY_PAUSE_S = 0.2
_SPOOLED_BYTES = 2**20

Answer = TypeVar("Answer")


class NotAnswered(ObjectFailed):
    """The model gave no whole answer, each time that it was asked."""

    def __init__(self, cause: CallFailed) -> None:
        # The cause, behind AWS's words, is ours.
        super().__init__(f"Unable to get response from algorithm: {cause}", is_clients=False)


class BadAnswer(ObjectFailed):
    """The model answered with an error, each time that it was asked."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"status {reply.status}", is_clients=400 <= reply.status < 500)
        self.reply = reply


async def asked_parameters(instance: Instance) -> dict[str, object]:
    """Return what the container answers to GET /execution-parameters, {} where it has none.

    Raises: BadExecutionParameters; NotAnswered; as Instance.start.
    """

    async def ask(path: Path) -> Reply:
        return await get(path, "/execution-parameters", _PARAMETERS_TIMEOUT_S)

    reply = await _asked_again(instance, ask, DEFAULT_RETRIES, _PARAMETERS_TIMEOUT_S)
    return execution_parameters(reply.status, reply.body)


class InstanceModel:
    """The model on one instance, on one event loop."""

    def __init__(self, instance: Instance, settings: Settings, scratch: Path) -> None:
        """scratch: a folder for answers that are too large for memory."""
        self._instance = instance
        self._settings = settings
        self._scratch = scratch
        self._places = asyncio.Semaphore(settings.max_concurrent)

    async def answer(self, payload: bytes) -> bytes:
        """Return the answer to a payload.

        Raises: NotAnswered, BadAnswer; as Instance.start, where its server cannot be replaced.
        """
        call = Call(payload, self._settings.headers, self._settings.timeout_s)

        async def ask(path: Path) -> bytes:
            return _good(await send(path, call)).body

        return await self._ask(ask)

    async def answer_to_chunks(self, chunks: Callable[[], Iterator[bytes]]) -> BinaryIO:
        """Return the answer to a payload of any size, to be closed. Raises: as `answer`.

        chunks: called again when the payload is to be sent again.
        """

        async def ask(path: Path) -> BinaryIO:
            spool = tempfile.SpooledTemporaryFile(_SPOOLED_BYTES, dir=self._scratch)
            try:
                headers, timeout_s = self._settings.headers, self._settings.timeout_s
                _good(await send_in_chunks(path, headers, chunks(), timeout_s, spool.write))
                spool.seek(0)
            except BaseException:
                spool.close()
                raise
            return spool

        return await self._ask(ask)

    async def _ask(self, ask: Callable[[Path], Awaitable[Answer]]) -> Answer:
        settings = self._settings
        async with self._places:
            return await _asked_again(self._instance, ask, settings.retries, settings.timeout_s)


async def _asked_again(
    instance: Instance,
    ask: Callable[[Path], Awaitable[Answer]],
    retries: int,
    timeout_s: float,
) -> Answer:
    """Return an answer that is good, after so many at most that are not.

    timeout_s: to reach the server. Raises: as InstanceModel.answer.
    """
    for retries_left in reversed(range(retries + 1)):
        try:
            return await _reached(instance, ask, timeout_s)
        except CallFailed as error:
            if not retries_left:
                raise NotAnswered(error) from error
        except BadAnswer as error:
            # That a client's error is not tried again is a guess.
            if not retries_left or error.is_clients:
                raise
        await asyncio.sleep(_RETRY_PAUSE_S)
    raise AssertionError("the last try returns or raises")


async def _reached(
    instance: Instance, ask: Callable[[Path], Awaitable[Answer]], timeout_s: float
) -> Answer:
    """Return the answer to a request that a server took. Raises: as `ask`."""
    deadline_s = time.monotonic() + timeout_s
    while True:
        path = instance.ready_socket() or await _started(instance)
        try:
            return await ask(path)
        except NotReached:
            # The server ended a moment ago, or its queue is full: the model does not know of it.
            if time.monotonic() > deadline_s:
                raise
        await asyncio.sleep(_RETRY_PAUSE_S)


async def _started(instance: Instance) -> Path:
    return await asyncio.get_running_loop().run_in_executor(None, instance.start)


def _good(reply: Reply) -> Reply:
    if reply.status != OK:
        raise BadAnswer(reply)
    return reply
