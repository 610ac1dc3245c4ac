"""The service models that botocore ships, read once each, when first needed."""

import functools
from pathlib import Path

import botocore
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, StructureShape


@functools.cache
def service_model(service_name: str) -> ServiceModel:
    """Return botocore's model of a service, such as 'logs'.

    Only the models inside botocore itself count: the user's own `~/.aws/models` is never read.
    """
    loader = Loader(
        extra_search_paths=[str(Path(botocore.__file__).parent / "data")],
        include_default_search_paths=False,
    )
    return ServiceModel(loader.load_service_model(service_name, "service-2"), service_name)


def protocols(model: ServiceModel) -> list[str]:
    """Return the names of the protocols that a service speaks, its favourite first."""
    return model.metadata.get("protocols", [model.metadata["protocol"]])


def input_shape(operation: OperationModel) -> StructureShape:
    """Return an operation's input, an empty structure where the model has none."""
    return operation.input_shape or StructureShape("Nothing", {"type": "structure", "members": {}})


def error_shape(model: ServiceModel, code: str) -> StructureShape | None:
    """Return the model's shape of an error, found by its wire code or its name, or None."""
    return _error_shapes(model.service_name).get(code)


@functools.cache
def _error_shapes(service_name: str) -> dict[str, StructureShape]:
    shapes = service_model(service_name).error_shapes
    by_name = {shape.name: shape for shape in shapes}
    # CloudWatch has one name twice: as an error's wire code, and as another error's name.
    return by_name | {shape.error_code: shape for shape in shapes}
