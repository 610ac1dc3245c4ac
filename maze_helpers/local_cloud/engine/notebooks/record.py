"""How a notebook instance's document tells what happens to it: statuses and times.

Members that begin with "_" are the engine's, and no Describe shows them:

    _Created    whether its OnCreate script has run to a good end
    _Port       where its Jupyter listened last
"""

from datetime import datetime
from typing import Any

Document = dict[str, Any]

CREATED, PORT = "_Created", "_Port"
# Those that have an instance, and count towards quotas.
WITH_INSTANCE = ("Pending", "InService", "Stopping")
# Source: botocore's model of FailureReason.
MAX_REASON_CHARACTERS = 1024


def begin(document: Document, now: datetime) -> None:
    """Make a new notebook instance's document Pending."""
    document["CreationTime"] = now
    document[CREATED] = False
    enter(document, "Pending", now)


def enter(document: Document, status: str, now: datetime, reason: str = "") -> None:
    """Move a notebook instance on to a status; reason: why it Failed."""
    document["NotebookInstanceStatus"] = status
    document["LastModifiedTime"] = now
    document.pop("FailureReason", None)
    if reason:
        document["FailureReason"] = reason[:MAX_REASON_CHARACTERS]


def in_service(document: Document, port: int, now: datetime) -> None:
    """Make a notebook instance InService, whose Jupyter listens on a port."""
    document[CREATED] = True
    document[PORT] = port
    document["Url"] = f"127.0.0.1:{port}"
    enter(document, "InService", now)
