"""Forwarding: every way in which a model server can answer, or fail to."""

import asyncio
import gc
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from maze_helpers.local_cloud.engine.hosting import forwarding
from maze_helpers.local_cloud.engine.hosting.calls import Call, ConnectionLost, NotReached, TimedOut

MIB = 1024**2
ECHO = """
def application(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH", 0)))
    seen = [environ[key] for key in ("REQUEST_METHOD", "PATH_INFO", "HTTP_USER_AGENT")]
    length = ("Content-Length", str(len(body)))
    kind = ("Content-Type", environ.get("CONTENT_TYPE", ""))
    start_response("200 OK", [length, kind, ("Seen", "|".join(seen))])
    return [body]
"""

Conversation = Callable[[socket.socket], None]


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request):
    """Runs a coroutine on each of the event loops that the local cloud meets."""
    return request.param


@pytest.fixture
def folder():
    # Not tmp_path: the path of a unix socket may have 107 characters.
    with TemporaryDirectory() as path:
        yield Path(path)


@contextmanager
def server(folder: Path, conversation: Conversation):
    """A server that has one conversation on its one connection; its socket's path."""
    path = folder / "socket"
    with closing(socket.socket(socket.AF_UNIX)) as listener:
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


def read_request(connection: socket.socket) -> bytes:
    """Read a request to its end, by its Content-Length."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def answering(answer: bytes) -> Conversation:
    """A conversation: the whole request, then an answer."""

    def converse(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(answer)

    return converse


def call(body: bytes = b"1,2", timeout_s: float = 20, **headers: str) -> Call:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Call(body, named, timeout_s)


def test_the_request_is_the_call_from_sagemakers_front(folder, run):
    requests = []

    def converse(connection):
        requests.append(read_request(connection))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with server(folder, converse) as path:
        run(forwarding.send(path, call(b"1,2", Content_Type="text/csv", X_Any="sch\xf6n")))
    head, _, body = requests[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /invocations HTTP/1.1"
    assert {
        b"User-Agent: AHC/2.0",
        b"Connection: close",
        b"Content-Type: text/csv",
        b"X-Any: sch\xf6n",
        b"Content-Length: 3",
    } < set(lines)
    assert body == b"1,2"


def test_an_answer_with_a_length(folder, run):
    answer = b"HTTP/1.1 500 No\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\noops"
    with server(folder, answering(answer)) as path:
        reply = run(forwarding.send(path, call()))
    assert (reply.status, reply.body) == (500, b"oops")
    assert reply.headers["content-type"] == "text/html"
    assert 0 < reply.model_latency_us < 20e6


def test_an_answer_in_chunks(folder, run):
    answer = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\none\r\n4;x=y\r\ntwo!\r\n0\r\nTrailer: t\r\n\r\n"
    )
    with server(folder, answering(answer)) as path:
        assert run(forwarding.send(path, call())).body == b"onetwo!"


def test_an_answer_without_a_length_ends_with_its_connection(folder, run):
    with server(folder, answering(b"HTTP/1.0 200 OK\r\n\r\nall of it")) as path:
        assert run(forwarding.send(path, call())).body == b"all of it"


def test_an_answer_without_a_body_needs_no_length(folder, run):
    with server(folder, answering(b"HTTP/1.1 204 No Content\r\n\r\n")) as path:
        assert run(forwarding.send(path, call())).status == 204


def test_an_answer_that_says_continue_comes_before_the_answer(folder, run):
    answer = b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    with server(folder, answering(answer)) as path:
        reply = run(forwarding.send(path, call()))
    assert (reply.status, reply.body, reply.headers) == (200, b"ok", {"content-length": "2"})


def test_what_follows_an_answer_is_passed_over(folder, run):
    answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok\r\nand more"
    with server(folder, answering(answer)) as path:
        assert run(forwarding.send(path, call())).body == b"ok"


def test_an_answer_counts_although_the_server_reads_no_more_of_the_body(folder, run):
    def converse(connection):
        connection.recv(100)
        connection.sendall(b"HTTP/1.1 413 Too large\r\nContent-Length: 4\r\n\r\nlong")

    with server(folder, converse) as path:
        reply = run(forwarding.send(path, call(bytes(25 * MIB))))
    assert (reply.status, reply.body) == (413, b"long")


def test_an_answer_may_begin_before_the_body_was_sent(folder, run):
    body = os.urandom(8 * MIB)

    def converse(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
        request = read_request(connection)
        connection.sendall(request[-len(body) :])

    with server(folder, converse) as path:
        assert run(forwarding.send(path, call(body))).body == body


def test_no_socket_is_not_reached(folder, run):
    with pytest.raises(NotReached, match="No such file or directory"):
        run(forwarding.send(folder / "socket", call()))


def test_a_socket_that_nobody_listens_on_is_not_reached(folder, run):
    with closing(socket.socket(socket.AF_UNIX)) as abandoned:
        abandoned.bind(str(folder / "socket"))
    with pytest.raises(NotReached, match="Connection refused"):
        run(forwarding.send(folder / "socket", call()))


def test_a_server_whose_queue_is_full_is_not_reached(folder, run):
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(str(folder / "socket"))
        listener.listen(0)
        with closing(socket.socket(socket.AF_UNIX)) as first:
            first.connect(str(folder / "socket"))
            with pytest.raises(NotReached, match="temporarily unavailable"):
                run(forwarding.send(folder / "socket", call()))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
    ],
)
def test_a_server_that_ends_before_its_answer_is_whole_is_a_lost_connection(folder, run, answer):
    with server(folder, answering(answer)) as path, pytest.raises(ConnectionLost, match="closed"):
        run(forwarding.send(path, call()))


def test_a_server_that_dies_without_reading_is_a_lost_connection(folder, run):
    with server(folder, lambda connection: None) as path, pytest.raises(ConnectionLost):
        run(forwarding.send(path, call(bytes(MIB))))


@pytest.mark.parametrize(
    "answer", [b"220 smtp\r\n", b"HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: ws\r\n\r\n"]
)
def test_an_answer_that_is_not_http_is_a_lost_connection(folder, run, answer):
    with server(folder, answering(answer)) as path, pytest.raises(ConnectionLost, match="not HTTP"):
        run(forwarding.send(path, call()))


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsho"])
def test_an_answer_that_takes_too_long_times_out(folder, run, first):
    def converse(connection):
        answering(first)(connection)
        assert connection.recv(1) == b""

    with server(folder, converse) as path, pytest.raises(TimedOut, match=r"within 0\.2 s"):
        run(forwarding.send(path, call(timeout_s=0.2)))


def test_a_cancelled_call_closes_its_connection(folder, run):
    ended = threading.Event()

    def converse(connection):
        read_request(connection)
        assert connection.recv(1) == b""
        ended.set()

    async def cancel(path):
        task = asyncio.create_task(forwarding.send(path, call()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with server(folder, converse) as path:
        run(cancel(path))
    assert ended.is_set()


def test_a_header_cannot_smuggle_in_another(folder, run):
    bad = Call(b"", {"Accept": "a\r\nContent-Length: 9"}, 20)
    with pytest.raises(ValueError, match="line break"):
        run(forwarding.send(folder / "socket", bad))


@pytest.fixture(scope="module")
def gunicorn():
    """The socket of a real gunicorn, as a container runs it, that echoes."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "socket"
        (Path(folder) / "echo.py").write_text(ECHO)
        command = [sys.executable, "-m", "gunicorn", "-w", "2", "-b", f"unix:{path}", "echo"]
        with subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL) as process:
            deadline = time.monotonic() + 30
            while not listens(path):
                assert process.poll() is None and time.monotonic() < deadline
                time.sleep(0.02)
            yield path
            process.terminate()


