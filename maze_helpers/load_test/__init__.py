"""Load tests of an endpoint or a URL: calls in numbers, each one's outcome and latency kept.

Closed loop: N calls, so many at a time. Open loop: arrivals a second, whether or not earlier calls
are answered. Figures of the results are in `maze_helpers.load_plots`.
"""

from maze_helpers.load_test.closed import closed_loop
from maze_helpers.load_test.cloudwatch import EndpointMetrics, endpoint_metrics
from maze_helpers.load_test.limits import MAX_AT_A_TIME, MAX_CALLS, MAX_DURATION_S, MAX_PROCESSES
from maze_helpers.load_test.open import open_loop
from maze_helpers.load_test.processes import run_processes
from maze_helpers.load_test.result import LoadTestResult
from maze_helpers.load_test.targets import Endpoint, Target, Url

__all__ = [
    "MAX_AT_A_TIME",
    "MAX_CALLS",
    "MAX_DURATION_S",
    "MAX_PROCESSES",
    "Endpoint",
    "EndpointMetrics",
    "LoadTestResult",
    "Target",
    "Url",
    "closed_loop",
    "endpoint_metrics",
    "open_loop",
    "run_processes",
]
