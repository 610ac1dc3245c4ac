"""Which operations the local cloud implements, from its own tables."""

import functools
import tempfile
from pathlib import Path
from typing import NamedTuple

from botocore.model import OperationModel

from maze_helpers.local_cloud.app import LocalCloudApp
from maze_helpers.local_cloud.cloud import LocalCloud
from maze_helpers.local_cloud.protocol import ServiceProtocol
from maze_helpers.local_cloud.wire import models


class Implemented(NamedTuple):
    """An operation. service: botocore's name of it."""

    service: str
    name: str

    @property
    def model(self) -> OperationModel:
        """What botocore knows of it."""
        return models.service_model(self.service).operation_model(self.name)

    @property
    def protocol(self) -> ServiceProtocol:
        """What parses its requests and writes its responses."""
        return ServiceProtocol(self.service)

    @property
    def protocols(self) -> list[str]:
        """The protocols that its service speaks."""
        return models.protocols(self.model.service_model)


@functools.cache
def implemented() -> list[Implemented]:
    """Return all operations but S3's and those that moto answers, in one order everywhere."""
    return sorted(
        Implemented(service, name)
        for service, names in _tables().items()
        for name in names
        if service != "s3"
    )


@functools.cache
def delegated() -> list[Implemented]:
    """Return all operations of the services that moto answers."""
    return sorted(
        Implemented(service, name)
        for service, names in _tables().items()
        if not names
        for name in models.service_model(service).operation_names
    )


def of_s3() -> list[Implemented]:
    """Return the operations of S3."""
    return sorted(Implemented("s3", name) for name in _tables()["s3"])


@functools.cache
def _tables() -> dict[str, tuple[str, ...]]:
    """Return each service's operations, by botocore's name; none of one that moto answers."""
    with tempfile.TemporaryDirectory() as folder:
        cloud = LocalCloud(Path(folder), "http://127.0.0.1:1")
        app = LocalCloudApp(cloud)
        tables = {
            service.protocol.service_name: tuple(getattr(service, "operations", ()))
            for service in app.services.values()
        }
        # Answered beside its service's table, as it must be quick.
        tables["sagemaker-runtime"] += ("InvokeEndpoint",)
        tables["s3"] = (*app.s3.operations, *app.s3.transfers)
        cloud.close()
    return tables
