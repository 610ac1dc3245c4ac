"""Endpoints as the engine runs them: why they fail, how they change, and that nothing is lost."""

from collections import Counter

import pytest
from botocore.exceptions import ClientError
from deployer import BUCKET, Deployer, variant
from hosting_cases import ask, load_on, runtime_of, scripted
from model_servers import processes_of, until

PING = (
    "The primary container for production variant AllTraffic did not pass the ping health check. "
    "Please check CloudWatch logs for this endpoint. "
)


@pytest.fixture(scope="module")
def deployer(local_cloud) -> Deployer:
    return Deployer(local_cloud)


@pytest.fixture(scope="module")
def config(deployer) -> str:
    """The name of a configuration with one instance that answers 'one'."""
    return deployer.config(variant(deployer.model(answer="one")))


@pytest.fixture
def endpoint(deployer, config):
    """The name of an endpoint in service, for one test."""
    name = deployer.endpoint(config)
    assert deployer.settle(name)["EndpointStatus"] == "InService"
    yield name
    deployer.settle(name)
    deployer.delete(name)


def failure(deployer, config: str) -> str:
    """Return why an endpoint fails; nothing of it is left then, nor after its deletion."""
    name = deployer.endpoint(config)
    failed = deployer.settle(name)
    assert failed["EndpointStatus"] == "Failed"
    assert "ProductionVariants" not in failed
    with pytest.raises(ClientError, match="not found"):
        ask(deployer, name)
    assert list((deployer.cloud.home / "hosting" / "servers").iterdir()) == []
    deployer.delete(name)
    return failed["FailureReason"]


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        ("import no_such_package\ndef model_fn(d): pass", "no_such_package"),
        ("def model_fn(d): raise ValueError('bad weights')", "bad weights"),
    ],
)
def test_a_script_that_cannot_serve_fails_the_endpoint(deployer, script, cause):
    reason = failure(deployer, scripted(deployer, script))
    assert reason.startswith(PING) and cause in reason


def test_an_entry_point_that_is_not_there_names_the_files_that_are(deployer):
    reason = failure(deployer, scripted(deployer, "pass", program="inference.py"))
    assert reason.startswith(PING)
    assert "inference.py" in reason and "predict.py" in reason


def test_model_data_that_is_gone_or_broken_fails_the_endpoint(deployer):
    for content, what in [(None, "Failed to download"), (b"none", "Failed to extract")]:
        url = deployer.put("broken.tar.gz", b"none")
        config = scripted(deployer, "pass", ModelDataUrl=url)
        if content is None:
            deployer.s3.delete_object(Bucket=BUCKET, Key="broken.tar.gz")
        assert failure(deployer, config).startswith(what)


def test_a_model_needs_no_data(deployer):
    model = deployer.model(answer="none")
    container = deployer.sagemaker.describe_model(ModelName=model)["PrimaryContainer"]
    del container["ModelDataUrl"]
    name = deployer.endpoint(deployer.config(variant(deployer.model(PrimaryContainer=container))))
    assert deployer.settle(name)["EndpointStatus"] == "InService"
    assert ask(deployer, name) == "none"
    deployer.delete(name)


def test_the_instances_use_of_the_machine_is_published(deployer, endpoint, config):
    # The last sample is taken when the server ends.
    deployer.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
    deployer.settle(endpoint)
    cloudwatch = deployer.cloud.client("cloudwatch")

    def names():
        found = cloudwatch.list_metrics(
            Namespace="/aws/sagemaker/Endpoints",
            Dimensions=[
                {"Name": "EndpointName", "Value": endpoint},
                {"Name": "VariantName", "Value": "AllTraffic"},
            ],
        )
        return {metric["MetricName"] for metric in found["Metrics"]}

    expected = {"CPUUtilization", "MemoryUtilization", "DiskUtilization"}
    until(lambda: names() == expected, "the metrics")


def test_traffic_is_split_by_weight_and_can_be_targeted(deployer):
    models = [deployer.model(answer=answer) for answer in ("one", "two")]
    variants = [
        variant(models[0], "a", InitialVariantWeight=3),
        variant(models[1], "b", InitialVariantWeight=1),
    ]
    name = deployer.endpoint(deployer.config(*variants))
    deployer.settle(name)
    shares = Counter(ask(deployer, name) for _ in range(100))
    # 75 are expected, and 50 or fewer once in ten million times.
    assert shares["one"] > 50 and shares["two"] > 5
    runtime = runtime_of(deployer)
    answer = runtime.invoke_endpoint(EndpointName=name, Body=b"?", TargetVariant="b")
    assert answer["Body"].read() == b"two"
    deployer.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=name,
        DesiredWeightsAndCapacities=[
            {"VariantName": "a", "DesiredWeight": 0},
            {"VariantName": "b", "DesiredWeight": 1},
        ],
    )
    deployer.settle(name)
    assert {ask(deployer, name) for _ in range(20)} == {"two"}
    deployer.delete(name)


def test_an_update_under_load_loses_no_request(deployer, endpoint):
    other = deployer.config(variant(deployer.model(answer="two")))
    with load_on(deployer, endpoint) as found:
        deployer.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=other)
        assert deployer.settle(endpoint)["EndpointStatus"] == "InService"
        until(lambda: found["two"] > 50, "the new model's answers")
    assert set(found) == {"one", "two"}
    assert ask(deployer, endpoint) == "two"


def test_scaling_under_load_loses_no_request(deployer, endpoint):
    with load_on(deployer, endpoint) as found:
        for count in (2, 1):
            change = {"VariantName": "AllTraffic", "DesiredInstanceCount": count}
            deployer.sagemaker.update_endpoint_weights_and_capacities(
                EndpointName=endpoint, DesiredWeightsAndCapacities=[change]
            )
            (summary,) = deployer.settle(endpoint)["ProductionVariants"]
            assert summary["CurrentInstanceCount"] == count
            seen = found.total()
            until(lambda seen=seen: found.total() > seen + 30, "answers")
    assert set(found) == {"one"}


def test_an_update_that_fails_leaves_the_endpoint_as_it_was(deployer, endpoint, config):
    """As reported of AWS: InService, with the configuration it had, and a FailureReason."""
    broken = scripted(deployer, "def model_fn(d): raise ValueError('bad weights')")
    with load_on(deployer, endpoint) as found:
        deployer.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=broken)
        after = deployer.settle(endpoint)
    assert after["EndpointStatus"] == "InService"
    assert after["EndpointConfigName"] == config
    assert "bad weights" in after["FailureReason"]
    assert "PendingDeploymentSummary" not in after
    assert set(found) == {"one"}
    deployer.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
    assert "FailureReason" not in deployer.settle(endpoint)


def test_a_deletion_leaves_nothing_but_the_log(deployer, config):
    name = deployer.endpoint(config)
    deployer.settle(name)
    assert processes_of(deployer.cloud.home)
    with load_on(deployer, name) as found:
        deployer.delete(name)
    assert all(text == "one" or "not found" in text for text in found)
    hosting = deployer.cloud.home / "hosting"
    assert [path for path in hosting.rglob("*") if path.parent != hosting] == []
    assert [p for p in processes_of(hosting) if p.pid != deployer.cloud.info.pid] == []
    logs = deployer.cloud.client("logs")
    group = f"/aws/sagemaker/Endpoints/{name}"
    (stream,) = logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert stream["logStreamName"].startswith("AllTraffic/i-0")
