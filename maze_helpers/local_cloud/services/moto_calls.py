"""moto inside this process: one call at a time, its moment and its random numbers our choice."""

from __future__ import annotations

import functools
import threading
from dataclasses import dataclass
from datetime import datetime, timezone

# The body of moto's answer to a URL that none of its services has.
UNKNOWN_PATH = "Not yet implemented"
# Two threads that both load moto would each get one of their own.
_LOADING = threading.Lock()


@dataclass(frozen=True)
class MotoCall:
    """A request to moto, and what else decides its answer.

    url: as AWS has it, host and query included. time_s: the moment at which moto takes it to be.
    seed: of moto's random numbers, and so of the ids that it makes up.
    """

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    time_s: float
    seed: int


@dataclass(frozen=True)
class MotoAnswer:
    """What moto answers."""

    status: int
    headers: dict[str, str]
    body: bytes


class Moto:
    """moto, whose state is the process's own; it is loaded when first asked for."""

    def __init__(self) -> None:
        # Imported late: it takes a third of a second, which nobody should wait for at start.
        from botocore.awsrequest import AWSPreparedRequest
        from moto.core import config, utils
        from moto.core.botocore_stubber import BotocoreStubber
        from moto.moto_api._internal import mock_random

        self._lock = threading.Lock()
        self._moment_s = 0.0
        self._request_class = AWSPreparedRequest
        self._dispatcher = BotocoreStubber()
        self._random = mock_random
        config.default_user_config.setdefault("iam", {})["load_aws_managed_policies"] = True
        # The services import this name when they are loaded themselves, at their first call.
        utils.utcnow = self._now

    def _now(self) -> datetime:
        """Return the moment of the call, naive and in UTC as moto has it."""
        moment = datetime.fromtimestamp(self._moment_s, tz=timezone.utc)
        return moment.replace(tzinfo=None)

    def forget(self, service_name: str) -> None:
        """Have a service be as on a new account: nothing of what it was told is left.

        service_name: moto's, which is botocore's but for dashes.
        """
        from moto.backends import get_backend

        with self._lock:
            for regions in get_backend(service_name.replace("-", "")).values():
                for backend in regions.values():
                    backend.reset()

    def call(self, call: MotoCall) -> MotoAnswer | None:
        """Return moto's answer, or None if it knows no such service or path.

        The same calls in the same order give the same answers, request ids aside; and, in the
        services that do not ask moto for the time, their times.
        """
        request = self._request_class(
            method=call.method,
            url=call.url,
            headers=call.headers,
            body=call.body,
            stream_output=False,
        )
        with self._lock:
            self._moment_s = call.time_s
            self._random.seed(call.seed)
            answer = self._dispatcher.process_request(request)
        if answer is None or answer[2] == UNKNOWN_PATH:
            return None
        status, headers, body = answer
        content = body.encode() if isinstance(body, str) else bytes(body)
        return MotoAnswer(int(status), {name: str(text) for name, text in headers.items()}, content)


@functools.cache
def _only_moto() -> Moto:
    return Moto()


def moto() -> Moto:
    """Return this process's moto, loading it the first time."""
    with _LOADING:
        return _only_moto()
