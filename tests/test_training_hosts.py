"""Training jobs of several hosts: what each is told, how they meet, and how they end."""

import json
import os
import textwrap

import psutil
import pytest
from running_container import needs_namespaces
from trainer import GROUP, Trainer, channel, hosts

pytestmark = needs_namespaces
TELLS = """
    import json, os, socket
    config = json.load(open("/opt/ml/input/config/resourceconfig.json"))
    host = config["current_host"]
    told = {
        "config": config,
        "inputs": json.load(open("/opt/ml/input/config/inputdataconfig.json")),
        "name": socket.gethostname(),
        "addresses": [socket.gethostbyname(name) for name in config["hosts"]],
        "port": os.environ.get("MAZE_RENDEZVOUS_PORT"),
        "files": {
            name: sorted(os.listdir("/opt/ml/input/data/" + name))
            for name in os.listdir("/opt/ml/input/data") if name != "code"
        },
    }
    open("/opt/ml/model/" + host + ".json", "w").write(json.dumps(told))
    open("/opt/ml/model/same", "w").write("of " + host)
    open("/opt/ml/output/data/" + host, "w").write("")
    print("loss=" + host[-1])
    print(host, "is done")
"""


@pytest.fixture(scope="module")
def trainer(shared_trainer) -> Trainer:
    return shared_trainer


@pytest.fixture(scope="module")
def trained(trainer) -> dict:
    """A job of two hosts, with a channel in shards."""
    for name in "abc":
        trainer.put(f"shards/{name}.csv", name)
    shards = channel("shards", "s3://training/shards/", S3DataDistributionType="ShardedByS3Key")
    return trainer.run_program(
        TELLS,
        ResourceConfig=hosts(2),
        channels=[shards],
        metrics={"loss": "loss=([0-9]+)"},
    )


@pytest.fixture(scope="module")
def told(trainer, trained) -> list[dict]:
    """What each of its hosts was told."""
    assert trained["TrainingJobStatus"] == "Completed", trained.get("FailureReason")
    model = trainer.artifact(trained["TrainingJobName"])
    return [json.loads(model[f"algo-{number}.json"]) for number in (1, 2)]


def test_each_host_is_told_who_it_is_and_who_the_others_are(told):
    group = {
        "instance_group_name": "homogeneousCluster",
        "instance_type": "ml.m5.large",
        "hosts": ["algo-1", "algo-2"],
    }
    for number, one in enumerate(told, 1):
        assert one["config"] == {
            "current_host": f"algo-{number}",
            "current_instance_type": "ml.m5.large",
            "current_group_name": "homogeneousCluster",
            "hosts": ["algo-1", "algo-2"],
            "instance_groups": [group],
            "network_interface_name": "lo",
        }
        assert one["name"] == f"algo-{number}"


def test_hosts_find_each_other_at_addresses_of_their_own_on_loopback(told):
    assert told[0]["addresses"] == told[1]["addresses"]
    assert len(set(told[0]["addresses"])) == 2
    assert all(address.startswith("127.") for address in told[0]["addresses"])
    assert told[0]["port"] == told[1]["port"] and told[0]["port"].isdigit()


def test_a_channel_in_shards_is_shared_out_by_key(told):
    assert [one["files"]["shards"] for one in told] == [["a.csv", "c.csv"], ["b.csv"]]
    assert told[0]["inputs"]["shards"]["S3DistributionType"] == "ShardedByS3Key"
    assert told[0]["inputs"]["code"]["S3DistributionType"] == "FullyReplicated"


def test_models_and_outputs_of_all_hosts_become_one_archive_each(trainer, trained):
    name = trained["TrainingJobName"]
    model = trainer.artifact(name)
    assert sorted(model) == ["algo-1.json", "algo-2.json", "same"]
    # Of a name that two hosts wrote, the first host's file is kept.
    assert model["same"] == b"of algo-1"
    assert sorted(trainer.artifact(name, "output")) == ["algo-1", "algo-2"]


def test_each_host_has_a_log_stream_and_instance_metrics(trainer, trained):
    name = trained["TrainingJobName"]
    streams = trainer.logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=f"{name}/")[
        "logStreams"
    ]
    starts = [stream["logStreamName"].removeprefix(f"{name}/")[:7] for stream in streams]
    assert sorted(starts) == ["algo-1-", "algo-2-"]
    listed = trainer.cloudwatch.list_metrics(Namespace=GROUP, MetricName="MemoryUtilization")
    of_hosts = [metric["Dimensions"][0]["Value"] for metric in listed["Metrics"]]
    assert {f"{name}/algo-1", f"{name}/algo-2"} <= set(of_hosts)


def test_metrics_are_found_in_every_hosts_log(trainer, trained):
    (final,) = trained["FinalMetricDataList"]
    assert final["MetricName"] == "loss" and final["Value"] in (1, 2)
    (point,) = trainer.cloudwatch.get_metric_statistics(
        Namespace=GROUP,
        MetricName="loss",
        Dimensions=[{"Name": "TrainingJobName", "Value": trained["TrainingJobName"]}],
        StartTime=trained["CreationTime"].replace(hour=0, minute=0, second=0, microsecond=0),
        EndTime=trained["TrainingEndTime"].replace(hour=23, minute=59, second=59),
        Period=86400,
        Statistics=["SampleCount", "Sum"],
    )["Datapoints"]
    assert (point["SampleCount"], point["Sum"]) == (2, 3)


def test_the_bill_is_for_wall_clock_time(trained):
    seconds = (trained["TrainingEndTime"] - trained["TrainingStartTime"]).total_seconds()
    assert seconds <= trained["BillableTimeInSeconds"] < seconds + 1