def listens(path: Path) -> bool:
    """Return whether a server can be reached, which its socket's file alone does not say."""
    with closing(socket.socket(socket.AF_UNIX)) as connection:
        return connection.connect_ex(str(path)) == 0


def test_gunicorn_answers_get(gunicorn, run):
    reply = run(forwarding.get(gunicorn, "/ping", 20))
    assert (reply.status, reply.headers["seen"]) == (200, "GET|/ping|AHC/2.0")


@pytest.mark.parametrize("size", [0, 1, 65_536, 25 * MIB])
def test_gunicorn_echoes_bodies_of_any_size(gunicorn, run, size):
    body = os.urandom(size)
    assert run(forwarding.send(gunicorn, call(body))).body == body


@given(body=st.binary(max_size=3000), kind=st.from_regex(r"[!-~]+", fullmatch=True))
def test_gunicorn_echoes_any_body_and_content_type(gunicorn, body, kind):
    reply = asyncio.run(forwarding.send(gunicorn, call(body, Content_Type=kind)))
    assert (reply.body, reply.headers["content-type"]) == (body, kind)


def test_many_calls_at_once_leave_nothing_open(gunicorn, run):
    async def many():
        bodies = [b"%d" % number for number in range(400)]
        calls = [forwarding.send(gunicorn, call(body)) for body in bodies]
        assert [reply.body for reply in await asyncio.gather(*calls)] == bodies

    run(many())
    gc.collect()
    before = psutil.Process().num_fds()
    run(many())
    gc.collect()
    assert psutil.Process().num_fds() <= before
