"""InvokeEndpointAsync: a request is checked, and taken into the endpoint's queue."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.engine.hosting.async_queue import AsyncRequest
from maze_helpers.local_cloud.engine.s3_uri import join_s3_uri, split_s3_uri
from maze_helpers.local_cloud.errors import ValidationError, ValidationException
from maze_helpers.local_cloud.services.sagemaker.resources import ENDPOINT, Resources
from maze_helpers.local_cloud.services.sagemaker_runtime.invocation import FORWARDED, not_found

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

# Source: botocore's model of the operation.
MAX_BODY_BYTES = 128_000
DEFAULT_TTL_S = 6 * 3600
DEFAULT_TIMEOUT_S = 15 * 60

Operation = Callable[[dict[str, Any], AccessKey], dict[str, Any]]


class InvokeEndpointAsync:
    """Takes requests for asynchronous endpoints."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._resources = Resources(cloud.store, cloud.region, cloud.account_id)
        self.operations: dict[str, Operation] = {"InvokeEndpointAsync": self.invoke}

    def invoke(self, parameters: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return where the output will be, once the request is in the queue.

        Raises: ValidationError.
        """
        name = parameters["EndpointName"]
        output = self._output_config(name)
        _check_input(parameters)
        inference_id = parameters.get("InferenceId") or str(uuid.uuid4())
        locations = _locations(output, parameters, inference_id)
        request = AsyncRequest(
            endpoint=name,
            received_s=self._cloud.clock.time_s(),
            headers={FORWARDED[key]: parameters[key] for key in FORWARDED if key in parameters},
            input_location=parameters.get("InputLocation"),
            body=parameters.get("Body"),
            output_location=locations["OutputLocation"],
            failure_location=locations.get("FailureLocation"),
            ttl_s=parameters.get("RequestTTLSeconds", DEFAULT_TTL_S),
            timeout_s=parameters.get("InvocationTimeoutSeconds", DEFAULT_TIMEOUT_S),
        )
        if not self._cloud.async_inferences.put(self._resources.arn(ENDPOINT, name), request):
            raise not_found(name, self._cloud.account_id)
        return {"InferenceId": inference_id, **locations}

    def _output_config(self, name: str) -> Mapping[str, str]:
        endpoint = self._cloud.hosting.live(name)
        if endpoint is None:
            raise not_found(name, self._cloud.account_id)
        if endpoint.async_inference is None:
            # A guess: no source tells AWS's words.
            raise ValidationError(
                f"Endpoint {name} is not an asynchronous endpoint. Invoke it with InvokeEndpoint."
            )
        return endpoint.async_inference["OutputConfig"]


def _check_input(parameters: dict[str, Any]) -> None:
    """Raise unless a request has its input in S3, or brings it along."""
    body, location = parameters.get("Body"), parameters.get("InputLocation")
    # What AWS says of both is a guess.
    if bool(body) == bool(location):
        raise ValidationError("Provide exactly one of Body and InputLocation.")
    if body and len(body) > MAX_BODY_BYTES:
        raise ValidationError(
            "1 validation error detected: Value at 'body' failed to satisfy constraint: "
            f"Member must have length less than or equal to {MAX_BODY_BYTES}"
        )
    if location:
        try:
            split_s3_uri(location)
        except ValidationException as error:
            raise ValidationError(error.message) from error


def _locations(
    output: Mapping[str, str], parameters: dict[str, Any], inference_id: str
) -> dict[str, str]:
    """Return where output and failure will be.

    Source: the model of S3OutputPathExtension and Filename; the names as public examples have them.
    """
    extension = parameters.get("S3OutputPathExtension", "").strip("/")
    folder = [extension] if extension else []
    name = parameters.get("Filename") or f"{inference_id}.out"
    found = {"OutputLocation": join_s3_uri(output["S3OutputPath"], *folder, name)}
    if failure_path := output.get("S3FailurePath"):
        failure = parameters.get("Filename") or f"{inference_id}-error.out"
        found["FailureLocation"] = join_s3_uri(failure_path, *folder, failure)
    return found
