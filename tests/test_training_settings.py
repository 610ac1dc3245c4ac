"""What a request can say about how its containers run: entry points, isolation, spot instances."""

import json
import socket

import pytest
from running_container import needs_namespaces
from trainer import Trainer, channel, hosts

from maze_helpers.local_cloud.engine.isolated_network import isolated_network

pytestmark = needs_namespaces
_network = isolated_network()
if _network is not None:
    _network.close()
needs_networks = pytest.mark.skipif(
    _network is None, reason="this machine does not allow network namespaces"
)


@pytest.fixture(scope="module")
def trainer(shared_trainer) -> Trainer:
    return shared_trainer


def with_command(trainer: Trainer, **members) -> dict:
    request = trainer.request(None)
    request["AlgorithmSpecification"] |= members
    return trainer.wait(trainer.start(request))


# Entry points


def test_an_entry_point_and_its_arguments_run_as_they_are_given(trainer):
    job = with_command(
        trainer,
        ContainerEntrypoint=["sh", "-c", 'echo "$0 $*"; echo $HOME; pwd'],
        ContainerArguments=["a b", "--c=$HOME"],
    )
    assert job["TrainingJobStatus"] == "Completed"
    first, home, directory = trainer.lines(job["TrainingJobName"])
    assert first == "a b --c=$HOME"
    # Where it starts is a folder of its own.
    assert directory == home
    assert job["AlgorithmSpecification"]["ContainerEntrypoint"][0] == "sh"


def test_arguments_alone_are_the_command(trainer):
    job = with_command(trainer, ContainerArguments=["echo", "hello"])
    assert trainer.lines(job["TrainingJobName"]) == ["hello"]


def test_an_entry_point_that_fails_fails_the_job(trainer):
    job = with_command(trainer, ContainerEntrypoint=["false"])
    assert job["FailureReason"] == "AlgorithmError: , exit code: 1"


def test_an_entry_point_that_is_not_there_says_so_in_the_log(trainer):
    job = with_command(trainer, ContainerEntrypoint=["no-such-program"])
    assert job["FailureReason"] == "AlgorithmError: , exit code: 127"
    assert trainer.lines(job["TrainingJobName"]) == [
        "cannot run no-such-program: No such file or directory"
    ]


# Network isolation


@needs_networks
def test_an_isolated_job_reaches_nothing_and_has_no_credentials(trainer):
    with socket.create_server(("127.0.0.1", 0)) as server:
        source = f"""
            import json, os, socket
            reached = []
            for address in ({server.getsockname()}, ("192.0.2.1", 80)):
                try:
                    socket.create_connection(address, timeout=5)
                    reached.append(address)
                except OSError as error:
                    print(error)
            keys = [name for name in os.environ if name.startswith("AWS_")]
            config = json.load(open("/opt/ml/input/config/resourceconfig.json"))
            found = [reached, sorted(keys), config["network_interface_name"]]
            json.dump(found, open("/opt/ml/model/found", "w"))
        """
        job = trainer.run_program(source, EnableNetworkIsolation=True)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert job["EnableNetworkIsolation"] is True
    reached, keys, interface = json.loads(trainer.artifact(job["TrainingJobName"])["found"])
    assert reached == [] and interface == "lo"
    assert keys == ["AWS_DEFAULT_REGION", "AWS_EC2_METADATA_DISABLED", "AWS_REGION"]


@needs_networks
def test_an_isolated_job_still_gets_its_data_and_leaves_its_model(trainer):
    trainer.put("isolated/a", "data")
    source = """
        import shutil
        shutil.copy("/opt/ml/input/data/train/a", "/opt/ml/model/a")
    """
    train = channel("train", "s3://training/isolated/")
    job = trainer.run_program(source, channels=[train], EnableNetworkIsolation=True)
    assert trainer.artifact(job["TrainingJobName"]) == {"a": b"data"}


@needs_networks
def test_the_hosts_of_an_isolated_job_reach_each_other(trainer):
    source = """
        import socket
        if socket.gethostname() == "algo-1":
            with socket.create_server(("algo-1", 5000)) as server:
                print(server.accept()[0].recv(10).decode())
        else:
            while True:
                try:
                    with socket.create_connection(("algo-1", 5000)) as other:
                        other.sendall(b"hello")
                        break
                except ConnectionRefusedError:
                    pass
    """
    job = trainer.run_program(source, ResourceConfig=hosts(2), EnableNetworkIsolation=True)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert trainer.lines(job["TrainingJobName"]) == ["hello"]


def test_settings_of_a_network_that_is_not_here_are_told_again(trainer):
    members = {
        "VpcConfig": {"SecurityGroupIds": ["sg-0123456789"], "Subnets": ["subnet-0123456789"]},
        "EnableInterContainerTrafficEncryption": True,
        "Tags": [{"Key": "team", "Value": "maze"}],
    }
    job = trainer.run_program("", **members)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert job["VpcConfig"] == members["VpcConfig"]
    assert job["EnableInterContainerTrafficEncryption"] is True
    arn = job["TrainingJobArn"]
    assert trainer.sagemaker.list_tags(ResourceArn=arn)["Tags"] == members["Tags"]


# Spot instances


def test_a_spot_job_that_nobody_interrupts_is_billed_for_all_its_time(trainer):
    limits = {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 120}
    job = trainer.run_program("", EnableManagedSpotTraining=True, StoppingCondition=limits)
    assert job["TrainingJobStatus"] == "Completed"
    assert job["EnableManagedSpotTraining"] is True
    assert job["StoppingCondition"] == limits
    assert job["BillableTimeInSeconds"] == job["TrainingTimeInSeconds"]


def test_what_only_updates_could_change_is_refused_by_name(trainer):
    with pytest.raises(trainer.sagemaker.exceptions.ClientError, match="UpdateTrainingJob"):
        trainer.sagemaker.update_training_job(TrainingJobName="any")
