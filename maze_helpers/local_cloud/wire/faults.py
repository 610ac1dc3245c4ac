"""An error as it goes over the wire: its code, status and members, as the model states them."""

from dataclasses import dataclass
from typing import Any

from botocore.model import ServiceModel

from maze_helpers.local_cloud.errors import AWSError
from maze_helpers.local_cloud.wire import models


@dataclass(frozen=True)
class Fault:
    """What every protocol needs to render an error.

    code: the wire code. shape_name: the model's name for it, the code itself where there is none.
    members: by wire name, the message among them.
    """

    code: str
    shape_name: str
    status: int
    message: str
    members: dict[str, Any]

    @property
    def side(self) -> str:
        """Whose fault it is: 'Sender' or 'Receiver'."""
        return "Sender" if self.status < 500 else "Receiver"


def fault(model: ServiceModel, error: AWSError) -> Fault:
    """Return how a service shows an error.

    As AWS does, an empty message is left out; one that is None is null.
    """
    shape = models.error_shape(model, error.code)
    named = shape.members if shape else ()
    spelling = next((name for name in named if name.lower() == "message"), "message")
    members = {} if error.message == "" else {spelling: error.message}
    members |= error.fields
    if shape is None:
        return Fault(error.code, error.code, error.status, error.message or "", members)
    return Fault(
        code=shape.error_code,
        shape_name=shape.name,
        status=shape.metadata.get("error", {}).get("httpStatusCode", error.status),
        message=error.message or "",
        members=members,
    )
