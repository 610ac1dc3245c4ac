"""What a load test found: a row a call, and what they come to."""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
import pandas as pd

from maze_helpers.load_test.outcomes import OK, sort_key
from maze_helpers.load_test.recorder import Recorder, Row
from maze_helpers.local_cloud.errors import MazeError

PERCENTILES = (50, 90, 95, 99)
COLUMNS = ("planned", "start", "end", "latency_ms", "outcome", "status", "detail")
ALL = "all"
# From here on, the delay of the machine that makes the calls is worth a word.
LATE_MS = 20


class Plan(NamedTuple):
    """What a load test sets out to do. endpoint_name: None, where a URL is called."""

    target: str
    endpoint_name: str | None
    calls: int
    how: str

    def __str__(self) -> str:
        """Return such as '1000 calls to digits, 50 at a time'."""
        return f"{self.calls} call{'' if self.calls == 1 else 's'} to {self.target}, {self.how}"


@dataclass(frozen=True, eq=False, repr=False)
class LoadTestResult:
    """What came of a load test.

    calls: a row a call, by number: planned, start and end (UTC), latency_ms from planned to end,
    outcome (see `outcomes`), status (HTTP's) and detail (an error's text). What did not happen is
    missing. began_at: where the seconds of `seconds` count from.
    """

    plan: Plan
    began_at: datetime
    calls: pd.DataFrame

    @classmethod
    def of(cls, plan: Plan, recorder: Recorder) -> LoadTestResult:
        """Return the result of what was recorded."""
        return cls(plan, recorder.began_at, table_of(recorder.began_at, recorder.rows()))

    @property
    def outcomes(self) -> pd.Series:
        """How many calls had which outcome."""
        return self.calls["outcome"].value_counts().sort_index(key=lambda i: i.map(sort_key))

    @property
    def duration_s(self) -> float:
        """The seconds from the test's begin to the last answer."""
        last = self.calls["end"].max()
        return 0.0 if pd.isna(last) else (last - self.began_at).total_seconds()

    @property
    def requests_per_s(self) -> float:
        """How many calls a second came to an end, whatever their outcome."""
        return _per_s(self.calls["end"].count(), self.duration_s)

    @property
    def lateness_ms(self) -> pd.Series:
        """How much later than planned each call began, in ms: this machine's own delay."""
        return (self.calls["start"] - self.calls["planned"]).dt.total_seconds().dropna() * 1000

    def seconds(self, column: str) -> pd.Series:
        """Return planned, start or end in seconds since the test began."""
        return (self.calls[column] - self.began_at).dt.total_seconds()

    def latencies_ms(self, outcome: str | None = OK) -> np.ndarray:
        """Return the latency of each call with an outcome, or with any, in order; every sample."""
        calls = self.calls if outcome is None else self.calls[self.calls["outcome"] == outcome]
        return calls["latency_ms"].dropna().to_numpy()

    def percentile_ms(self, percent: float, outcome: str | None = OK) -> float:
        """Return a percentile of the latencies of an outcome, nan where there are none."""
        latencies_ms = self.latencies_ms(outcome)
        return float(np.percentile(latencies_ms, percent)) if len(latencies_ms) else float("nan")

    @property
    def summary(self) -> pd.DataFrame:
        """A row an outcome, and one for all: calls, share, calls a second, percentiles in ms."""
        rows = {name: self._line(name, count) for name, count in self.outcomes.items()}
        rows[ALL] = self._line(None, len(self.calls))
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("outcome")

    def _line(self, outcome: str | None, count: int) -> dict[str, float]:
        latencies_ms = self.latencies_ms(outcome)
        line = {
            "calls": count,
            "share": count / max(1, len(self.calls)),
            "per_s": _per_s(len(latencies_ms), self.duration_s),
        }
        line |= {f"p{percent}_ms": self.percentile_ms(percent, outcome) for percent in PERCENTILES}
        return line | {"max_ms": latencies_ms.max() if len(latencies_ms) else float("nan")}

    def __repr__(self) -> str:
        """Return one sentence: what was done, what came of it, how long the good calls took."""
        counts = ", ".join(f"{count} {name}" for name, count in self.outcomes.items())
        text = f"{self.plan}: {counts or 'none begun'} in {self.duration_s:.1f} s"
        if len(self.latencies_ms()):
            marks = [f"p{percent} {self.percentile_ms(percent):.0f} ms" for percent in (50, 95, 99)]
            text += f"; ok: {', '.join(marks)}, max {self.latencies_ms().max():.0f} ms"
        late_ms = self.lateness_ms.quantile(0.99)
        if late_ms >= LATE_MS:
            text += f"; this machine is busy: one call in 100 began over {late_ms:.0f} ms late"
        missing = self.plan.calls - len(self.calls)
        return text + (f"; ended before {missing} calls began." if missing else ".")

    def _repr_html_(self) -> str:
        formats = dict.fromkeys(self.summary.columns, "{:.0f}")
        formats |= {"share": "{:.1%}", "per_s": "{:.1f}"}
        shown = self.summary.style.format(formats, na_rep="")
        return f"<p>{html.escape(repr(self))}</p>{shown.to_html()}"

    def require_endpoint(self) -> str:
        """Return the name of the endpoint that was called.

        Raises: MazeError, if a URL was.
        """
        if self.plan.endpoint_name is None:
            raise MazeError(f"{self.plan.target} is a URL: only endpoints have metrics.")
        return self.plan.endpoint_name


def _per_s(count: int, duration_s: float) -> float:
    return count / duration_s if duration_s else 0.0


def table_of(began_at: datetime, rows: list[Row]) -> pd.DataFrame:
    """Return `LoadTestResult.calls` of the rows of a test that began at a time."""
    times_s = {
        name: np.array([getattr(row, f"{name}_s") for row in rows], dtype=float)
        for name in ("planned", "start", "end")
    }
    # To the nanosecond, or rounding would tell latencies and times apart.
    table = {
        name: pd.Timestamp(began_at) + pd.to_timedelta(values, unit="s").as_unit("ns")
        for name, values in times_s.items()
    }
    table["latency_ms"] = (times_s["end"] - times_s["planned"]) * 1000
    table["outcome"] = [row.outcome.name for row in rows]
    table["status"] = pd.array([row.outcome.status for row in rows], dtype="Int64")
    table["detail"] = [row.outcome.detail for row in rows]
    index = pd.Index([row.number for row in rows], name="call")
    return pd.DataFrame(table, columns=list(COLUMNS)).set_index(index)
