"""The nouns of an invocation: what goes to a model server, what comes back, what goes wrong.

CallFailed                 no whole answer came from a model server
    NotReached             nothing was sent: another server may be asked
    ConnectionLost         the server or its worker ended while it had the request
        ProcessExited      so did a serverless container, or it ended before it could take it
    TimedOut               the answer took too long
NoCapacity                 a variant takes no more requests just now
    Throttled              as many run as may (serverless: MaxConcurrency)
    Unavailable            none of its servers is ready
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

# Source: FailureReason of serverless endpoints, as public reports quote it, where this happens to
# the first ping; that an invocation's error says the same is a guess.
PROCESS_EXITED = "An error occurred while handling request as the model process exited."


@dataclass(frozen=True)
class Call:
    """One request for a model.

    headers: as they go to the container, such as Content-Type, by their usual names.
    timeout_s: how long the container may take for the whole answer.
    """

    body: bytes
    headers: Mapping[str, str]
    timeout_s: float


@dataclass(frozen=True)
class Reply:
    """A model server's answer, whatever its status.

    headers: by lower-case names. model_latency_us: from the request's first byte to the
    answer's last, in microseconds, as CloudWatch's ModelLatency has it.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    model_latency_us: float


@dataclass(frozen=True)
class VariantReply:
    """A variant's answer: the reply, who gave it, and what a cold start added.

    log_stream: of the server that answered. setup_us: how long the call's own cold start took,
    0 where a server was ready (serverless).
    """

    reply: Reply
    log_stream: str
    setup_us: float = 0.0


class CallFailed(Exception):
    """No whole answer came from a model server.

    log_stream: of the server that was asked, "" where none was.
    """

    def __init__(self, message: str, log_stream: str = "") -> None:
        super().__init__(message)
        self.log_stream = log_stream


class NotReached(CallFailed):
    """Nothing was sent: another server may be asked."""


class ConnectionLost(CallFailed):
    """The server or its worker ended while it had the request."""


class ProcessExited(ConnectionLost):
    """A serverless container ended while it had the request, or before it could take it."""


class TimedOut(CallFailed):
    """The answer took longer than the call allows."""


class NoCapacity(Exception):
    """A variant takes no more requests just now."""


class Throttled(NoCapacity):
    """As many requests run as may."""


class Unavailable(NoCapacity):
    """None of the variant's servers is ready."""


class Variant(Protocol):
    """A production variant while it is deployed.

    Its methods but for `invoke` block, and are called from the deployment's own thread.
    weight: its share of the traffic, of the sum over the endpoint's variants.
    instance_count: how many instances share its requests now; None where it is serverless.
    role_arn: of its model's execution role.
    """

    name: str
    weight: float
    instance_count: int | None
    role_arn: str

    def start(self) -> None:
        """Bring the variant up: its servers answer pings (serverless: a first one did).

        Raises: DeploymentFailed, with AWS's FailureReason. What was started is stopped then.
        """

    def retire(self) -> None:
        """Let the requests that it has come to their end, then stop its servers."""

    def stop(self) -> None:
        """Stop its servers at once."""

    async def invoke(self, call: Call) -> VariantReply:
        """Have one of its servers answer. It may run on any event loop.

        Raises: CallFailed, NoCapacity.
        """
