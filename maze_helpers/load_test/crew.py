"""The threads that make a load test's calls, and the wait until they are done.

Threads, because a notebook's kernel has an event loop of its own; and daemons, because one that
waits for an answer cannot be interrupted, and is to hold up neither the notebook nor its end.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from maze_helpers.load_test.limits import DRAIN_S
from maze_helpers.load_test.progress import Progress
from maze_helpers.load_test.recorder import Recorder

LOOK_EVERY_S = 0.05


class Crew:
    """The threads of one test. size: how many were started."""

    def __init__(self, recorder: Recorder) -> None:
        self.size = 0
        self._recorder = recorder
        self._failure: BaseException | None = None

    def add(self, work: Callable[[], None]) -> None:
        """Start a thread. What it raises is no call's outcome but a fault: it ends the test."""

        def run() -> None:
            try:
                work()
            except BaseException as error:  # raised again where the test is waited for
                self._failure = error

        self.size += 1
        threading.Thread(target=run, name="load-test", daemon=True).start()

    def wait(self, total: int, last_start_s: float, progress: Progress) -> None:
        """Return once all calls have come to an end, or Ctrl-C or the time ended the test.

        last_start_s: when no call may begin any more. Raises: what a thread failed with.
        """
        try:
            # Not raised again: what was measured until then is the answer.
            with suppress(KeyboardInterrupt):
                while self._failure is None and not self._is_over(total, last_start_s):
                    progress.show(self._recorder.counts()[0])
                    time.sleep(LOOK_EVERY_S)
                progress.show(self._recorder.counts()[0])
        finally:
            self._recorder.stop()
        if self._failure is not None:
            raise self._failure

    def _is_over(self, total: int, last_start_s: float) -> bool:
        now_s, (ended, under_way) = self._recorder.now_s(), self._recorder.counts()
        if now_s >= last_start_s:
            self._recorder.stop()
        return ended == total or (
            now_s >= last_start_s and (not under_way or now_s >= last_start_s + DRAIN_S)
        )
