"""The token in a presigned URL of a notebook instance.

It says until when the URL may be opened and how long the session lasts, and is signed with a
secret that the instance's Jupyter and the engine share.
"""

from __future__ import annotations

import hmac

SECRET_VARIABLE = "MAZE_NOTEBOOK_SECRET"
TOKEN_ARGUMENT = "authToken"


def make_token(secret: str, now_s: float, valid_s: float, session_s: float) -> str:
    """Return a token that can be used for a while, each time for a session of some seconds."""
    said = f"{now_s + valid_s:.3f}-{session_s:g}"
    return f"{said}-{_signature(secret, said)}"


def session_of(secret: str, token: str, now_s: float) -> float | None:
    """Return how long a token's session lasts, in seconds; None where it is no good any more."""
    said, _, signature = token.rpartition("-")
    if not hmac.compare_digest(signature.encode(), _signature(secret, said).encode()):
        return None
    usable_until_s, session_s = map(float, said.split("-"))
    return session_s if now_s < usable_until_s else None


def _signature(secret: str, said: str) -> str:
    return hmac.new(secret.encode(), said.encode(), "sha256").hexdigest()
