"""Arrays as JSON. It needs no numpy, so that a worker whose model needs none does without."""

from __future__ import annotations

import json
from typing import Any


def array_to_json(value: Any) -> str:
    """Return a JSON document of arrays, lists, dictionaries, numbers and strings."""
    return json.dumps(value, default=_to_list)


def _to_list(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
