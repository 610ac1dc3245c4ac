"""Endpoints outlive the server: whatever ended it, and whatever was under way."""

import threading
import time

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from deployer import BUCKET, Deployer, variant
from hosting_cases import ask, held, runtime_of, scripted
from model_servers import processes_of, until
from trainer import tar_gz

# Ready after some seconds.
SLOW = """
import time
def model_fn(model_dir):
    time.sleep(2)
def input_fn(body, content_type):
    return 30 if "wait" in str(body) else 0
def predict_fn(seconds, model):
    print("sleeps", seconds)
    time.sleep(seconds)
    return "slow"
def output_fn(answer, accept):
    return answer
"""


@pytest.fixture
def deployer(new_cloud) -> Deployer:
    return Deployer(new_cloud)


def folders(deployer) -> set[str]:
    return {path.name for path in (deployer.cloud.home / "hosting" / "servers").glob("*")}


def kill(deployer) -> None:
    """End the server as `kill -9` does, and start it again."""
    before = folders(deployer)
    deployer.cloud.kill()
    deployer.cloud.start()
    assert not before & folders(deployer)


def restart(deployer) -> None:
    """End the server in good order, in seconds, and start it again."""
    began_s = time.monotonic()
    deployer.cloud.stop()
    assert time.monotonic() - began_s < 20
    assert folders(deployer) == set()
    assert processes_of(deployer.cloud.home / "hosting") == []
    deployer.cloud.start()


@pytest.mark.parametrize("end", [kill, restart])
def test_an_endpoint_in_service_answers_again_as_if_it_had_only_been_slow(deployer, end):
    config = deployer.config(variant(deployer.model(answer="one")))
    name = deployer.endpoint(config)
    before = deployer.settle(name)
    end(deployer)
    after = deployer.describe(name)
    del before["ResponseMetadata"], after["ResponseMetadata"]
    assert after == before
    assert ask(deployer, name) == "one"
    deployer.delete(name)
    assert folders(deployer) == set()


@pytest.mark.parametrize("end", [kill, restart])
def test_an_endpoint_that_was_being_created_is_created(deployer, tmp_path, end):
    hold = tmp_path / "hold"
    hold.touch()
    name = deployer.endpoint(held(deployer, hold))
    until(lambda: folders(deployer), "its server")
    assert deployer.describe(name)["EndpointStatus"] == "Creating"
    end(deployer)
    assert deployer.describe(name)["EndpointStatus"] == "Creating"
    hold.unlink()
    assert deployer.settle(name)["EndpointStatus"] == "InService"
    assert ask(deployer, name) == "held"


def test_an_update_goes_on(deployer):
    name = deployer.endpoint(deployer.config(variant(deployer.model(answer="one"))))
    deployer.settle(name)
    config = scripted(deployer, SLOW)
    deployer.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=config)
    until(lambda: len(folders(deployer)) == 2, "the new server")
    kill(deployer)
    assert ask(deployer, name) in ("one", "slow")
    assert deployer.settle(name)["EndpointConfigName"] == config
    assert ask(deployer, name) == "slow"


@pytest.mark.slow
def test_a_scaling_goes_on(deployer):
    name = deployer.endpoint(scripted(deployer, SLOW))
    deployer.settle(name)
    deployer.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=name,
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}],
    )
    until(lambda: len(folders(deployer)) == 2, "the second server")
    kill(deployer)
    (summary,) = deployer.settle(name)["ProductionVariants"]
    assert summary["CurrentInstanceCount"] == 2 and len(folders(deployer)) == 2


def test_a_deletion_goes_on(deployer):
    name = deployer.endpoint(scripted(deployer, SLOW))
    deployer.settle(name)
    runtime = runtime_of(deployer)
    failed = []

    def invoke():
        try:
            runtime.invoke_endpoint(EndpointName=name, Body=b"wait")
        except (BotoCoreError, ClientError) as error:
            failed.append(error)

    thread = threading.Thread(target=invoke)
    thread.start()
    until(lambda: "sleeps 30" in printed(deployer, name), "the request")
    deployer.sagemaker.delete_endpoint(EndpointName=name)
    assert deployer.describe(name)["EndpointStatus"] == "Deleting"
    kill(deployer)
    thread.join()
    until(lambda: name not in deployer.endpoint_names(), "its end")
    assert len(failed) == 1 and folders(deployer) == set()


@pytest.mark.slow
def test_an_endpoint_that_cannot_come_back_says_why_and_tries_again(deployer):
    config = scripted(deployer, SLOW)
    name = deployer.endpoint(config)
    deployer.settle(name)
    deployer.s3.delete_object(Bucket=BUCKET, Key="model.tar.gz")
    kill(deployer)
    until(lambda: "FailureReason" in deployer.describe(name), "the reason")
    assert deployer.describe(name)["EndpointStatus"] == "InService"
    assert "Failed to download model data" in deployer.describe(name)["FailureReason"]
    deployer.put("model.tar.gz", tar_gz({"model.txt": "again"}))
    until(lambda: answers(deployer, name), "an answer")
    until(lambda: "FailureReason" not in deployer.describe(name), "the end of the reason")


def test_an_endpoint_that_has_not_come_back_yet_is_deleted_at_once(deployer, tmp_path):
    hold = tmp_path / "hold"
    name = deployer.endpoint(held(deployer, hold))
    deployer.settle(name)
    hold.touch()
    kill(deployer)
    until(lambda: folders(deployer), "its server")
    deployer.delete(name)
    assert folders(deployer) == set()


def test_an_update_takes_the_place_of_what_cannot_come_back(deployer, tmp_path):
    hold, broken = tmp_path / "hold", tmp_path / "broken"
    name = deployer.endpoint(held(deployer, hold, broken))
    deployer.settle(name)
    hold.touch()
    broken.touch()
    kill(deployer)
    config = deployer.config(variant(deployer.model(answer="two")))
    deployer.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=config)
    hold.unlink()
    after = deployer.settle(name)
    assert (after["EndpointConfigName"], after["EndpointStatus"]) == (config, "InService")
    assert "FailureReason" not in after
    assert ask(deployer, name) == "two"


def printed(deployer, name: str) -> list[str]:
    """Return all that an endpoint's containers printed."""
    logs = deployer.cloud.client("logs")
    found = logs.filter_log_events(logGroupName=f"/aws/sagemaker/Endpoints/{name}")
    return [event["message"] for event in found["events"]]


def answers(deployer, name: str) -> bool:
    try:
        return ask(deployer, name) == "slow"
    except ClientError:
        return False
