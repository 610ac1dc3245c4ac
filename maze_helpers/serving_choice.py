"""Which way to serve a model: what each costs a month, what each can take, and which fits.

Costs are of instances and of serverless computing; requests to S3, data in and out and free tiers
are not counted.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

REAL_TIME, SERVERLESS, ASYNC = "real-time", "serverless", "asynchronous"
WAYS = (REAL_TIME, SERVERLESS, ASYNC)
DAYS_A_MONTH, SECONDS_A_DAY = 30, 86_400
# How an asynchronous endpoint goes to zero and comes back, on AWS: an instance takes some minutes
# to come (a guess of five), and target tracking lets it go after 15 without work.
# Source of the latter: the alarms that target tracking makes, in Application Auto Scaling's guide.
START_S, LINGER_S = 300.0, 900.0
# Source: Amazon SageMaker AI developer guide: "Inference options", "Serverless inference",
# "Asynchronous inference", "Scale an endpoint to zero instances".
LIMITS = pd.DataFrame(
    {
        "largest request, MB": [25, 4, 1000],
        "longest answer, s": [60, 60, 3600],
        "most memory": ["of the instance", "6 GB", "of the instance"],
        "GPU": ["yes", "no", "yes"],
        "at a time": ["by instances", "200 at most", "queued"],
        "down to zero": ["no", "by itself", "by auto scaling"],
    },
    index=list(WAYS),
)


@dataclass(frozen=True)
class Measured:
    """One way, as measured. busy_s: how long a request occupies the model. warm_s: until the
    answer is there. first_s: the same, where nothing was warm. usd_an_hour: while it computes.
    """

    way: str
    busy_s: float
    warm_s: float
    first_s: float
    usd_an_hour: float

    def usd_a_month(self, requests_a_day: float, bursts_a_day: float) -> float:
        """Return what it costs. bursts_a_day: into how many heaps the day's requests fall."""
        billed_s = busy_s = requests_a_day * self.busy_s
        if self.way != SERVERLESS:
            billed_s = SECONDS_A_DAY * max(1, math.ceil(busy_s / SECONDS_A_DAY))
        if self.way == ASYNC:
            heaps = min(bursts_a_day, requests_a_day)
            billed_s = min(billed_s, busy_s + heaps * (START_S + LINGER_S))
        return self.usd_an_hour * billed_s / 3600 * DAYS_A_MONTH

    @property
    def longest_wait_s(self) -> float:
        """How long somebody waits at the worst: for a container or an instance to come."""
        if self.way == REAL_TIME:
            return self.warm_s
        return self.first_s if self.way == SERVERLESS else START_S + self.first_s


@dataclass(frozen=True)
class Workload:
    """What is to be served. answer_within_s: how long somebody is ready to wait, at the worst."""

    name: str
    requests_a_day: float
    bursts_a_day: float
    answer_within_s: float
    request_mb: float = 0.001

    def objection(self, measured: Measured) -> str | None:
        """Return why a way will not do, or None."""
        largest_mb = LIMITS.loc[measured.way, "largest request, MB"]
        if self.request_mb > largest_mb:
            return f"{self.request_mb:g} MB are over {largest_mb} MB"
        if measured.longest_wait_s > self.answer_within_s:
            return f"a wait of {_duration(measured.longest_wait_s)}"
        return None


def _duration(seconds: float) -> str:
    return f"{seconds:.2g} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def choose(workloads: Sequence[Workload], ways: Sequence[Measured]) -> pd.DataFrame:
    """Return a row a workload: USD a month of each way that will do, why not else, and the choice.

    The choice is the cheapest that will do.
    """
    rows = {}
    for load in workloads:
        usd = {}
        row: dict[str, str] = {}
        for way in ways:
            objection = load.objection(way)
            if objection is None:
                usd[way.way] = way.usd_a_month(load.requests_a_day, load.bursts_a_day)
            row[way.way] = objection or f"{usd[way.way]:,.2f} USD"
        row["choice"] = min(usd, key=lambda way: usd[way]) if usd else "none of these"
        rows[load.name] = row
    return pd.DataFrame.from_dict(rows, orient="index")


def break_even(way: Measured, real_time: Measured, bursts_a_day: float) -> float:
    """Return how many requests a day make a way as dear as one instance that always runs."""
    instance_usd = real_time.usd_a_month(0, 0)
    low, high = 1.0, 1e12
    while high / low > 1.001:
        middle = math.sqrt(low * high)
        if way.usd_a_month(middle, bursts_a_day) < instance_usd:
            low = middle
        else:
            high = middle
    return low