def test_a_host_without_a_shard_has_an_empty_folder(trainer):
    trainer.put("single/a.csv", "a")
    single = channel("single", "s3://training/single/", S3DataDistributionType="ShardedByS3Key")
    job = trainer.run_program(TELLS, ResourceConfig=hosts(2), channels=[single])
    model = trainer.artifact(job["TrainingJobName"])
    files = [json.loads(model[f"algo-{number}.json"])["files"] for number in (1, 2)]
    assert files == [{"single": ["a.csv"]}, {"single": []}]


def test_instance_groups_are_hosts_of_different_types_with_channels_of_their_own(trainer):
    trainer.put("heads/a.csv", "a")
    groups = [
        {"InstanceGroupName": "head", "InstanceType": "ml.m5.large", "InstanceCount": 1},
        {"InstanceGroupName": "tail", "InstanceType": "ml.c5.xlarge", "InstanceCount": 1},
    ]
    job = trainer.run_program(
        TELLS,
        ResourceConfig={"InstanceGroups": groups, "VolumeSizeInGB": 30},
        channels=[channel("heads", "s3://training/heads/", InstanceGroupNames=["head"])],
    )
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    model = trainer.artifact(job["TrainingJobName"])
    head, tail = (json.loads(model[f"algo-{number}.json"]) for number in (1, 2))
    assert head["files"] == {"heads": ["a.csv"]} and tail["files"] == {}
    assert "heads" not in tail["inputs"]
    assert tail["config"]["current_group_name"] == "tail"
    assert tail["config"]["current_instance_type"] == "ml.c5.xlarge"
    assert [group["hosts"] for group in tail["config"]["instance_groups"]] == [
        ["algo-1"],
        ["algo-2"],
    ]


FAILS = """
    import socket, sys, time
    if socket.gethostname() == "algo-2":
        open("/opt/ml/output/failure", "w").write("the second host broke")
        sys.exit(7)
    time.sleep(300)
"""
WAITS = """
    import os, signal, socket, sys, time
    def save(*_):
        open("/opt/ml/model/" + socket.gethostname(), "w").write("saved")
        sys.exit(0)
    signal.signal(signal.SIGTERM, save)
    print(socket.gethostname(), "is ready")
    time.sleep(300)
"""


def test_a_host_that_fails_ends_the_job_with_its_reason(trainer):
    job = trainer.run_program(FAILS, ResourceConfig=hosts(2))
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: the second host broke, exit code: 7"


@pytest.mark.slow
def test_a_job_that_failed_before_its_time_was_over_is_failed(trainer):
    """The other host hangs until its grace is over, which is after the job's time."""
    source = FAILS.replace("sys.exit(7)", "time.sleep(8); sys.exit(7)").replace(
        "time.sleep(300)", "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(300)"
    )
    job = trainer.run_program(
        f"import signal\n{textwrap.dedent(source)}", max_runtime_s=15, ResourceConfig=hosts(2)
    )
    assert job["FailureReason"] == "AlgorithmError: the second host broke, exit code: 7"


HEARD_BY_ALL = """
    import os, socket, time
    port = int(os.environ["MAZE_RENDEZVOUS_PORT"])
    if socket.gethostname() == "algo-1":
        with socket.create_server(("", port)) as server:
            server.accept()
    else:
        while socket.socket().connect_ex(("127.0.0.1", port)) != 0:
            time.sleep(0.01)
"""


def test_what_listens_on_all_addresses_of_a_host_does_so_on_this_machine(trainer):
    job = trainer.run_program(HEARD_BY_ALL, ResourceConfig=hosts(2))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")


def test_a_stop_reaches_every_host(trainer):
    name = trainer.start(trainer.program(WAITS, ResourceConfig=hosts(2)))
    for number in (1, 2):
        trainer.wait_for_line(name, f"algo-{number} is ready")
    trainer.sagemaker.stop_training_job(TrainingJobName=name)
    assert trainer.wait(name)["TrainingJobStatus"] == "Stopped"
    assert sorted(trainer.artifact(name)) == ["algo-1", "algo-2"]


MEETS = """
    import os, socket
    port = int(os.environ["MAZE_RENDEZVOUS_PORT"])
    if socket.gethostname() == "algo-1":
        with socket.create_server(("algo-1", port)) as server:
            with server.accept()[0] as other:
                print("heard", other.recv(100).decode())
    else:
        while True:
            try:
                with socket.create_connection(("algo-1", port)) as server:
                    server.sendall(b"algo-2")
                    break
            except ConnectionRefusedError:
                pass
"""


def test_two_jobs_of_two_hosts_meet_among_themselves_at_once(trainer):
    names = [trainer.start(trainer.program(MEETS, ResourceConfig=hosts(2))) for _ in range(2)]
    for name in names:
        job = trainer.wait(name)
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
        assert "heard algo-2" in trainer.lines(name)


def processes_of(job_name: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["environ"]):
        if (process.info["environ"] or {}).get("TRAINING_JOB_NAME") == job_name:
            found.append(process)
    return found


@pytest.mark.slow
def test_no_host_outlives_a_server_that_was_killed(new_cloud):
    trainer = Trainer(new_cloud)
    request = trainer.program(
        WAITS, TrainingJobName=f"killed-hosts-{os.getpid()}", ResourceConfig=hosts(2)
    )
    name = trainer.start(request)
    for number in (1, 2):
        trainer.wait_for_line(name, f"algo-{number} is ready")
    new_cloud.kill()
    new_cloud.start()
    assert Trainer(new_cloud).describe(name)["TrainingJobStatus"] == "Failed"
    assert not psutil.wait_procs(processes_of(name), timeout=10)[1]
    assert not list((new_cloud.home / "jobs").iterdir())
