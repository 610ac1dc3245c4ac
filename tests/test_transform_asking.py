"""An instance's model is asked again where it fails, and by no more than may ask at a time."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from maze_helpers.local_cloud.engine.hosting.failures import ServerFailed
from maze_helpers.local_cloud.engine.transform.asking import (
    BadAnswer,
    InstanceModel,
    NotAnswered,
    asked_parameters,
)
from maze_helpers.local_cloud.engine.transform.settings import (
    BadExecutionParameters,
    Settings,
    settings_of,
)

PATIENCE_S = 60
# What a server does with a request: answer with a status, or close the connection.
Answer = int | None


class Server:
    """A model server that answers each request as the list says, then with what it was asked."""

    def __init__(self, path: Path, answers: list[Answer], parameters: bytes | None) -> None:
        self.bodies: list[bytes] = []
        self.most_at_work = 0
        self.path = path
        self._answers = list(answers)
        self._parameters = parameters
        self._n_at_work = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, str(self.path))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"GET"):
                status = 404 if self._parameters is None else 200
                await self._answer(writer, status, self._parameters or b"")
                return
            body = await body_of(head, reader)
            self.bodies.append(body)
            self._n_at_work += 1
            self.most_at_work = max(self.most_at_work, self._n_at_work)
            await asyncio.sleep(0.01)
            self._n_at_work -= 1
            status = self._answers.pop(0) if self._answers else 200
            if status is not None:
                await self._answer(writer, status, body)

    async def _answer(self, writer: asyncio.StreamWriter, status: int, body: bytes) -> None:
        head = b"HTTP/1.1 %d Any\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
        writer.write(head + body)
        await writer.drain()

    async def stop(self) -> None:
        self._server.close()
        self.path.unlink(missing_ok=True)


async def body_of(head: bytes, reader: asyncio.StreamReader) -> bytes:
    if b"chunked" not in head:
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        return await reader.readexactly(int(length))
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    return body


class StubInstance:
    """An instance whose server the test has started, or starts when it is asked to."""

    def __init__(self, path: Path, start: Callable[[], object] | None = None) -> None:
        self.is_ready = start is None
        self.n_starts = 0
        self._path = path
        self._start = start

    def ready_socket(self) -> Path | None:
        return self._path if self.is_ready else None

    def start(self) -> Path:
        self.n_starts += 1
        self._start()
        self.is_ready = True
        return self._path


class Asked:
    """A server, an instance of it, and its model."""

    def __init__(self, server: Server, instance: StubInstance, model: InstanceModel) -> None:
        self.server, self.instance, self.model = server, instance, model


def settings_for(**client: Any) -> Settings:
    job = {"TransformInput": {}, "TransformOutput": {}, "ModelClientConfig": client}
    return settings_of({**job, "MaxConcurrentTransforms": 3, "MaxPayloadInMB": 1}, {})


def asking(
    test: Callable[[Asked], Coroutine[Any, Any, Any]],
    answers: list[Answer] | None = None,
    parameters: bytes | None = None,
    **client: Any,
) -> Any:
    """Return what a test of a server returns."""

    async def run(folder: Path) -> Any:
        server = Server(folder / "socket", answers or [], parameters)
        await server.start()
        instance = StubInstance(server.path)
        model = InstanceModel(instance, settings_for(**client), folder)
        try:
            return await test(Asked(server, instance, model))
        finally:
            await server.stop()

    with TemporaryDirectory() as folder:
        return asyncio.run(run(Path(folder)))


async def in_one(asked: Asked, body: bytes = b"1,2") -> bytes:
    return await asked.model.answer(body)


async def in_chunks(asked: Asked, body: bytes = b"1,2") -> bytes:
    with await asked.model.answer_to_chunks(lambda: iter([body[:1], body[1:]])) as answer:
        return answer.read()


ways = pytest.mark.parametrize("way", [in_one, in_chunks])


@ways
def test_an_answer_is_that_of_the_payload(way):
    assert asking(way) == b"1,2"


def test_a_large_answer_is_not_kept_in_memory():
    body = bytes(3 * 2**20)

    async def test(asked):
        with await asked.model.answer_to_chunks(lambda: iter([body])) as answer:
            return answer.name, answer.read()

    name, answer = asking(test)
    assert name is not None and answer == body


@ways
@pytest.mark.parametrize("answers", [[500], [None], [500, None, 503]])
def test_a_request_that_fails_is_sent_again_whole(way, answers):
    async def test(asked):
        return await way(asked), asked.server.bodies

    assert asking(test, answers) == (b"1,2", [b"1,2"] * (len(answers) + 1))


@ways
@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_request_is_sent_again_as_often_as_the_job_says(way, retries):
    async def test(asked):
        with pytest.raises(BadAnswer) as failure:
            await way(asked)
        return failure.value, len(asked.server.bodies)

    failure, n_sent = asking(test, [500] * 9, InvocationsMaxRetries=retries)
    assert n_sent == retries + 1
    assert (failure.reply.status, failure.reply.body, failure.is_clients) == (500, b"1,2", False)


@ways
@pytest.mark.parametrize("status", [400, 413, 499])
def test_a_clients_error_is_not_sent_again(way, status):
    async def test(asked):
        with pytest.raises(BadAnswer) as failure:
            await way(asked)
        return failure.value.is_clients, len(asked.server.bodies)

    assert asking(test, [status] * 9) == (True, 1)


@ways
def test_a_server_that_never_answers_is_the_models_fault(way):
    async def test(asked):
        with pytest.raises(NotAnswered, match="Unable to get response from algorithm: ") as failure:
            await way(asked)
        return failure.value.is_clients, len(asked.server.bodies)

    assert asking(test, [None] * 9, InvocationsMaxRetries=1) == (False, 2)


def test_no_more_ask_at_a_time_than_may():
    async def test(asked):
        bodies = [b"%d" % number for number in range(20)]
        answers = await asyncio.gather(*(in_one(asked, body) for body in bodies))
        return answers == bodies, asked.server.most_at_work

    same, most = asking(test)
    assert same and most <= 3


@ways
def test_a_server_that_is_not_there_is_waited_for_and_no_try_is_lost(way):
    async def test(asked):
        await asked.server.stop()
        task = asyncio.create_task(way(asked))
        await asyncio.sleep(0.5)
        await asked.server.start()
        return await task

    assert asking(test, InvocationsMaxRetries=0) == b"1,2"


def test_a_server_that_never_comes_is_given_up():
    async def test(asked):
        await asked.server.stop()
        await in_one(asked)

    with pytest.raises(NotAnswered, match="not there"):
        asking(test, InvocationsTimeoutInSeconds=1, InvocationsMaxRetries=0)


def test_a_server_that_has_ended_is_started_first_on_a_thread_of_its_own():
    threads = []

    async def test(asked):
        instance = StubInstance(
            asked.server.path, lambda: threads.append(threading.current_thread())
        )
        model = InstanceModel(instance, settings_for(), asked.server.path.parent)
        return await model.answer(b"1"), instance.n_starts

    assert asking(test) == (b"1", 1)
    assert threads != [threading.current_thread()]


def test_a_server_that_cannot_be_started_again_ends_it():
    def fail():
        raise ServerFailed("It has no memory.")

    async def test(asked):
        instance = StubInstance(asked.server.path, fail)
        await InstanceModel(instance, settings_for(), asked.server.path.parent).answer(b"1")

    with pytest.raises(ServerFailed, match="no memory"):
        asking(test)


async def parameters(asked: Asked) -> dict[str, object]:
    return await asked_parameters(asked.instance)


def test_what_the_container_asks_for():
    assert asking(parameters, parameters=b'{"MaxPayloadInMB":7}') == {"MaxPayloadInMB": 7}
    assert asking(parameters) == {}
    with pytest.raises(BadExecutionParameters):
        asking(parameters, parameters=b"<html>")
