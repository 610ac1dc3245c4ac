"""gunicorn's log, with an access log in the form in which nginx writes it on AWS."""

from __future__ import annotations

import os
import re
import time
from typing import Any

from gunicorn.glogging import Logger

# nginx's word for a client on a unix socket, which has no address.
_CLIENT = "unix:"
_STDOUT = 1
_UNSAFE = re.compile(r"[^ !#-\[\]-~]")


class ServerLog(Logger):
    """Writes a line for each request, such as `unix: - - [21/Nov/2026:20:25:17 +0000] "POST
    /invocations HTTP/1.1" 200 35 "-" "AHC/2.0"`.

    Its own, because gunicorn's takes as long as all the rest that gunicorn does for a request.
    """

    _stamp_s = 0
    _stamp = ""

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:
        """Log one request."""
        status = str(resp.status).split(" ", 1)[0]
        line = (
            f"{_CLIENT} - - [{self._now()}] "
            f'"{_safe(environ["REQUEST_METHOD"])} {_safe(environ["RAW_URI"])} '
            f'{environ["SERVER_PROTOCOL"]}" {status} {resp.sent} '
            f'"{_safe(environ.get("HTTP_REFERER"))}" "{_safe(environ.get("HTTP_USER_AGENT"))}"\n'
        )
        # One write a line, so that lines of several workers do not mix.
        os.write(_STDOUT, line.encode())

    def _now(self) -> str:
        now_s = int(time.time())
        if now_s != self._stamp_s:
            self._stamp_s = now_s
            self._stamp = time.strftime("%d/%b/%Y:%H:%M:%S %z", time.localtime(now_s))
        return self._stamp


def _safe(text: str | None) -> str:
    """Return text with what could forge a line escaped, as nginx does: '"' is \\x22."""
    return _UNSAFE.sub(lambda match: f"\\x{ord(match[0]):02X}", text or "-")
