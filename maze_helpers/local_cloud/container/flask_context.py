"""Flask's request, for user code that asks for it.

In AWS's image the handlers run inside a Flask application: `flask.request.headers` is how a
script there finds X-Amzn-SageMaker-Custom-Attributes. Flask is not needed here, so this works
where the script's requirements or the machine have it.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from typing import Any


def flask_context(environ: dict[str, Any]) -> Any:
    """Return a context in which `flask.request` is this request, if the script uses Flask.

    Its headers, that is: the body has been read, as in the image.
    """
    if "flask" not in sys.modules:
        return contextlib.nullcontext()
    return _application().request_context(environ)


@functools.lru_cache(maxsize=1)
def _application() -> Any:
    from flask import Flask

    return Flask("model_server")
