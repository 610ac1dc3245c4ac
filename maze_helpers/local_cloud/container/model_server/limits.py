"""How large a model server's requests and responses may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from maze_helpers.local_cloud.container.serving_environment import count

# Source: the documentation of both servers, "max_request_size" and "max_response_size".
DEFAULT_BYTES = 6_553_500
_BYTES_PER_MB = 2**20


class Limits(NamedTuple):
    """The longest bodies, in bytes."""

    request_bytes: int = DEFAULT_BYTES
    response_bytes: int = DEFAULT_BYTES


def torchserve_limits(variables: Mapping[str, str]) -> Limits:
    """Return TorchServe's limits. Raises: ServingError, if one is no number."""
    return Limits(
        count(variables, "TS_MAX_REQUEST_SIZE", DEFAULT_BYTES),
        count(variables, "TS_MAX_RESPONSE_SIZE", DEFAULT_BYTES),
    )


def multi_model_server_limits(variables: Mapping[str, str]) -> Limits:
    """Return the Multi Model Server's limits. Raises: ServingError, if one is no number.

    A batch transform job sets SAGEMAKER_MAX_PAYLOAD_IN_MB, which that server's images read.
    """
    default = DEFAULT_BYTES
    if "SAGEMAKER_MAX_PAYLOAD_IN_MB" in variables:
        default = int(variables["SAGEMAKER_MAX_PAYLOAD_IN_MB"]) * _BYTES_PER_MB or default
    return Limits(
        count(variables, "MMS_MAX_REQUEST_SIZE", default),
        count(variables, "MMS_MAX_RESPONSE_SIZE", DEFAULT_BYTES),
    )
