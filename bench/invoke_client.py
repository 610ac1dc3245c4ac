"""A cheap HTTP client: the same bytes over and over, by some clients at a time, in one process."""

import asyncio
import time
from dataclasses import dataclass

import uvloop


@dataclass(frozen=True)
class Target:
    """A server and the bytes of a request that it answers with 200.

    address: the path of a unix socket, or host and port. keeps: whether it keeps connections.
    """

    address: str | tuple[str, int]
    request: bytes
    keeps: bool = True


def load(target: Target, clients: int, seconds: float) -> tuple[list[float], float]:
    """Return each request's latency and how long they all took, in seconds."""
    return uvloop.run(_load(target, clients, seconds))


async def _load(target: Target, clients: int, seconds: float) -> tuple[list[float], float]:
    latencies_s: list[float] = []
    began_s = time.perf_counter()
    end_s = began_s + seconds
    await asyncio.gather(*(_call_on(target, end_s, latencies_s) for _ in range(clients)))
    return latencies_s, time.perf_counter() - began_s


async def _call_on(target: Target, end_s: float, latencies_s: list[float]) -> None:
    connection = await _connect(target) if target.keeps else None
    while time.perf_counter() < end_s:
        began_s = time.perf_counter()
        if target.keeps:
            await _call(*connection, target.request)
        else:
            connection = await _connect(target)
            await _call(*connection, target.request)
            connection[1].close()
        latencies_s.append(time.perf_counter() - began_s)
    connection[1].close()


async def _connect(target: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if isinstance(target.address, str):
        return await asyncio.open_unix_connection(target.address, limit=2**20)
    return await asyncio.open_connection(*target.address, limit=2**20)


async def _call(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    body = await reader.readexactly(length)
    if not head.startswith(b"http/1.1 200"):
        raise SystemExit(f"a request was answered with {head!r} {body[:300]!r}")
