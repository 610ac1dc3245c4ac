"""A running cloud with something of each kind: its answers fit the models, whatever it is asked.

Each operation that reads is called, and new ones are as they come; others are called at random.
"""

import time
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from deployer import variant
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from implemented_operations import Implemented, implemented, of_s3
from notebook_instances import FAILS, Notebooks
from processor import BUCKET as PROCESSING_BUCKET
from processor import Processing
from response_check import misfits
from service_model_strategies import values
from training_job import start_job
from transforms import ECHO, Transforms

from maze_helpers.local_cloud.wire import models

READING = ("Describe", "Filter", "Get", "Head", "List", "Search")
ARN = "arn:aws:sagemaker:us-east-1:111122223333"
NOW = datetime.now(timezone.utc)
JOB = "seed"
GROUP, STREAM = "seeds", "first"
VARIANT = "endpoint/seed/variant/AllTraffic"
# What requests name, by service and member. What is required and not here is drawn.
KNOWN: dict[str, dict[str, Any]] = {
    "application-autoscaling": {
        "ServiceNamespace": "sagemaker",
        "ResourceId": VARIANT,
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "PolicyName": "seed",
    },
    "cloudwatch": {
        "Namespace": "seeds",
        "MetricName": "m",
        "StartTime": NOW - timedelta(minutes=10),
        "EndTime": NOW + timedelta(minutes=10),
        "Period": 60,
        "Statistics": ["Average", "SampleCount"],
        "MetricDataQueries": [
            {
                "Id": "q",
                "MetricStat": {
                    "Metric": {"Namespace": "seeds", "MetricName": "m"},
                    "Period": 60,
                    "Stat": "Sum",
                },
            }
        ],
    },
    "logs": {
        "logGroupName": GROUP,
        "logStreamName": STREAM,
        "resourceArn": f"arn:aws:logs:us-east-1:111122223333:log-group:{GROUP}",
    },
    "sagemaker": {
        "EndpointConfigName": JOB,
        "EndpointName": JOB,
        "ModelName": JOB,
        "NotebookInstanceLifecycleConfigName": JOB,
        "NotebookInstanceName": JOB,
        "ProcessingJobName": JOB,
        "Resource": "TrainingJob",
        "ResourceArn": f"{ARN}:model/{JOB}",
        "TrainingJobName": JOB,
        "TransformJobName": JOB,
    },
    "service-quotas": {"ServiceCode": "sagemaker"},
    "s3": {"Bucket": PROCESSING_BUCKET, "Key": "seed", "ObjectAttributes": ["ETag", "ObjectSize"]},
}
# Members that an operation demands though its model does not.
ALSO = {
    "GetMetricStatistics": ("Statistics",),
    "DescribeLogStreams": ("logGroupName",),
    "FilterLogEvents": ("logGroupName",),
    "GetLogEvents": ("logGroupName",),
}
ONCE = settings(
    max_examples=1,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
OFTEN = settings(ONCE, max_examples=40)


class Recorder:
    """Clients whose every response is held against its model as it comes."""

    def __init__(self, cloud: Any) -> None:
        self.cloud = cloud
        self.answered: set[tuple[str, str]] = set()
        self.misfits: list[str] = []
        self._clients: dict[str, Any] = {}

    def client(self, service: str, **config: Any) -> Any:
        """Return the one client of a service."""
        if service not in self._clients:
            client = self.cloud.client(service, parameter_validation=False, **config)
            client.meta.events.register("before-parse", self._check)
            self._clients[service] = client
        return self._clients[service]

    def _check(self, operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
        if response_dict["status_code"] >= 300:
            return
        service, name = operation_model.service_model.service_name, operation_model.name
        self.answered.add((service, name))
        found = misfits(operation_model, response_dict)
        self.misfits += [f"{service} {name}: {misfit}" for misfit in found]


@pytest.fixture(scope="module")
def recorder(local_cloud) -> Recorder:
    """Clients of a cloud that holds something of each kind."""
    recorder = Recorder(local_cloud)
    seed_sagemaker(recorder)
    logs, metrics = recorder.client("logs"), recorder.client("cloudwatch")
    logs.create_log_group(logGroupName=GROUP, tags={"a": "b"})
    logs.create_log_stream(logGroupName=GROUP, logStreamName=STREAM)
    events = [{"timestamp": int(NOW.timestamp() * 1000), "message": "hello"}]
    logs.put_log_events(logGroupName=GROUP, logStreamName=STREAM, logEvents=events)
    metrics.put_metric_data(Namespace="seeds", MetricData=[{"MetricName": "m", "Value": 1.0}])
    s3 = recorder.client("s3")
    s3.put_object(Bucket=PROCESSING_BUCKET, Key="seed", Body=b"seed")
    tags = {"TagSet": [{"Key": "a", "Value": "b"}]}
    s3.put_bucket_tagging(Bucket=PROCESSING_BUCKET, Tagging=tags)
    return recorder


def seed_sagemaker(recorder: Recorder) -> None:
    tags = [{"Key": "purpose", "Value": "seed"}]
    transforms, processing = Transforms(recorder), Processing(recorder)
    model = transforms.scripted(ECHO)
    transforms.model(JOB, Tags=tags)
    config = transforms.config(variant(model), name=JOB, Tags=tags)
    transforms.endpoint(config, JOB, Tags=tags)
    transforms.job(model, TransformJobName=JOB, Tags=tags)
    notebooks = Notebooks(recorder)
    config = notebooks.config(FAILS, NotebookInstanceLifecycleConfigName=JOB, Tags=tags)
    notebooks.create(NotebookInstanceName=JOB, LifecycleConfigName=config, Tags=tags)
    processing.create("print('processed')", ProcessingJobName=JOB, Tags=tags)
    start_job(recorder, JOB, "print('loss=1')", PROCESSING_BUCKET, Tags=tags)


def reading() -> list[Implemented]:
    return [one for one in implemented() + of_s3() if one.name.startswith(READING)]


def by_name(operation: Implemented) -> str:
    return f"{operation.service}-{operation.name}"


def known_request(operation: Implemented) -> dict[str, Any] | None:
    """Return a request that names what is there, or None where something else is required."""
    shape = models.input_shape(operation.model)
    known = KNOWN.get(operation.service, {})
    names = {*shape.required_members, *ALSO.get(operation.name, ())}
    if not names <= known.keys():
        return None
    return {name: known[name] for name in names}


def call(recorder: Recorder, operation: Implemented, request: dict[str, Any]) -> dict[str, Any]:
    """Return what botocore reads of an operation's answer."""
    client = recorder.client(operation.service, retries={"total_max_attempts": 1})
    return client._make_api_call(operation.name, request)


def check_reading(recorder: Recorder) -> None:
    """Check that all that reads what is known to be there answers as its model says."""
    for operation in reading():
        request = known_request(operation)
        if request is not None:
            answer = call(recorder, operation, request)
            if "Body" in answer:
                answer["Body"].close()
            assert (operation.service, operation.name) in recorder.answered
    assert recorder.misfits == []


def test_what_is_read_fits_the_models(recorder):
    check_reading(recorder)


@pytest.mark.slow
def test_what_is_read_of_what_has_ended_fits_the_models(recorder):
    deadline_s = time.monotonic() + 180
    described = [one for one in implemented() if one.name.startswith("Describe")]
    for operation in (one for one in described if one.service == "sagemaker"):
        while "ing" in status_of(call(recorder, operation, known_request(operation))):
            assert time.monotonic() < deadline_s, operation
            time.sleep(0.2)
    check_reading(recorder)


def status_of(described: dict[str, Any]) -> str:
    """Return a description's status, "" if it has none; what is in progress ends in -ing."""
    found = [value for name, value in described.items() if name.endswith("Status")]
    return "Running" if "InProgress" in found else " ".join(map(str, found))


def requests(operation: Implemented) -> st.SearchStrategy:
    """Return a strategy for requests that the model allows; some name what is there."""
    shape = models.input_shape(operation.model)
    known = {
        name: st.just(value)
        for name, value in KNOWN.get(operation.service, {}).items()
        if name in shape.members and not operation.name.startswith("Delete")
    }
    named = st.fixed_dictionaries({}, optional=known)
    made = st.builds(lambda made, known: made | known, values(shape), named)
    # Whoever says a wrong length waits for an answer, or is told by what reads HTTP.
    return made.map(lambda found: {k: v for k, v in found.items() if k != "ContentLength"})


def check_no_fault(recorder: Recorder, operation: Implemented, budget: settings) -> None:
    """Check that an operation answers, or refuses in so many words, all that its model allows."""

    @budget
    @given(requests(operation))
    def law(request):
        try:
            answer = call(recorder, operation, request)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            is_not_here = error.response["Error"]["Code"] in ("NotImplemented", "501")
            assert 400 <= status < 500 or is_not_here, error
            # To HEAD there is no body that could hold more than the status.
            nothing = "" if operation.name.startswith("Head") else str(status)
            assert error.response["Error"]["Code"] not in ("", nothing), error
        except HTTPClientError:
            raise  # no answer at all
        except BotoCoreError:
            return  # what it cannot put in a URL or a header
        else:
            if hasattr(answer.get("Body"), "close"):
                answer["Body"].close()

    law()
    assert recorder.misfits == []


def test_no_request_that_the_model_allows_ends_in_a_fault(recorder):
    for operation in (implemented() + of_s3())[::4]:
        check_no_fault(recorder, operation, ONCE)


@pytest.mark.slow
@pytest.mark.parametrize("operation", implemented() + of_s3(), ids=by_name)
def test_none_of_many_requests_that_the_model_allows_ends_in_a_fault(recorder, operation):
    check_no_fault(recorder, operation, OFTEN)
