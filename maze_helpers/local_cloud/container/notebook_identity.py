"""Who may use a notebook instance's Jupyter: whoever comes by a presigned URL, for its session.

Opening such a URL sets a cookie, which says when the session ends and is signed with a secret of
Jupyter's own.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.auth.identity import IdentityProvider, User
from tornado.web import RequestHandler

from maze_helpers.local_cloud.container.notebook_token import (
    SECRET_VARIABLE,
    TOKEN_ARGUMENT,
    session_of,
)

_USER = "ec2-user"


@dataclass
class Session(User):
    """The one user there is, until the session ends. ends_at_s: in seconds since the epoch."""

    ends_at_s: float = 0.0


class Refusal(RequestHandler):
    """What a page leads to that is opened without a session."""

    @allow_unauthenticated
    def get(self) -> None:
        """Answer what to do instead."""
        self.set_status(HTTPStatus.FORBIDDEN)
        self.finish("This needs a new URL: ask CreatePresignedNotebookInstanceUrl for it.")


class PresignedIdentity(IdentityProvider):
    """Jupyter's identity provider that knows tokens and sessions alone: no password, no form."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # Kernels and terminals inherit what is left.
        self._secret = os.environ.pop(SECRET_VARIABLE)

    @property
    def auth_enabled(self) -> bool:
        """Always: there is no use without a token."""
        return True

    @property
    def login_available(self) -> bool:
        """Never: there is nothing to fill in."""
        return False

    def get_handlers(self) -> list[tuple[str, object]]:
        """Return where a page leads to without a session."""
        return [(r"/login", Refusal)]

    def get_token(self, handler: Any) -> str | None:
        """Return the token of a request's URL."""
        return handler.get_query_argument(TOKEN_ARGUMENT, None)

    async def get_user_token(self, handler: Any) -> User | None:
        """Return a new session for a token that is good, else None."""
        now_s = time.time()
        session_s = session_of(self._secret, self.get_token(handler) or "", now_s)
        return None if session_s is None else Session(_USER, ends_at_s=now_s + session_s)

    def user_to_cookie(self, user: User) -> str:
        """Return what a session's cookie holds."""
        assert isinstance(user, Session)
        return json.dumps(user.ends_at_s)

    def user_from_cookie(self, cookie_value: str) -> User | None:
        """Return a cookie's session, None when it has ended."""
        ends_at_s = json.loads(cookie_value)
        return Session(_USER, ends_at_s=ends_at_s) if time.time() < ends_at_s else None
