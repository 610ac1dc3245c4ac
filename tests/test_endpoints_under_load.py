"""Endpoints under load: updates lose no request, and no kill leaves one without an answer."""

import psutil
import pytest
from deployer import variant
from echo_endpoint import echo_endpoint, echo_model
from model_servers import gunicorns_of
from steady_load import CLIENTS, CUT_OFF, RIGHT, SteadyLoad, until

# As an endpoint that echoes has them.
WORKERS = 2


def update_while_it_lasts(echo, load: SteadyLoad) -> int:
    """Update an endpoint, again and again, until all calls are made; return how often."""
    deployer = echo.deployer
    configs = [deployer.config(variant(echo_model(deployer))) for _ in range(2)]
    updates = 0
    while load.is_running:
        config = configs[updates % 2]
        deployer.sagemaker.update_endpoint(EndpointName=echo.name, EndpointConfigName=config)
        endpoint = deployer.settle(echo.name)
        assert endpoint["EndpointStatus"] == "InService"
        assert endpoint["EndpointConfigName"] == config
        updates += 1
    return updates


@pytest.mark.parametrize(
    ("calls", "least_updates"), [(3000, 1), pytest.param(100_000, 10, marks=pytest.mark.slow)]
)
def test_updates_lose_no_request(local_cloud, calls, least_updates):
    with (
        echo_endpoint(local_cloud) as echo,
        SteadyLoad(local_cloud, echo.name, calls=calls) as load,
    ):
        updates = update_while_it_lasts(echo, load)
    assert load.outcomes == {RIGHT: calls}
    assert updates >= least_updates


def model_server_processes(cloud) -> list[psutil.Process]:
    """Return the processes of the model servers: each one's first, then its workers."""
    first, workers = gunicorns_of(psutil.Process(cloud.info.pid).children(recursive=True))
    return [*first, *workers]


@pytest.mark.parametrize("victim", [0, -1], ids=["the model server", "a worker"])
def test_calls_get_an_answer_or_an_error_when_one_is_killed(local_cloud, victim):
    with echo_endpoint(local_cloud) as echo, SteadyLoad(local_cloud, echo.name) as load:
        for _ in range(3):
            load.wait_for_more(RIGHT, 100)
            killed = model_server_processes(local_cloud)[victim]
            killed.kill()
            until(lambda killed=killed: not killed.is_running())
        # Whoever came later found it well again.
        load.wait_for_more(RIGHT, 100)
        load.stop()
        assert set(load.outcomes) <= {RIGHT, "modelerror"}
        # A kill takes all that is in flight, at most. But the workers may end one by one: whose
        # request the first one had may send the next to the other, and lose that as well.
        assert load.outcomes["modelerror"] <= 3 * (CLIENTS + WORKERS)
        assert echo.invoke(b"well")["Body"] == b"well"


def test_an_endpoint_comes_back_when_the_local_cloud_is_killed(new_cloud):
    with echo_endpoint(new_cloud) as echo, SteadyLoad(new_cloud, echo.name) as load:
        load.wait_for_more(RIGHT, 100)
        before = model_server_processes(new_cloud)
        new_cloud.kill()
        load.wait_for_more(CUT_OFF, CLIENTS)
        new_cloud.start()
        load.wait_for_more(RIGHT, 100)
        load.stop()
        assert set(load.outcomes) <= {RIGHT, CUT_OFF}
        until(lambda: not any(process.is_running() for process in before))
        assert echo.deployer.describe(echo.name)["EndpointStatus"] == "InService"
