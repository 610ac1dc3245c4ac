"""What DNS would do: AWS's own addresses, which the SDK gives STS, mean AWS_ENDPOINT_URL."""

import os
from typing import Any

import botocore.session

_create_client = botocore.session.Session.create_client


def _create(
    session: botocore.session.Session, *which: Any, endpoint_url: str | None = None, **settings: Any
) -> Any:
    if endpoint_url and ".amazonaws.com" in endpoint_url:
        endpoint_url = os.environ["AWS_ENDPOINT_URL"]
    return _create_client(session, *which, endpoint_url=endpoint_url, **settings)


botocore.session.Session.create_client = _create
