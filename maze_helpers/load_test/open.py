"""An open loop: arrivals a second for a time, whether or not the earlier calls are answered.

That is how users come. Each latency counts from when its call should have begun, so that a slow
target cannot hide its own delay by holding back the calls behind it (coordinated omission).
"""

from __future__ import annotations

import queue
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from maze_helpers.load_test.crew import Crew
from maze_helpers.load_test.limits import MAX_AT_A_TIME, MAX_CALLS, MAX_DURATION_S, check_between
from maze_helpers.load_test.progress import progress
from maze_helpers.load_test.recorder import Recorder
from maze_helpers.load_test.result import LoadTestResult, Plan
from maze_helpers.load_test.targets import Call, Target, as_target
from maze_helpers.local_cloud.errors import MazeError

if TYPE_CHECKING:
    from sagemaker.predictor import Predictor

ARRIVALS = ("constant", "poisson")
# A machine that is too busy to begin a call in time may still begin it this late.
LATENESS_S = 10.0


def open_loop(
    target: Predictor | Target | str,
    data: Any,
    rate: float,
    duration_s: float = 30.0,
    arrivals: str = "constant",
    max_under_way: int = 100,
    seed: int = 0,
) -> LoadTestResult:
    """Return what came of calls that begin at their own times, each with the same data.

    target, data: as for `closed_loop`. rate: calls a second; with duration_s, up to 900, at most
    100,000 calls. arrivals: "constant", evenly spaced, or "poisson", at random and independent of
    each other, by the seed. max_under_way: up to 200; a call that would be one more is not made,
    and kept as "not started". Ctrl-C ends the test and returns what was measured.
    Raises: MazeError, if a number is out of range, or the target cannot be called as needed.
    """
    check_between("duration_s", duration_s, 0.001, MAX_DURATION_S)
    check_between("rate", rate, 0.001, MAX_CALLS)
    check_between("max_under_way", max_under_way, 1, MAX_AT_A_TIME)
    times_s = schedule(rate, duration_s, arrivals, seed)
    target = as_target(target)
    call = target.prepare(data, connections=max_under_way)
    how = f"{rate:g} a second ({arrivals}) for {duration_s:g} s, at most {max_under_way} under way"
    plan = Plan(target.name, target.endpoint_name, len(times_s), how)
    recorder = Recorder()
    pacer = _Pacer(call, times_s, max_under_way, recorder)
    with progress(str(plan), len(times_s)) as bar:
        try:
            pacer.crew.add(pacer.pace)
            pacer.crew.wait(len(times_s), duration_s + LATENESS_S, bar)
        finally:
            recorder.stop()
            pacer.release()
    return LoadTestResult.of(plan, recorder)


def schedule(rate: float, duration_s: float, arrivals: str, seed: int) -> list[float]:
    """Return when calls are to begin, in seconds since the test begins, in order.

    Raises: MazeError, if there are none or too many, or there are no such arrivals.
    """
    if arrivals not in ARRIVALS:
        raise MazeError(f'arrivals is "{arrivals}": choose "constant" or "poisson".')
    check_between("rate × duration_s", rate * duration_s, 1, MAX_CALLS)
    if arrivals == "constant":
        return [number / rate for number in range(round(rate * duration_s))]
    generator = np.random.default_rng(seed)
    # Given their number, the arrivals of a Poisson process lie anywhere, equally likely.
    count = min(max(1, int(generator.poisson(rate * duration_s))), MAX_CALLS)
    return sorted(generator.uniform(0, duration_s, count).tolist())


class _Pacer:
    """Hands each call over at its time to a thread that waits, or to a new one."""

    def __init__(
        self, call: Call, times_s: list[float], max_under_way: int, recorder: Recorder
    ) -> None:
        self.crew = Crew(recorder)
        self._call = call
        self._times_s = times_s
        self._max_under_way = max_under_way
        self._recorder = recorder
        self._handed_over: queue.SimpleQueue[int | None] = queue.SimpleQueue()

    def pace(self) -> None:
        """Hand every call over at its time."""
        threads = 0
        for number, planned_s in enumerate(self._times_s):
            time.sleep(max(0.0, planned_s - self._recorder.now_s()))
            _, under_way = self._recorder.counts()
            if under_way >= self._max_under_way:
                self._recorder.refuse(number, planned_s, f"{under_way} calls were under way")
                continue
            if not self._recorder.hand_over(number, planned_s):
                return
            if under_way >= threads:
                self.crew.add(self._make_calls)
                threads += 1
            self._handed_over.put(number)

    def _make_calls(self) -> None:
        while (number := self._handed_over.get()) is not None:
            self._recorder.start(number)
            self._recorder.finish(number, self._call())

    def release(self) -> None:
        """Let the threads end, each when it is done with its call."""
        for _ in range(self.crew.size):
            self._handed_over.put(None)
