"""A small HTTP server to aim load tests at: it answers as it is told, and counts."""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import botocore.client

STALL_S = 2.5

# What an answer is made of: HTTP status, headers, body.
Answer = tuple[int, dict[str, str], dict]
ANSWERS: dict[str, Answer] = {
    "ok": (200, {}, {"digit": 7}),
    "throttled": (400, {"x-amzn-ErrorType": "ThrottlingException"}, {"message": None}),
    "model error": (
        424,
        {"x-amzn-ErrorType": "ModelError"},
        {"Message": "Received server error (500)", "OriginalStatusCode": 500},
    ),
    "late model": (
        424,
        {"x-amzn-ErrorType": "ModelError"},
        {"Message": "Your invocation timed out while waiting", "OriginalStatusCode": 0},
    ),
    "other": (400, {"x-amzn-ErrorType": "ValidationError"}, {"Message": "Endpoint not found."}),
    "busy": (429, {}, {}),
    "broken": (503, {}, {}),
}


class LoadTarget(ThreadingHTTPServer):
    """Answers each request by what `behaviour` says for its number, after `delay_s`.

    behaviour: a name of ANSWERS, or "stall", "reset" or "echo", which answers what was sent.
    most_under_way: requests at a time. sent: the body of the last one.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self._lock = threading.Lock()
        self.prepare(lambda number: "ok")

    def prepare(self, behaviour: Callable[[int], str], delay_s: float = 0.0) -> None:
        """Start to count anew, with a behaviour."""
        with self._lock:
            self.behaviour, self.delay_s = behaviour, delay_s
            self.requests = self.most_under_way = 0
            # A new set: one of the requests before may still be under way.
            self._under_way: set[int] = set()

    @contextmanager
    def under_way(self) -> Iterator[int]:
        """Yield the number of a request that has come, and count it until it is answered."""
        with self._lock:
            number, under_way = self.requests, self._under_way
            self.requests += 1
            under_way.add(number)
            self.most_under_way = max(self.most_under_way, len(under_way))
        try:
            yield number
        finally:
            with self._lock:
                under_way.discard(number)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that went away: that is what the tests are about."""

    def client(self, connections: int = 200, **config) -> botocore.client.BaseClient:
        """Return a client of sagemaker-runtime that calls this server, and only once."""
        config = {"retries": {"total_max_attempts": 1}, "read_timeout": 30} | config
        return boto3.Session("key", "secret", region_name="us-east-1").client(
            "sagemaker-runtime",
            endpoint_url=self.url,
            config=botocore.client.Config(max_pool_connections=connections, **config),
        )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Or the answer's body waits for the acknowledgement of its head.
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        self.sent = self.server.sent = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.under_way() as number:
            self._behave(self.server.behaviour(number))

    def _behave(self, name: str) -> None:
        if name == "reset":
            linger_not = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)
            self.close_connection = True
            return
        time.sleep(STALL_S if name == "stall" else self.server.delay_s)
        status, headers, body = ANSWERS[name if name in ANSWERS else "ok"]
        data = self.sent if name == "echo" else json.dumps(body).encode()
        self.send_response(status)
        for header, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(header, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def load_target() -> Iterator[LoadTarget]:
    """Yield a running server."""
    server = LoadTarget()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
