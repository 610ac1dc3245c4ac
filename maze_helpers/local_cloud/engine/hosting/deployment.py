"""A deployment: the variants that an endpoint configuration asks for, brought up together."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import TYPE_CHECKING

from maze_helpers.local_cloud.engine.hosting.balancer import (
    Choose,
    choose_at_random,
    choose_least_busy,
)
from maze_helpers.local_cloud.engine.hosting.calls import Variant
from maze_helpers.local_cloud.engine.hosting.endpoint_record import Document, container_of
from maze_helpers.local_cloud.engine.hosting.failures import role_failure
from maze_helpers.local_cloud.engine.hosting.model_data import ModelData, data_url
from maze_helpers.local_cloud.engine.hosting.real_time import RealTimeVariant
from maze_helpers.local_cloud.engine.hosting.server_spec import (
    STARTUP_TIMEOUT_S,
    ServerSpec,
    worker_count,
)
from maze_helpers.local_cloud.engine.hosting.serverless import ServerlessVariant
from maze_helpers.local_cloud.engine.images import runtime_for

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

log = logging.getLogger(__name__)


def choice_of(variant: Document) -> Choose:
    """Return how a variant's requests find an instance: the least busy, unless it says RANDOM."""
    strategy = variant.get("RoutingConfig", {}).get("RoutingStrategy")
    return choose_at_random if strategy == "RANDOM" else choose_least_busy


class Deployment:
    """An endpoint's variants, by name, and the data of their models.

    async_inference: the AsyncInferenceConfig of an asynchronous endpoint, None of others.
    capture: what captures its invocations, None if nothing does.
    is_up: whether every variant has come up.
    """

    def __init__(self, cloud: LocalCloud, endpoint: str, document: Document) -> None:
        """Make the variants of a deployment's document; none is started."""
        self._cloud = cloud
        self._endpoint = endpoint
        self.is_up = False
        self.async_inference = document.get("AsyncInferenceConfig")
        self.capture = cloud.data_capture.of(endpoint, document.get("DataCaptureConfig"))
        self._models = document["Models"]
        self._data = {
            name: ModelData(
                cloud.objects_as(model["ExecutionRoleArn"]),
                url,
                cloud.home / "hosting" / "models" / secrets.token_hex(8),
            )
            for name, model in self._models.items()
            if (url := data_url(container_of(model)))
        }
        self.variants: dict[str, Variant] = {
            variant["VariantName"]: self._variant(variant)
            for variant in document["ProductionVariants"]
        }

    def start(self) -> None:
        """Bring every variant up. Raises: DeploymentFailed; then nothing of any is left."""
        self._check_roles()
        with ThreadPoolExecutor(len(self.variants), f"start {self._endpoint}") as starters:
            starts = [starters.submit(variant.start) for variant in self.variants.values()]
            done, _ = wait(starts, return_when=FIRST_EXCEPTION)
            failures = [error for start in done if (error := start.exception())]
            if failures:
                self.stop()
        if failures:
            raise failures[0]
        self.is_up = True

    def _check_roles(self) -> None:
        for model in self._models.values():
            if not self._cloud.authorization.trusts_sagemaker(model["ExecutionRoleArn"]):
                raise role_failure(model["ExecutionRoleArn"])

    def retire(self) -> None:
        """Let every variant's requests come to their end, then stop it."""
        self._end(lambda variant: variant.retire())

    def stop(self) -> None:
        """Stop every variant at once."""
        self._end(lambda variant: variant.stop())

    def _end(self, end: Callable[[Variant], None]) -> None:
        with ThreadPoolExecutor(len(self.variants), f"end {self._endpoint}") as enders:
            list(enders.map(end, self.variants.values()))
        for data in self._data.values():
            try:
                data.remove()
            except OSError:
                log.exception("endpoint %s left files behind", self._endpoint)

    def _variant(self, variant: Document) -> Variant:
        name, weight = variant["VariantName"], variant["InitialVariantWeight"]
        spec = self._spec(variant)
        if "ServerlessConfig" in variant:
            config = variant["ServerlessConfig"]
            return ServerlessVariant(self._cloud, self._endpoint, name, spec, config, weight)
        spec = replace(spec, workers=worker_count(variant["InstanceType"]))
        count = variant["InitialInstanceCount"]
        choose = choice_of(variant)
        return RealTimeVariant(self._cloud, self._endpoint, name, spec, count, weight, choose)

    def _spec(self, variant: Document) -> ServerSpec:
        model = self._models[variant["ModelName"]]
        container = container_of(model)
        return ServerSpec(
            image=runtime_for(container["Image"], "inference"),
            role_arn=model["ExecutionRoleArn"],
            model_data=self._data.get(variant["ModelName"]),
            environment=container.get("Environment", {}),
            startup_timeout_s=variant.get(
                "ContainerStartupHealthCheckTimeoutInSeconds", STARTUP_TIMEOUT_S
            ),
        )
