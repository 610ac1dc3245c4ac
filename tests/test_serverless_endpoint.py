"""Serverless endpoints as a client sees them: by boto3, through the running server."""

import threading
from datetime import datetime, timedelta, timezone

import pytest
from botocore.exceptions import ClientError
from deployer import Deployer, variant
from model_servers import until
from trainer import tar_gz

SCRIPT = """
    import json, os, time

    def model_fn(model_dir):
        return None

    def predict_fn(request, model):
        if "grow_mb" in request:
            held = bytearray(request["grow_mb"] << 20)
            held[::4096] = b"x" * len(held[::4096])
        time.sleep(request.get("sleep_s", 0))
        return request

    def input_fn(body, content_type):
        return json.loads(body)

    def output_fn(answer, accept):
        return json.dumps(answer)
    """


class Serverless:
    """A serverless endpoint in service."""

    def __init__(self, cloud, name: str) -> None:
        self.deployer = Deployer(cloud)
        self.name = name
        source = self.deployer.put("sourcedir.tar.gz", tar_gz({"predict.py": SCRIPT}))
        variables = {"SAGEMAKER_PROGRAM": "predict.py", "SAGEMAKER_SUBMIT_DIRECTORY": source}
        container = self.deployer.container(Environment=variables)
        self.model = self.deployer.model(PrimaryContainer=container)
        self.deployer.endpoint(self.config(most=2), name)
        assert self.deployer.settle(name)["EndpointStatus"] == "InService"
        self.runtime = cloud.client("sagemaker-runtime", retries={"total_max_attempts": 1})
        self.cloudwatch = cloud.client("cloudwatch")

    def config(self, most: int) -> str:
        """Create a configuration and return its name."""
        size = {"MemorySizeInMB": 1024, "MaxConcurrency": most}
        return self.deployer.config(variant(self.model, ServerlessConfig=size))

    def invoke(self, body: str = "{}") -> bytes:
        answer = self.runtime.invoke_endpoint(
            EndpointName=self.name, Body=body, ContentType="application/json"
        )
        return answer["Body"].read()

    def error(self, body: str = "{}") -> dict:
        with pytest.raises(ClientError) as failure:
            self.invoke(body)
        return failure.value.response

    def statistics(self, metric: str) -> list[dict]:
        """Return a metric's data points of the last hour, a second each."""
        now = datetime.now(timezone.utc)
        answer = self.cloudwatch.get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName=metric,
            Dimensions=[
                {"Name": "EndpointName", "Value": self.name},
                {"Name": "VariantName", "Value": "AllTraffic"},
            ],
            StartTime=now - timedelta(minutes=20),
            EndTime=now + timedelta(minutes=1),
            Period=1,
            Statistics=["Minimum", "Maximum", "Sum", "SampleCount"],
        )
        return answer["Datapoints"]


@pytest.fixture(scope="module")
def endpoint(local_cloud):
    endpoint = Serverless(local_cloud, "serverless")
    yield endpoint
    endpoint.deployer.delete(endpoint.name)


def test_its_description_has_a_size_and_no_instances(endpoint):
    (summary,) = endpoint.deployer.describe(endpoint.name)["ProductionVariants"]
    size = {"MemorySizeInMB": 1024, "MaxConcurrency": 2}
    assert summary["CurrentServerlessConfig"] == size
    assert "CurrentInstanceCount" not in summary


def test_the_cold_start_is_its_own_metric_and_in_the_overhead(endpoint):
    endpoint.invoke()
    until(lambda: endpoint.statistics("ModelSetupTime"))
    (setup,) = endpoint.statistics("ModelSetupTime")
    overhead = max(point["Maximum"] for point in endpoint.statistics("OverheadLatency"))
    assert setup["SampleCount"] == 1
    assert 1e5 < setup["Maximum"] <= overhead < 60e6


def test_its_metrics_are_those_of_serverless_endpoints(endpoint):
    endpoint.invoke()
    until(lambda: endpoint.statistics("MemoryUtilization"))
    listed = endpoint.cloudwatch.list_metrics(Dimensions=[{"Name": "EndpointName"}])["Metrics"]
    assert {metric["Namespace"] for metric in listed} == {"AWS/SageMaker"}
    assert {metric["MetricName"] for metric in listed} == {
        "Invocations",
        "Invocation4XXErrors",
        "Invocation5XXErrors",
        "ModelLatency",
        "OverheadLatency",
        "ModelSetupTime",
        "MemoryUtilization",
        "ServerlessConcurrentExecutionsUtilization",
    }


def test_a_call_past_max_concurrency_is_throttled(endpoint):
    errors = []

    def invoke():
        try:
            endpoint.invoke('{"sleep_s": 3}')
        except ClientError as error:
            errors.append(error.response)

    threads = [threading.Thread(target=invoke) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (error,) = errors
    assert error["Error"]["Code"] == "ThrottlingException"
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400
    until(lambda: max(p["Maximum"] for p in utilization(endpoint)) == 1)


def utilization(endpoint: Serverless) -> list[dict]:
    return endpoint.statistics("ServerlessConcurrentExecutionsUtilization")


def test_a_call_that_needs_more_than_the_memory_is_a_model_error(endpoint):
    error = endpoint.error('{"grow_mb": 1100, "sleep_s": 600}')
    assert error["Error"]["Code"] == "ModelError"
    assert error["OriginalStatusCode"] == 0
    assert error["OriginalMessage"] == (
        "An error occurred while handling request as the model process exited."
    )
    assert endpoint.invoke("{}") == b"{}"


def test_an_update_gives_it_another_size_and_loses_no_call(endpoint):
    results = []
    ended = threading.Event()

    def invoke_on():
        while not ended.is_set():
            results.append(endpoint.invoke())

    caller = threading.Thread(target=invoke_on)
    caller.start()
    endpoint.deployer.sagemaker.update_endpoint(
        EndpointName=endpoint.name, EndpointConfigName=endpoint.config(most=3)
    )
    (summary,) = endpoint.deployer.settle(endpoint.name)["ProductionVariants"]
    n_results = len(results)
    until(lambda: len(results) > n_results + 3)
    ended.set()
    caller.join()
    assert summary["CurrentServerlessConfig"]["MaxConcurrency"] == 3
    assert set(results) == {b"{}"}


def test_one_that_was_in_service_is_back_after_the_server_was_killed(new_cloud):
    endpoint = Serverless(new_cloud, "lasting")
    new_cloud.kill()
    new_cloud.start()
    assert endpoint.invoke() == b"{}"
    assert endpoint.deployer.settle("lasting")["EndpointStatus"] == "InService"
