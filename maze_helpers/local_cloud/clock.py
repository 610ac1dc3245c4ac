"""The clock that the local cloud reads, so that a test can replace it."""

import time
from datetime import datetime, timezone


class Clock:
    """Wall-clock time, in UTC."""

    def time_s(self) -> float:
        """Return seconds since the epoch."""
        return time.time()

    def now(self) -> datetime:
        """Return the moment as an aware datetime in UTC."""
        return datetime.fromtimestamp(self.time_s(), tz=timezone.utc)
