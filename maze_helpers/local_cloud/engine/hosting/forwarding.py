"""One request to a model server over its unix socket, and the answer, on any event loop.

Bare sockets rather than a transport: where a server answers before it has read the whole body,
a transport drops the answer when its next write fails.
"""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httptools

from maze_helpers.local_cloud.engine.hosting.calls import (
    Call,
    ConnectionLost,
    NotReached,
    Reply,
    TimedOut,
)

# What SageMaker's own front calls itself in a container's access log.
USER_AGENT = "AHC/2.0"
READ_BYTES = 64 * 1024
# A larger body goes through a larger buffer, as far as the system allows: in fewer turns.
LARGE_BYTES, SEND_BUFFER_BYTES = 128 * 1024, 1024 * 1024
_NOTHING: Iterator[bytes] = iter(())


async def send(socket_path: Path, call: Call) -> Reply:
    """Return the server's answer to POST /invocations, whatever its status.

    Cancelled, it closes the connection. Raises: NotReached, ConnectionLost, TimedOut.
    """
    return await _ask(socket_path, "POST", "/invocations", call)


async def send_in_chunks(
    socket_path: Path,
    headers: Mapping[str, str],
    chunks: Iterator[bytes],
    timeout_s: float,
    take: Callable[[bytes], object],
) -> Reply:
    """Return the server's answer to POST /invocations with a body of any size.

    chunks: the body, each piece made when the one before is sent. take: gets the body of an answer
    of status 200, piece by piece; it is not in what is returned then.
    Raises: as `send`; what making a piece or taking one raises.
    """
    framing = {**headers, "Transfer-Encoding": "chunked"}
    head = _head("POST", "/invocations", framing, None)
    with _connected(socket_path) as connection:
        exchange = _Exchange(connection, [head], _Answer(take), _framed(chunks))
        return await exchange.reply(timeout_s)


async def get(socket_path: Path, path: str, timeout_s: float) -> Reply:
    """Return the server's answer to a GET, such as that of /ping.

    Raises: as `send`.
    """
    return await _ask(socket_path, "GET", path, Call(b"", {}, timeout_s))


async def _ask(socket_path: Path, method: str, path: str, call: Call) -> Reply:
    head = _head(method, path, call.headers, len(call.body))
    with _connected(socket_path) as connection:
        if len(call.body) > LARGE_BYTES:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        return await _Exchange(connection, [head, call.body], _Answer()).reply(call.timeout_s)


def _connected(socket_path: Path) -> socket.socket:
    """Return a connection, to be closed. Raises: NotReached."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.setblocking(False)
    try:
        # A unix socket connects at once or not at all: also where its queue is full.
        connection.connect(str(socket_path))
    except OSError as error:
        connection.close()
        reason = error.strerror or str(error)
        raise NotReached(f"The model server is not there: {reason}.") from error
    return connection


def _framed(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the chunks as HTTP frames them, and the end."""
    for chunk in chunks:
        if chunk:
            yield b"%x\r\n%b\r\n" % (len(chunk), chunk)
    yield b"0\r\n\r\n"


def _head(method: str, path: str, headers: Mapping[str, str], body_bytes: int | None) -> bytes:
    """Return a request's first lines. Raises: ValueError, if a header would be two.

    body_bytes: None where the headers tell how the body is framed.
    """
    named = {
        "Host": "localhost:8080",
        "User-Agent": USER_AGENT,
        "Connection": "close",
        **headers,
    }
    lines = [
        f"{method} {path} HTTP/1.1",
        *(f"{name}: {value}" for name, value in named.items()),
    ]
    if method == "POST" and body_bytes is not None:
        lines.append(f"Content-Length: {body_bytes}")
    if any("\n" in line or "\r" in line for line in lines):
        raise ValueError("a header to a model server holds a line break")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


