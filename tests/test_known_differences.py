"""Departures from AWS that no other test pins; DIFFERENCES.md tells why they are."""

from collections.abc import Iterator

import pytest
from implemented_operations import Implemented, implemented
from wire_requests import request, target

from maze_helpers.local_cloud.cloud import LocalCloud
from maze_helpers.local_cloud.container.framework import Framework
from maze_helpers.local_cloud.container.model_server.context import Headers
from maze_helpers.local_cloud.container.serving_failure import ServingError
from maze_helpers.local_cloud.container.serving_images.huggingface import HuggingFaceImage
from maze_helpers.local_cloud.container.serving_images.pytorch import PyTorchImage
from maze_helpers.local_cloud.engine.transform.transform_run import _worker_count, worker_count
from maze_helpers.local_cloud.errors import UnknownOperation, ValidationException
from maze_helpers.local_cloud.protocol import ServiceProtocol
from maze_helpers.local_cloud.services.logs import Logs
from maze_helpers.local_cloud.validation import validate
from maze_helpers.local_cloud.wire import models


@pytest.fixture
def cloud(tmp_path) -> Iterator[LocalCloud]:
    cloud = LocalCloud(tmp_path, "http://127.0.0.1:1")
    yield cloud
    cloud.close()


def call_of(operation: Implemented) -> tuple:
    """Return a request for an operation, and its body."""
    metadata = operation.model.service_model.metadata
    if "json" in operation.protocols:
        return target(f"{metadata['targetPrefix']}.{operation.name}"), b"{}"
    return request(), f"Action={operation.name}&Version={metadata['apiVersion']}".encode()


@pytest.mark.parametrize("service", sorted({one.service for one in implemented()}))
def test_an_operation_that_is_not_implemented_is_refused_by_name(service):
    if service == "sagemaker-runtime":
        pytest.skip("its operations are paths; test_invoke_endpoint_errors tries them")
    here = {one.name for one in implemented() if one.service == service}
    for name in models.service_model(service).operation_names:
        if name not in here:
            with pytest.raises(UnknownOperation) as raised:
                ServiceProtocol(service).parse(*call_of(Implemented(service, name)), here)
            assert raised.value.message == f"The local cloud does not implement {service} {name}."


def test_several_errors_come_in_the_order_of_the_model():
    operation = models.service_model("sagemaker").operation_model("CreateModel")
    container = {"Image": " ", "ContainerHostname": "_"}
    with pytest.raises(ValidationException) as raised:
        validate(operation, {"PrimaryContainer": container, "ModelName": "_"})
    places = [part.partition("'")[0] for part in raised.value.message.split(" at '")[1:]]
    assert places == ["modelName", "primaryContainer.containerHostname", "primaryContainer.image"]


def test_a_log_groups_key_is_remembered_though_nothing_is_encrypted(cloud):
    operations, caller = Logs(cloud).operations, cloud.credentials.user
    key = "arn:aws:kms:us-east-1:111122223333:key/k"
    operations["CreateLogGroup"]({"logGroupName": "g", "kmsKeyId": key}, caller)
    (group,) = operations["DescribeLogGroups"]({}, caller)["logGroups"]
    assert group["kmsKeyId"] == key


@pytest.mark.parametrize("concurrent", [0, 1, 100])
def test_a_transform_instance_has_no_more_workers_than_requests_at_a_time(concurrent):
    resources = {"InstanceType": "ml.m5.xlarge"}
    job = {"TransformResources": resources, "MaxConcurrentTransforms": concurrent}
    of_machine = worker_count("ml.m5.xlarge")
    assert _worker_count(job) == (1 if concurrent == 1 else of_machine)


def test_a_model_servers_headers_are_found_however_they_are_spelled():
    headers = Headers({"CONTENT_TYPE": "text/csv", "HTTP_X_TRACE": "1"})
    assert headers["content-TYPE"] == headers["Content-Type"] == "text/csv"
    assert headers.get("x-trace") == headers.get("X-TRACE") == "1"


def test_torchserves_settings_of_batches_and_most_workers_change_nothing():
    given = {"SAGEMAKER_TS_BATCH_SIZE": "8", "SAGEMAKER_TS_MAX_WORKERS": "4"}
    variables = PyTorchImage(Framework("pytorch", "2.5")).variables(
        given | {"SAGEMAKER_TS_MIN_WORKERS": "2"}
    )
    assert variables["SAGEMAKER_MODEL_SERVER_WORKERS"] == "2"


def test_the_hugging_face_hub_is_asked_only_if_the_model_says_so():
    assert HuggingFaceImage(Framework("huggingface", "2.5")).variables({})["HF_HUB_OFFLINE"] == "1"
    assert "HF_HUB_OFFLINE" not in HuggingFaceImage(Framework("huggingface", "2.5")).variables(
        {"HF_HUB_OFFLINE": "0"}
    )


def test_a_model_of_the_hub_is_refused_with_what_to_do_instead(monkeypatch):
    monkeypatch.setenv("HF_MODEL_ID", "nobody/no-model")
    with pytest.raises(ServingError, match="downloads none. Save the model"):
        HuggingFaceImage(Framework("huggingface", "2.5")).place_code(None, None)
