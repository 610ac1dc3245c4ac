"""Serverless variants with real containers: from zero, up to the maximum, and back."""

import concurrent.futures
import threading
import time

import psutil
import pytest
from model_servers import (
    GROUP,
    PATIENCE_S,
    gunicorns_of,
    leftovers,
    lines,
    processes_of,
    until,
)
from serverless_variants import Trial, trial

from maze_helpers.local_cloud.engine.hosting.calls import (
    ProcessExited,
    Throttled,
    TimedOut,
    Unavailable,
)
from maze_helpers.local_cloud.engine.hosting.failures import DeploymentFailed

KILLED = "The container was killed: it used "


@pytest.fixture
def home(tmp_path):
    return tmp_path / ".maze"


def failure_to_start(it: Trial) -> str:
    with pytest.raises(DeploymentFailed) as failure:
        it.variant.start()
    assert it.n_servers() == 0 and not leftovers(it.cloud)
    return str(failure.value)


def test_the_first_call_meets_a_cold_start_and_the_next_one_does_not(home):
    with trial(home) as it:
        it.variant.start()
        until(lambda: it.n_servers() == 0, "the end of the container that was tried")
        cold, warm = it.ask(), it.ask()
        assert cold.setup_us > 1e5 > warm.setup_us == 0
        assert cold.log_stream == warm.log_stream
        assert cold.reply.model_latency_us < cold.setup_us


def test_it_scales_to_the_maximum_and_throttles_beyond(home):
    with trial(home, most=3) as it:
        requests = [it.send(f"wait {home.parent}/go") for _ in range(3)]
        until(lambda: it.n_waiting("go") == 3, "three requests at the same time")
        assert it.n_servers() == 3
        with pytest.raises(Throttled):
            it.ask()
        it.touch("go")
        answers = [request.result(PATIENCE_S) for request in requests]
        assert len({answer.log_stream for answer in answers}) == 3
        assert len({answer.reply.body for answer in answers}) == 1  # pids of its own, each
        assert it.ask().setup_us == 0
        assert it.n_servers() == 3


def test_a_request_that_waits_takes_a_container_that_is_freed_before_its_own_is_ready(home):
    with trial(home, most=2) as it:
        it.ask()
        it.touch("dawdle")
        first = it.send(f"wait {home.parent}/first")
        until(lambda: it.n_waiting("first"))
        second = it.send("hello")
        until(lambda: it.n_servers() == 2)
        it.touch("first")
        streams = [request.result(PATIENCE_S).log_stream for request in (first, second)]
        assert streams[0] == streams[1]
        it.touch("go")


def test_idle_containers_go(home):
    with trial(home, idle_s=0.3) as it:
        it.ask()
        until(lambda: it.n_servers() == 0, "the end of an idle container")
        assert it.ask().setup_us > 0
        until(lambda: not leftovers(it.cloud))


def test_provisioned_ones_are_ready_at_once_and_stay_and_further_ones_spill_over(home):
    with trial(home, most=2, provisioned=1, idle_s=0.3) as it:
        it.variant.start()
        assert it.n_servers() == 1
        first = it.send(f"wait {home.parent}/go")
        until(lambda: it.n_waiting("go"))
        spilled = it.ask()
        it.touch("go")
        kept = first.result(PATIENCE_S)
        assert kept.setup_us == 0 < spilled.setup_us
        until(lambda: it.n_servers() == 1, "the end of the container beyond the provisioned one")
        time.sleep(0.5)
        assert it.ask().setup_us == 0
        values = published(it)
        values.pop("MemoryUtilization", None)
        assert values == {
            "ServerlessConcurrentExecutionsUtilization": (0.5, 1.0),
            "ServerlessProvisionedConcurrencyExecutions": (1, 1),
            "ServerlessProvisionedConcurrencyUtilization": (1, 1),
            "ServerlessProvisionedConcurrencyInvocations": (1, 1),
            "ServerlessProvisionedConcurrencySpilloverInvocations": (1, 1),
        }


def published(it: Trial) -> dict[str, tuple[float, float]]:
    """Return the least and the greatest value of each metric."""
    it.cloud.invocation_metrics.flush()
    found = {}
    for metric in it.cloud.metrics.metrics("AWS/SageMaker", None, 0):
        samples = list(it.cloud.metrics.samples(metric.id, 0, 2**40))
        found[metric.name] = (min(s.minimum for s in samples), max(s.maximum for s in samples))
    return found


