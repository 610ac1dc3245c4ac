"""Asynchronous endpoints at work: their queues go to their models, a few requests at a time."""

from __future__ import annotations

import asyncio
import logging
import math
import sqlite3
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from maze_helpers.local_cloud.engine.hosting.async_inference import AsyncInference
from maze_helpers.local_cloud.engine.hosting.async_queue import AsyncQueue, AsyncRequest, Backlog
from maze_helpers.local_cloud.engine.hosting.calls import NoCapacity, NotReached
from maze_helpers.local_cloud.engine.s3_uri import split_s3_uri
from maze_helpers.local_cloud.errors import AWSError

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud
    from maze_helpers.local_cloud.engine.hosting.live_endpoint import LiveEndpoint

log = logging.getLogger(__name__)

# MaxConcurrentInvocationsPerInstance where a configuration has none: AWS then chooses one.
CONCURRENT_PER_INSTANCE = 4
# How often the queues are measured, and how soon a request is tried again that reached no server.
PERIOD_S = 1.0
S3_WORKERS = 4


class AsyncInferences:
    """Takes requests into the queue, and answers them on a thread of its own."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._queue = AsyncQueue(cloud.store)
        self._executor = ThreadPoolExecutor(S3_WORKERS, "async inference")
        self._loop = asyncio.new_event_loop()
        self._woken = asyncio.Event()
        self._closing = False
        self._running: defaultdict[str, dict[int, asyncio.Task[None]]] = defaultdict(dict)
        self._measured: set[str] = set()
        self._measured_s = -math.inf
        # Those that an earlier server may have answered already.
        self._left_behind: set[int] = set()
        self._thread = threading.Thread(target=self._run, name="async inferences", daemon=True)

    def start(self) -> None:
        """Begin with what an earlier server left in the queue."""
        self._left_behind = self._queue.ids()
        self._thread.start()

    def put(self, endpoint_arn: str, request: AsyncRequest) -> bool:
        """Take a request in, for good; return whether its endpoint is there."""
        if not self._queue.put(endpoint_arn, request):
            return False
        self._loop.call_soon_threadsafe(self._woken.set)
        return True

    def close(self) -> None:
        """End; requests that are not answered yet stay in the queue."""
        self._closing = True
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._woken.set)
            self._thread.join()
        self._loop.close()
        self._executor.shutdown()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        while not self._closing:
            self._woken.clear()
            try:
                is_idle = self._look()
            except sqlite3.Error:
                log.exception("the queue of asynchronous requests could not be read")
                is_idle = False
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._woken.wait(), None if is_idle else PERIOD_S)
        tasks = [task for running in self._running.values() for task in running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _look(self) -> bool:
        """Measure the queues, and set going what can be; return whether they are empty."""
        backlogs = self._queue.backlogs()
        if not backlogs:
            self._measure([])
        elif time.monotonic() - self._measured_s >= PERIOD_S:
            self._measured_s = time.monotonic()
            self._measure(backlogs)
        for backlog in backlogs:
            self._set_going(backlog.endpoint)
        return not backlogs

    def _set_going(self, name: str) -> None:
        """Begin as many of an endpoint's requests as its instances may have at a time."""
        endpoint = self._cloud.hosting.live(name)
        if endpoint is None:
            return
        running = self._running[name]
        room = _concurrency(endpoint) - len(running)
        if room <= 0:
            return
        for request_id, request in self._queue.next(name, room, running).items():
            running[request_id] = self._loop.create_task(
                self._answer(request_id, request, endpoint)
            )

    async def _answer(self, request_id: int, request: AsyncRequest, endpoint: LiveEndpoint) -> None:
        try:
            if not (request_id in self._left_behind and self._is_answered(request)):
                inference = AsyncInference(self._cloud, self._executor, request, endpoint.choose())
                await inference.run()
            self._queue.remove(request_id)
        except (NoCapacity, NotReached):
            # It stays in the queue until a server is there.
            await asyncio.sleep(PERIOD_S)
        except Exception:
            log.exception("a request of asynchronous endpoint %s is tried again", request.endpoint)
            await asyncio.sleep(PERIOD_S)
        finally:
            del self._running[request.endpoint][request_id]
            self._woken.set()

    def _is_answered(self, request: AsyncRequest) -> bool:
        """Return whether what the request led to is in S3."""
        for location in (request.output_location, request.failure_location):
            try:
                found = location and self._cloud.objects.head(*split_s3_uri(location))
            except AWSError:
                continue
            if found and found.modified_at >= request.received_s:
                return True
        return False

    def _measure(self, backlogs: list[Backlog]) -> None:
        """Record the queues' lengths, a last time where one has just become empty."""
        now_s = self._cloud.clock.time_s()
        emptied = self._measured - {backlog.endpoint for backlog in backlogs}
        self._measured = {backlog.endpoint for backlog in backlogs}
        for backlog in [*backlogs, *(Backlog(endpoint, 0, now_s) for endpoint in emptied)]:
            endpoint = self._cloud.hosting.live(backlog.endpoint)
            instances = _instances(endpoint) if endpoint else 0
            values = {
                "ApproximateBacklogSize": backlog.size,
                "ApproximateBacklogSizePerInstance": backlog.size / max(instances, 1),
                "ApproximateAgeOfOldestRequest": max(0.0, now_s - backlog.oldest_s),
                "HasBacklogWithoutCapacity": backlog.size > 0 and instances == 0,
            }
            self._cloud.invocation_metrics.record(backlog.endpoint, "", values)


def _instances(endpoint: LiveEndpoint) -> int:
    return sum(variant.instance_count or 0 for variant in endpoint.variants.values())


def _concurrency(endpoint: LiveEndpoint) -> int:
    """Return how many requests an asynchronous endpoint may have at a time."""
    client = (endpoint.async_inference or {}).get("ClientConfig", {})
    each = client.get("MaxConcurrentInvocationsPerInstance", CONCURRENT_PER_INSTANCE)
    return each * _instances(endpoint)
