"""A closed loop: so many calls, so many at a time; the next begins when one is answered.

It asks how fast a target can be. A slow target slows the calls down with it, and so hides how long
users would have queued: for that, see `open`.
"""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any

from maze_helpers.load_test.crew import Crew
from maze_helpers.load_test.limits import MAX_AT_A_TIME, MAX_CALLS, MAX_DURATION_S, check_between
from maze_helpers.load_test.progress import progress
from maze_helpers.load_test.recorder import Recorder
from maze_helpers.load_test.result import LoadTestResult, Plan
from maze_helpers.load_test.targets import Call, Target, as_target

if TYPE_CHECKING:
    from sagemaker.predictor import Predictor


def closed_loop(
    target: Predictor | Target | str, data: Any, calls: int = 1000, at_a_time: int = 10
) -> LoadTestResult:
    """Return what came of a number of calls, each with the same data, so many at a time.

    target: an SDK predictor, an `Endpoint` or a URL. data: what the predictor's `predict` takes;
    for the others, the bytes to send. calls: up to 100,000. at_a_time: up to 200. No call begins
    after 15 minutes. The first call of each connection includes making it. Ctrl-C ends the test
    and returns what was measured.
    Raises: MazeError, if a number is out of range, or the target cannot be called as needed.
    """
    check_between("calls", calls, 1, MAX_CALLS)
    check_between("at_a_time", at_a_time, 1, MAX_AT_A_TIME)
    target = as_target(target)
    at_a_time = min(at_a_time, calls)
    call = target.prepare(data, connections=at_a_time)
    plan = Plan(target.name, target.endpoint_name, calls, f"{at_a_time} at a time")
    recorder = Recorder()
    crew = Crew(recorder)
    numbers: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(calls):
        numbers.put(number)
    with progress(str(plan), calls) as bar:
        try:
            for _ in range(at_a_time):
                crew.add(lambda: _make_calls(call, numbers, recorder))
            crew.wait(calls, MAX_DURATION_S, bar)
        finally:
            # Ctrl-C may come before the wait does.
            recorder.stop()
    return LoadTestResult.of(plan, recorder)


def _make_calls(call: Call, numbers: queue.SimpleQueue[int], recorder: Recorder) -> None:
    while True:
        try:
            number = numbers.get_nowait()
        except queue.Empty:
            return
        if not recorder.begin(number):
            return
        recorder.finish(number, call())