def test_a_container_that_uses_more_than_its_memory_is_killed_and_replaced(home):
    with trial(home, memory_mb=128, most=1) as it:
        before = it.ask()
        with pytest.raises(ProcessExited) as failure:
            it.ask("grow 300")
        assert failure.value.log_stream == before.log_stream
        until(lambda: any(line.startswith(KILLED) for line in lines(it.cloud)))
        after = it.ask()
        assert after.setup_us > 0 and after.log_stream != before.log_stream


def test_memory_is_published_relative_to_the_limit_and_nothing_while_nothing_runs(home):
    with trial(home, memory_mb=256) as it:
        it.variant.start()
        assert not published(it)
        it.ask()
        until(lambda: "MemoryUtilization" in published(it))
        least, most = published(it)["MemoryUtilization"]
        assert 5 < least <= most < 50


@pytest.mark.parametrize(
    ("trouble", "words", "cause"),
    [
        ("burden", "Ping failed due to insufficient memory.", KILLED),
        (
            "break",
            'Received server error (0) from model with message "An error occurred while handling '
            'request as the model process exited.". See https://us-east-1.console.aws.amazon.com/'
            f"cloudwatch/home?region=us-east-1#logEventViewer:group={GROUP} in account "
            "111122223333 for more information.",
            "3 workers in a row ended while they loaded predict.py",
        ),
        (
            "raise",
            "Unable to successfully stand up your model within the allotted 180 second timeout.",
            "no such model",
        ),
    ],
)
def test_a_deployment_that_fails_says_so_in_the_words_of_aws_and_then_why(
    home, trouble, words, cause
):
    with trial(home, memory_mb=128) as it:
        it.touch(trouble)
        reason = failure_to_start(it)
        assert reason.startswith(words)
        assert cause in reason.removeprefix(words)


def test_a_cold_start_that_fails_is_its_calls_error_and_the_next_one_may_succeed(home):
    with trial(home) as it:
        trouble = it.touch("break")
        with pytest.raises(ProcessExited):
            it.ask()
        trouble.unlink()
        it.ask()


def test_a_container_that_dies_takes_its_call_along_and_no_other(home):
    with trial(home, most=2) as it:
        other = it.send(f"wait {home.parent}/go")
        until(lambda: it.n_waiting("go"))
        with pytest.raises(ProcessExited):
            it.ask("die")
        it.ask()
        it.touch("go")
        other.result(PATIENCE_S)


def test_a_call_that_is_given_up_frees_its_place(home):
    with trial(home, most=1) as it:
        request = it.send(f"wait {home.parent}/never")
        until(lambda: it.n_waiting("never"))
        request.cancel()
        it.ask()


def test_a_call_that_takes_too_long_costs_its_container(home):
    with trial(home, most=1) as it:
        it.ask()
        with pytest.raises(TimedOut):
            it.ask(f"wait {home.parent}/never", timeout_s=0.2)
        assert it.ask().setup_us > 0


def test_an_idle_container_that_died_is_no_callers_trouble(home):
    with trial(home, most=1) as it:
        first = it.ask()
        [outermost], workers = gunicorns_of(processes_of(home))
        outermost.kill()
        psutil.wait_procs(workers)
        assert it.ask().log_stream != first.log_stream


def test_retiring_lets_requests_end_and_takes_those_that_still_come(home):
    with trial(home) as it:
        request = it.send(f"wait {home.parent}/go")
        until(lambda: it.n_waiting("go"))
        retiring = threading.Thread(target=it.variant.retire)
        retiring.start()
        it.ask()
        assert retiring.is_alive()
        it.touch("go")
        assert request.result(PATIENCE_S).reply.status == 200
        retiring.join(PATIENCE_S)
        assert it.n_servers() == 0
        with pytest.raises(Unavailable):
            it.ask()


def test_stopping_ends_what_starts_and_what_runs(home):
    with trial(home, most=2) as it:
        running = it.send(f"wait {home.parent}/never")
        until(lambda: it.n_waiting("never"))
        it.touch("dawdle")
        starting = it.send("hello")
        until(lambda: it.n_servers() == 2)
        it.variant.stop()
        assert it.n_servers() == 0 and not leftovers(it.cloud)
        done, _ = concurrent.futures.wait([running, starting], PATIENCE_S)
        assert {type(request.exception()) for request in done} == {ProcessExited, Unavailable}


def test_numerical_libraries_get_threads_by_the_share_of_vcpus(home):
    with trial(home, memory_mb=1024) as it:
        assert it.ask("variable OMP_NUM_THREADS").reply.body == b"1"
        assert it.ask("variable SAGEMAKER_MODEL_SERVER_WORKERS").reply.body == b"1"
        assert any("0.58 vCPU, a share that is not enforced" in line for line in lines(it.cloud))
