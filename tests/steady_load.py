"""Clients that invoke an endpoint without a pause, and note what came of every call."""

import asyncio
import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

# Longer than any call may take: an invocation has a minute.
HUNG_S = 100
CLIENTS = 32
RIGHT, HUNG, CUT_OFF = "right", "hung", "cut off"


class SteadyLoad:
    """So many clients at a time, in a thread; each call is told apart by its body.

    outcomes: how many calls came to what: RIGHT, the code of an error, CUT_OFF where the
    connection ended, HUNG, or "wrong" where an answer was not the call's own.
    """

    def __init__(
        self, cloud, endpoint: str, clients: int = CLIENTS, calls: int | None = None
    ) -> None:
        """calls: how many to make in all; None: until `stop`."""
        self.outcomes: Counter[str] = Counter()
        self._url = urlsplit(f"{cloud.endpoint_url}/endpoints/{endpoint}/invocations")
        self._signer = SigV4Auth(cloud.session.get_credentials(), "sagemaker", "us-east-1")
        self._clients = clients
        self._numbers = iter(range(calls) if calls else itertools.count())
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> "SteadyLoad":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    @property
    def calls(self) -> int:
        """How many calls have come to their end."""
        return self.outcomes.total()

    @property
    def is_running(self) -> bool:
        """Whether there are calls to be made."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Let the calls under way come to their end, and make no more."""
        self._stopped.set()
        self._thread.join()

    def wait_for_more(self, outcome: str, count: int, timeout_s: float = 90) -> None:
        """Return once so many further calls came to an outcome."""
        before = self.outcomes[outcome]
        until(lambda: self.outcomes[outcome] >= before + count, timeout_s, self.outcomes)

    async def _run(self) -> None:
        await asyncio.gather(*(self._call_on() for _ in range(self._clients)))

    async def _call_on(self) -> None:
        connection = None
        for number in self._numbers:
            if self._stopped.is_set():
                break
            try:
                connection = connection or await self._connect()
                answer = self._call(*connection, b"call %d" % number)
                outcome = await asyncio.wait_for(answer, HUNG_S)
            except asyncio.TimeoutError:
                outcome = HUNG
            except (OSError, asyncio.IncompleteReadError):
                outcome = CUT_OFF
                await asyncio.sleep(0.02)
            self.outcomes[outcome] += 1
            if outcome in (HUNG, CUT_OFF):
                connection = None
        if connection:
            connection[1].close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self._url.hostname, self._url.port)

    async def _call(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes
    ) -> str:
        writer.write(self._request(body))
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        answer = await reader.readexactly(int(headers["content-length"]))
        if head.startswith("http/1.1 200"):
            return RIGHT if answer == body else "wrong"
        return headers["x-amzn-errortype"]

    def _request(self, body: bytes) -> bytes:
        request = AWSRequest("POST", self._url.geturl(), data=body)
        self._signer.add_auth(request)
        headers = {"Host": self._url.netloc, "Content-Length": len(body), **dict(request.headers)}
        lines = [f"POST {self._url.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + body


def until(condition: Callable[[], object], timeout_s: float = 90, seen: object = "") -> None:
    """Return once a condition holds. seen: what to show where it never does."""
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, f"it never came to that: {seen}"
        time.sleep(0.02)
