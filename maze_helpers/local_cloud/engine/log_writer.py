"""A container's output lines, to their log stream in batches."""

import logging
import threading

from maze_helpers.local_cloud.services.logs import LogStore

log = logging.getLogger(__name__)

_BATCH_WAIT_S = 0.1
_BATCH_LINES = 5_000
# A container that prints faster than lines are stored waits at its next print.
_WAITING_LINES = 20_000

Line = tuple[float, str]


class LogWriter:
    """Takes lines from a container and stores them on a thread of its own, in order."""

    def __init__(self, logs: LogStore, group: str, stream: str) -> None:
        """Make the stream."""
        self._logs = logs
        self._group = group
        self._stream = stream
        self._error: Exception | None = None
        self.last_ms = logs.now_ms()
        self._lines: list[Line] = []
        self._closing = threading.Event()
        # Told when the first line waits, when there is room again, and at the end. A line costs
        # no change of thread: an endpoint prints one for each request.
        self._changed = threading.Condition()
        logs.create_stream(group, stream)
        self._thread = threading.Thread(target=self._store_batches, name=f"log of {stream}")
        self._thread.start()

    def add(self, time_s: float, line: str) -> None:
        """Take one line, without its end, printed at a moment in seconds since the epoch."""
        with self._changed:
            while len(self._lines) >= _WAITING_LINES:
                self._changed.wait()
            self._lines.append((time_s, line))
            if len(self._lines) == 1:
                self._changed.notify_all()

    def close(self) -> None:
        """Return when every line is stored.

        Raises: what storing them raised at first.
        """
        self._closing.set()
        with self._changed:
            self._changed.notify_all()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def store(self, batch: list[Line]) -> None:
        """Store lines, which come after all those before."""
        self.put([(self.ordered_ms(time_s), line) for time_s, line in batch])

    def put(self, events: list[tuple[int, str]]) -> None:
        """Store events, (timestamp in ms, message)."""
        self._logs.put(self._group, self._stream, events)

    def ordered_ms(self, time_s: float) -> int:
        """Return a line's time in ms, or that of the line before where that is later.

        Events are read back by their time: it must never run backwards.
        """
        self.last_ms = max(self.last_ms, int(time_s * 1000))
        return self.last_ms

    def _store_batches(self) -> None:
        ended = False
        while not ended:
            batch, ended = self._next_batch()
            try:
                self.store(batch)
            except Exception as error:
                # Later lines may find room again, and must not hold the container up.
                if self._error is None:
                    log.exception("lines of %s could not be stored", self._stream)
                    self._error = error

    def _next_batch(self) -> tuple[list[Line], bool]:
        """Return the lines of the next moment, and whether they are the last."""
        with self._changed:
            while not self._lines and not self._closing.is_set():
                self._changed.wait()
            full = len(self._lines) >= _BATCH_LINES
        if not full:
            self._closing.wait(_BATCH_WAIT_S)
        with self._changed:
            batch = self._lines[:_BATCH_LINES]
            del self._lines[:_BATCH_LINES]
            self._changed.notify_all()
            return batch, self._closing.is_set() and not self._lines
