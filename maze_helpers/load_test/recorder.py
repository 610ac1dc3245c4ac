"""What is known of each call while a load test runs."""

import threading
import time
from datetime import datetime, timezone
from typing import NamedTuple

from maze_helpers.load_test.outcomes import NOT_STARTED, UNFINISHED, Outcome


class Row(NamedTuple):
    """A call, its times in seconds since the test began; None for what did not happen."""

    number: int
    planned_s: float
    start_s: float | None
    end_s: float | None
    outcome: Outcome


class Recorder:
    """Collects the rows of a test's calls; many threads may use it at once."""

    def __init__(self) -> None:
        self.began_at = datetime.now(timezone.utc)
        self._began_s = time.perf_counter()
        self._lock = threading.Lock()
        self._rows: list[Row] = []
        self._under_way: dict[int, Row] = {}
        self._is_stopped = False

    def now_s(self) -> float:
        """Return the seconds since the test began."""
        return time.perf_counter() - self._began_s

    def begin(self, number: int) -> bool:
        """Note that a call begins now; return False, once none may."""
        return self._let_in(Row(number, now_s := self.now_s(), now_s, None, Outcome(UNFINISHED)))

    def hand_over(self, number: int, planned_s: float) -> bool:
        """Note that a call waits for a thread to make it; return False, once none may begin."""
        return self._let_in(Row(number, planned_s, None, None, Outcome(UNFINISHED)))

    def _let_in(self, row: Row) -> bool:
        with self._lock:
            if not self._is_stopped:
                self._under_way[row.number] = row
            return not self._is_stopped

    def start(self, number: int) -> None:
        """Note that a call that was handed over begins now."""
        start_s = self.now_s()
        with self._lock:
            self._under_way[number] = self._under_way[number]._replace(start_s=start_s)

    def finish(self, number: int, outcome: Outcome) -> None:
        """Note what came of a call."""
        end_s = self.now_s()
        with self._lock:
            row = self._under_way.pop(number)
            self._rows.append(row._replace(end_s=end_s, outcome=outcome))

    def refuse(self, number: int, planned_s: float, why: str) -> None:
        """Note that a call could not begin when it should have."""
        with self._lock:
            self._rows.append(Row(number, planned_s, None, None, Outcome(NOT_STARTED, detail=why)))

    def stop(self) -> None:
        """Let no more calls begin."""
        with self._lock:
            self._is_stopped = True

    def counts(self) -> tuple[int, int]:
        """Return how many calls have come to an end, and how many are under way."""
        with self._lock:
            return len(self._rows), len(self._under_way)

    def rows(self) -> list[Row]:
        """Return every call in order; one that is still under way is unfinished."""
        with self._lock:
            return sorted([*self._rows, *self._under_way.values()], key=lambda row: row.number)