class _Exchange:
    """A connection's one request and its answer."""

    def __init__(
        self,
        connection: socket.socket,
        request: list[bytes],
        answer: "_Answer",
        further: Iterator[bytes] = _NOTHING,
    ) -> None:
        """request: what is sent at once. further: what follows, each made as it is needed."""
        self._loop = asyncio.get_running_loop()
        self._connection = connection
        self._descriptor = connection.fileno()
        self._writes_on = False
        self._unsent = [memoryview(part) for part in request if part]
        self._further = further
        self._answer = answer
        self._ended: asyncio.Future[None] = self._loop.create_future()

    async def reply(self, timeout_s: float) -> Reply:
        """Send the request while the answer is read."""
        began_s = time.perf_counter()
        deadline = self._loop.call_later(timeout_s, self._time_out, timeout_s)
        self._loop.add_reader(self._descriptor, self._read)
        try:
            if self._write():
                self._writes_on = True
                self._loop.add_writer(self._descriptor, self._write_on)
            await self._ended
        finally:
            deadline.cancel()
            self._loop.remove_reader(self._descriptor)
            self._stop_writing()
        latency_us = (time.perf_counter() - began_s) * 1e6
        return self._answer.reply(latency_us)

    def _write(self) -> bool:
        """Send what the connection takes now, and return whether there is more to send."""
        try:
            while self._unsent:
                sent = self._connection.sendmsg(self._unsent)
                self._unsent = _after(self._unsent, sent)
        except BlockingIOError:
            return True
        except OSError:
            # The server reads no further: it may have answered all the same.
            self._unsent, self._further = [], _NOTHING
            return False
        return self._make_next()

    def _make_next(self) -> bool:
        """Return whether the request has a further piece, made to be sent in the loop's next turn.

        Not in this one: where the server reads as fast as pieces are made, nothing else on the
        loop would have a turn until all are sent.
        """
        try:
            piece = next(self._further, b"")
        except Exception as error:
            # In a callback of the loop, it would reach nobody.
            self._further = _NOTHING
            self._fail(error)
            return False
        self._unsent = [memoryview(piece)] if piece else []
        return bool(piece)

    def _write_on(self) -> None:
        if not self._write():
            self._stop_writing()

    def _stop_writing(self) -> None:
        if self._writes_on:
            self._writes_on = False
            self._loop.remove_writer(self._descriptor)

    def _time_out(self, timeout_s: float) -> None:
        self._fail(TimedOut(f"The model server did not answer within {timeout_s:g} s."))

    def _read(self) -> None:
        try:
            data = self._connection.recv(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._fail(ConnectionLost(f"The model server's connection broke: {error.strerror}."))
            return
        try:
            self._answer.feed(data)
        except Exception as error:
            # In a callback of the loop, it would reach nobody.
            self._fail(error)
        if self._answer.is_whole and not self._ended.done():
            self._ended.set_result(None)

    def _fail(self, error: Exception) -> None:
        if not self._ended.done():
            self._ended.set_exception(error)


class _Answer:
    """An answer as it arrives; httptools calls the methods that begin with "on_"."""

    def __init__(self, take: Callable[[bytes], object] | None = None) -> None:
        """take: gets the body of an answer of status 200, None to keep it."""
        self.is_whole = False
        self._take = take
        self._parser = httptools.HttpResponseParser(self)
        self._status = 0
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._failure: Exception | None = None

    def feed(self, data: bytes) -> None:
        """Take in some more of the answer; b"" is its end.

        Raises: ConnectionLost, if it ended too early or is not HTTP; what taking it raises.
        """
        if not data:
            self._end()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            raise (self._failure or error) from None
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            # What comes after the answer is nobody's.
            if not self.is_whole:
                raise ConnectionLost("The model server's answer is not HTTP.") from error

    def reply(self, latency_us: float) -> Reply:
        """Return the answer, once it is whole."""
        body = b"".join(self._body)
        # The parser and this name each other: until the garbage is collected, they stay.
        self._body.clear()
        return Reply(self._status, self._headers, body, latency_us)

    def _end(self) -> None:
        framed = "content-length" in self._headers or "transfer-encoding" in self._headers
        if not self._status or framed:
            raise ConnectionLost("The model server closed the connection before it had answered.")
        self.is_whole = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, the last of each name."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Note the status, unless it only says to go on."""
        status = self._parser.get_status_code()
        if status >= 200:
            self._status = status
        else:
            self._headers = {}

    def on_body(self, body: bytes) -> None:
        """Keep some of the body, or hand it on."""
        if self._take is None or self._status != 200:
            self._body.append(body)
            return
        try:
            self._take(body)
        except Exception as error:
            # The parser raises an error of its own.
            self._failure = error
            raise

    def on_message_complete(self) -> None:
        """Note that the answer is whole, unless it only said to go on."""
        self.is_whole = self._status != 0


def _after(parts: list[memoryview], sent: int) -> list[memoryview]:
    """Return what is left of the parts after so many bytes."""
    while parts and sent >= len(parts[0]):
        sent -= len(parts[0])
        parts = parts[1:]
    return [parts[0][sent:], *parts[1:]] if parts else []
