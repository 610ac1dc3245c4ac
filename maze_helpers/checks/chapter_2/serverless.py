"""The check of chapter 2, task 2: a serverless endpoint has been through a load test."""

from functools import partial

from maze_helpers.checks.chapter_2.endpoint import Endpoint
from maze_helpers.checks.chapter_2.endpoint_traces import Traces, had_instances
from maze_helpers.checks.chapter_2.found_endpoints import endpoints, there_first
from maze_helpers.checks.chapter_2.left_on import on_instances, require_none
from maze_helpers.checks.chapter_2.reading_endpoint import NoFormatTaken, read_digits
from maze_helpers.checks.check import Check, Missing, NothingYet, Work
from maze_helpers.checks.endpoints import require_up
from maze_helpers.checks.found import first_right
from maze_helpers.checks.verdicts import DoneDifferently

PREFIX = "maze-serverless"
# A load test in name only sends fewer calls than this.
CALLS_NEEDED = 100
LEAST_MEMORY_MB = 1024
# The cells that a participant writes; the first load test makes some 50 calls by its end.
ORDER, DEPLOY, FORK, COUNT, OPEN_LOOP = range(1, 6)
CALLS_OF_FIRST_TEST = 40
UNSEEN = "; its configuration is deleted, so that its memory can no longer be seen."


def _look(work: Work) -> str | DoneDifferently:
    known = list(endpoints(work, PREFIX))
    candidates = (each for each in known if each.as_told or had_instances(work, each) is False)
    found = first_right(there_first(candidates), PREFIX, partial(_judge, work))
    if found is None:
        raise NothingYet(
            f"There is no serverless endpoint yet, such as {PREFIX}-…: begin with a "
            "ServerlessInferenceConfig.",
            ORDER,
        )
    require_none(work.session, on_instances(known))
    return found


def _judge(work: Work, endpoint: Endpoint) -> str | DoneDifferently:
    if had_instances(work, endpoint):
        raise Missing(
            f"{endpoint.name} runs on an instance: deploy(serverless_inference_config="
            f"ServerlessInferenceConfig(memory_size_in_mb={LEAST_MEMORY_MB})) needs none.",
            DEPLOY,
        )
    memory_mb = _memory_mb(endpoint)
    if memory_mb and memory_mb > LEAST_MEMORY_MB:
        raise Missing(
            f"{endpoint.name} gets {memory_mb} MB; the task asks for the least there is: "
            f"memory_size_in_mb={LEAST_MEMORY_MB}.",
            ORDER,
        )
    if endpoint.is_there:
        return _judge_present(work, endpoint)
    return _judge_gone(work, endpoint)


def _memory_mb(endpoint: Endpoint) -> int | None:
    """Return the memory of its containers; None, where its configuration is gone."""
    configs = [variant.get("ServerlessConfig", {}) for variant in endpoint.variants]
    sizes = [config["MemorySizeInMB"] for config in configs if config]
    return max(sizes, default=None)


def _judge_present(work: Work, endpoint: Endpoint) -> str | DoneDifferently:
    name, traces = endpoint.name, Traces(work, endpoint)
    require_up(name, endpoint.described, script=DEPLOY)
    try:
        accuracy = read_digits(work.session, name, DEPLOY, DEPLOY)
    except NoFormatTaken:
        if not traces.answers_as_it_is():
            raise
        return DoneDifferently(
            f"{name} has had {_load(traces, endpoint):,} calls, and answers in a format of its "
            f"own, so that whether its digits are right was not judged. {_billing(endpoint)}"
        )
    return (
        f"{name} reads {accuracy:.1%} of the held-out digits in {_memory_mb(endpoint)} MB, and "
        f"has had {_load(traces, endpoint):,} calls. {_billing(endpoint)}"
    )


def _billing(endpoint: Endpoint) -> str:
    configs = [variant.get("ServerlessConfig", {}) for variant in endpoint.variants]
    if any(config.get("ProvisionedConcurrency") for config in configs):
        return "Its provisioned concurrency bills until you delete it, called or not."
    return "It bills nothing between calls, and stays until you delete it."


def _judge_gone(work: Work, endpoint: Endpoint) -> str | DoneDifferently:
    name, traces = endpoint.name, Traces(work, endpoint)
    if not traces.answers():
        raise Missing(
            f"{name} is deleted, and never answered a call: deploy it again, and test it before "
            "you delete it.",
            DEPLOY,
        )
    called = _load(traces, endpoint)
    memory_mb = _memory_mb(endpoint)
    if memory_mb is None:
        return DoneDifferently(f"{name} has had {called:,} calls, and is deleted{UNSEEN}")
    return f"{name} has had {called:,} calls in {memory_mb} MB, and is deleted."


def _load(traces: Traces, endpoint: Endpoint) -> int:
    """Return how many calls a load test made; raise Missing, if there were too few for one."""
    called = traces.calls(CALLS_NEEDED)
    if called < CALLS_NEEDED:
        plural = "" if called == 1 else "s"
        again = "" if endpoint.is_there else " It is deleted: deploy another, and test that."
        raise Missing(
            f"CloudWatch has counted {called} call{plural} of {endpoint.name}, checks "
            f"included; a load test makes {CALLS_NEEDED} at least.{again}",
            FORK if called < CALLS_OF_FIRST_TEST else OPEN_LOOP,
        )
    failed = traces.failures()
    if failed > called / 2:
        raise Missing(
            f"In {failed:,} of its {called:,} calls the model of {endpoint.name} failed: let the "
            "load test send what one call, tried alone, gets an answer to.",
            FORK,
        )
    return called


task_2 = Check(
    "chapter 2, task 2",
    "A serverless endpoint with the least memory has been through a load test.",
    _look,
)
