"""Requests of any size: bodies are made as they are sent, answers taken as they come."""

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from maze_helpers.local_cloud.engine.hosting.calls import ConnectionLost, Reply, TimedOut
from maze_helpers.local_cloud.engine.hosting.forwarding import send_in_chunks

PATIENCE_S = 60
PIECE = bytes(64 * 1024)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Conversation = Callable[[socket.socket], None]


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request):
    """Runs a coroutine on each of the event loops that the local cloud meets."""
    return request.param


@contextmanager
def server(conversation: Conversation):
    """A server that has one conversation on its one connection; its socket's path."""
    # Not tmp_path: the path of a unix socket may have 107 characters.
    with TemporaryDirectory() as folder, closing(socket.socket(socket.AF_UNIX)) as listener:
        path = Path(folder) / "socket"
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                conversation(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield path
        thread.join()


def read_request(connection: socket.socket) -> tuple[bytes, bytes]:
    """Read a request whose body is in chunks: its head, and the body's bytes."""
    with connection.makefile("rb") as file:
        head = b"".join(iter(file.readline, b"\r\n"))
        body = bytearray()
        while size := int(file.readline(), 16):
            body += file.read(size)
            assert file.readline() == b"\r\n"
        assert file.readline() == b"\r\n"
    return head, bytes(body)


def answering(answer: bytes) -> Conversation:
    """A conversation: the whole request, then an answer."""

    def converse(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(answer)

    return converse


async def sent(
    path: Path,
    chunks: Iterator[bytes],
    taken: Callable[[bytes], object] = bytes,
    timeout_s: float = PATIENCE_S,
) -> Reply:
    return await send_in_chunks(path, {"Content-Type": "text/csv"}, chunks, timeout_s, taken)


@given(chunks=st.lists(st.binary(max_size=300)))
def test_the_body_is_that_of_the_chunks(chunks):
    requests = []

    def converse(connection):
        requests.append(read_request(connection))
        connection.sendall(OK)

    with server(converse) as path:
        assert asyncio.run(sent(path, iter(chunks))).status == 200
    head, body = requests[0]
    assert body == b"".join(chunks)
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /invocations HTTP/1.1"
    assert {b"Content-Type: text/csv", b"Transfer-Encoding: chunked"} < set(lines)
    assert b"content-length" not in head.lower()


def test_a_good_answer_is_taken_as_it_comes(run):
    answer = os.urandom(1_000_000)
    taken = []
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer)
    with server(answering(head + answer)) as path:
        reply = run(sent(path, iter([b"1"]), taken.append))
    assert b"".join(taken) == answer
    assert len(taken) > 5
    assert (reply.status, reply.body) == (200, b"")


def test_the_answer_of_an_error_is_kept(run):
    taken = []
    with server(answering(b"HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\noops")) as path:
        reply = run(sent(path, iter([b"1"]), taken.append))
    assert (reply.status, reply.body, taken) == (500, b"oops", [])


def test_a_body_is_made_no_faster_than_it_is_read(run):
    made, go_on = [], threading.Event()

    def pieces():
        for _ in range(200):
            made.append(PIECE)
            yield PIECE

    def converse(connection):
        assert go_on.wait(PATIENCE_S)
        answering(OK)(connection)

    async def watch(path):
        task = asyncio.create_task(sent(path, pieces()))
        n_made = -1
        while n_made != len(made):
            n_made = len(made)
            await asyncio.sleep(0.1)
        go_on.set()
        await task
        return n_made

    with server(converse) as path:
        assert run(watch(path)) < 100
    assert len(made) == 200


def test_others_on_the_loop_have_their_turns_while_a_body_is_sent(run):
    turns = []

    def pieces():
        for number in range(500):
            turns.append(f"piece {number}")
            yield b"x"

    async def both(path):
        task = asyncio.create_task(sent(path, pieces()))
        while not task.done():
            turns.append("other")
            await asyncio.sleep(0)

    with server(answering(OK)) as path:
        run(both(path))
    assert "other" in turns[turns.index("piece 0") : turns.index("piece 499")]


def test_an_answer_counts_although_the_rest_of_the_body_is_not_read(run):
    def endless():
        while True:
            yield PIECE

    def converse(connection):
        connection.recv(100)
        connection.sendall(b"HTTP/1.1 413 Too large\r\nContent-Length: 4\r\n\r\nlong")

    with server(converse) as path:
        reply = run(sent(path, endless()))
    assert (reply.status, reply.body) == (413, b"long")


class Unmade(Exception):
    pass


@pytest.mark.parametrize("before", [0, 1, 100])
def test_what_making_a_piece_raises_reaches_the_caller(run, before):
    def broken():
        for _ in range(before):
            yield PIECE
        raise Unmade

    def converse(connection):
        while connection.recv(2**20):
            pass

    with server(converse) as path, pytest.raises(Unmade):
        run(sent(path, broken()))


def test_what_taking_a_piece_raises_reaches_the_caller(run):
    def full(piece):
        raise OSError(28, "No space left on device")

    with server(answering(OK)) as path, pytest.raises(OSError, match="No space left"):
        run(sent(path, iter([b"1"]), full))


def test_a_server_that_dies_while_it_is_sent_to_is_a_lost_connection(run):
    def endless():
        while True:
            yield PIECE

    def converse(connection):
        connection.recv(1000)

    with server(converse) as path, pytest.raises(ConnectionLost):
        run(sent(path, endless()))


def test_a_server_that_does_not_read_times_out(run):
    def endless():
        while True:
            yield PIECE

    def converse(connection):
        ended.wait(PATIENCE_S)

    ended = threading.Event()
    with server(converse) as path:
        try:
            with pytest.raises(TimedOut, match=r"within 0\.2 s"):
                run(sent(path, endless(), timeout_s=0.2))
        finally:
            ended.set()


def test_a_server_that_reads_for_ever_times_out(run):
    def endless():
        while True:
            yield PIECE

    def converse(connection):
        while connection.recv(2**20):
            pass

    with server(converse) as path, pytest.raises(TimedOut):
        run(sent(path, endless(), timeout_s=0.2))
