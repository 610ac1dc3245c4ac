"""Data capture: what endpoints are asked and answer goes to S3, soon after and out of the way."""

from __future__ import annotations

import logging
import random
import sqlite3
import threading
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from maze_helpers.local_cloud.engine.hosting.calls import Call, Reply, Variant
from maze_helpers.local_cloud.engine.hosting.data_capture_record import (
    Captured,
    CaptureSettings,
    Document,
    captured_line,
    is_enabled,
    object_name,
)
from maze_helpers.local_cloud.engine.s3_uri import join_s3_uri, split_s3_uri
from maze_helpers.local_cloud.errors import AWSError
from maze_helpers.local_cloud.services.s3.attributes import SSE
from maze_helpers.local_cloud.services.s3.new_content import NewContent
from maze_helpers.local_cloud.services.s3.schema import Attributes

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

log = logging.getLogger(__name__)

# AWS takes a minute or so.
FLUSH_PERIOD_S = 1.0
# What waits to be stored each time. What goes beyond it is not captured, as AWS does where a disk
# fills up.
MOST_PENDING_BYTES = 64 * 1024 * 1024
CONTENT_TYPE = "application/jsonlines"


@dataclass(frozen=True)
class Source:
    """Whose invocations go to an object of their own: a variant's, while it is configured so."""

    capture: EndpointCapture
    variant: str
    role_arn: str


class EndpointCapture:
    """What of an endpoint's invocations is captured, while it is deployed as it is."""

    def __init__(self, capture: DataCapture, endpoint: str, settings: CaptureSettings) -> None:
        self.endpoint = endpoint
        self.settings = settings
        self._capture = capture

    def take(self, variant: Variant, call: Call, reply: Reply) -> None:
        """Keep an invocation that was answered well, if it is one of the sample."""
        if random.random() * 100 < self.settings.sampling_percentage:
            self._capture.take(Source(self, variant.name, variant.role_arn), call, reply)


class DataCapture:
    """Takes invocations from any thread at no cost, and stores them on a thread of its own."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._lock = threading.Lock()
        self._pending: defaultdict[Source, list[Captured]] = defaultdict(list)
        self._pending_bytes = 0
        self._dropped: defaultdict[Source, int] = defaultdict(int)
        self._taken = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._flush_on, name="data capture", daemon=True)
        self._thread.start()

    def of(self, endpoint: str, config: Document | None) -> EndpointCapture | None:
        """Return what captures an endpoint's invocations, None if its configuration has not."""
        if config is None or not is_enabled(config):
            return None
        return EndpointCapture(self, endpoint, CaptureSettings.of(config))

    def take(self, source: Source, call: Call, reply: Reply) -> None:
        """Keep an invocation until it is stored, unless too much waits already."""
        captured = Captured(str(uuid.uuid4()), self._cloud.clock.time_s(), call, reply)
        with self._lock:
            if self._pending_bytes + captured.size_bytes > MOST_PENDING_BYTES:
                self._dropped[source] += 1
            else:
                self._pending_bytes += captured.size_bytes
                self._pending[source].append(captured)
        self._taken.set()

    def flush(self) -> None:
        """Store what was taken."""
        self._taken.clear()
        with self._lock:
            pending, self._pending = self._pending, defaultdict(list)
            dropped, self._dropped = self._dropped, defaultdict(int)
            self._pending_bytes = 0
        for source, taken in pending.items():
            for batch in _by_hour(taken):
                self._store(source, batch)
        for source, count in dropped.items():
            self._tell(source, f"{count} invocations were not captured: too many waited.")

    def close(self) -> None:
        """Store what was taken last, and end."""
        self._closing.set()
        self._taken.set()
        self._thread.join()
        self.flush()

    def _flush_on(self) -> None:
        while not self._closing.is_set():
            self._taken.wait()
            self._closing.wait(FLUSH_PERIOD_S)
            try:
                self.flush()
            except sqlite3.Error:
                log.exception("what was captured of invocations could not be stored")

    def _store(self, source: Source, batch: list[Captured]) -> None:
        """Store records as one object, or say why they are lost."""
        lines = (captured_line(source.capture.settings, captured) for captured in batch)
        try:
            self._write(source, object_name(batch[0].answered_s), lines)
        except AWSError as error:
            self._tell(source, f"{len(batch)} invocations were not captured: {error.message}")
        except Exception:
            # What comes later is captured all the same.
            log.exception("invocations of endpoint %s were not captured", source.capture.endpoint)

    def _write(self, source: Source, name: str, lines: Iterable[bytes]) -> None:
        capture = source.capture
        uri = join_s3_uri(capture.settings.destination, capture.endpoint, source.variant, name)
        bucket, key = split_s3_uri(uri)
        objects = self._cloud.objects_as(source.role_arn)
        written = NewContent(objects.blobs)
        try:
            for line in lines:
                written.write(line)
            objects.put(bucket, key, written.close(), _attributes(capture.settings))
        except BaseException:
            written.discard()
            raise

    def _tell(self, source: Source, text: str) -> None:
        """Say in the endpoint's log, as its role may, what was not captured.

        Where AWS says so is a guess; the streams of an endpoint are the role's to write there.
        """
        endpoint = source.capture.endpoint
        log.warning("data capture of endpoint %s: %s", endpoint, text)
        group, stream = f"/aws/sagemaker/Endpoints/{endpoint}", f"{source.variant}/data-log"
        logs = self._cloud.logs_as(source.role_arn)
        logs.put(group, stream, [(logs.now_ms(), text)])


def _attributes(settings: CaptureSettings) -> Attributes:
    headers = {"content-type": CONTENT_TYPE}
    if settings.kms_key_id:
        headers |= {SSE: "aws:kms", f"{SSE}-aws-kms-key-id": settings.kms_key_id}
    return Attributes(headers=headers)


def _by_hour(taken: list[Captured]) -> list[list[Captured]]:
    """Return invocations in batches that each go to one folder."""
    batches: defaultdict[int, list[Captured]] = defaultdict(list)
    for captured in taken:
        batches[int(captured.answered_s // 3600)].append(captured)
    return list(batches.values())
