"""What InvokeEndpoint says when a model answers with an error, or not at all.

Source: public reports that quote such errors, and botocore's model of ModelError.
"""

from maze_helpers.local_cloud.engine.hosting.calls import (
    PROCESS_EXITED,
    CallFailed,
    ConnectionLost,
    ProcessExited,
    Reply,
    TimedOut,
)
from maze_helpers.local_cloud.errors import ModelError

# What a model with one container calls it.
CONTAINER = "primary"
# Source: botocore's model of Message.
MAX_MESSAGE_CHARACTERS = 2048
TIMED_OUT = (
    f"Your invocation timed out while waiting for a response from container {CONTAINER}. Review "
    "the latency metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
)
# Differs from AWS: there, the web server in front of the container's own says so in HTML.
LOST = "502 Bad Gateway: the model server or its worker ended while it had the request."
# A guess: no source tells what AWS says.
OVERSIZE = "The response is larger than the {} bytes that one may have."


class ModelErrors:
    """Words the errors of an account's models in one region."""

    def __init__(self, account_id: str, region: str) -> None:
        self._account_id = account_id
        self._region = region

    def of_reply(self, endpoint: str, log_stream: str, reply: Reply) -> ModelError:
        """Return the error for an answer whose status is not one of success."""
        return self._error(endpoint, log_stream, reply.status, reply.body.decode(errors="replace"))

    def of_oversize(self, endpoint: str, log_stream: str, limit_bytes: int) -> ModelError:
        """Return the error for an answer that is longer than it may be."""
        return self._error(endpoint, log_stream, 0, OVERSIZE.format(limit_bytes))

    def of_failure(self, endpoint: str, failure: CallFailed) -> ModelError:
        """Return the error for an answer that did not come, or not whole."""
        status, message = failed(failure)
        return self._error(endpoint, failure.log_stream, status, message)

    def _error(self, endpoint: str, log_stream: str, status: int, original: str) -> ModelError:
        group = f"/aws/sagemaker/Endpoints/{endpoint}"
        kind = "client" if 400 <= status < 500 else "server"
        received = f"Received {kind} error ({status}) from {CONTAINER}"
        console = f"https://{self._region}.console.aws.amazon.com/cloudwatch/home"
        see = (
            f"See {console}?region={self._region}#logEventViewer:group={group} "
            f"in account {self._account_id} for more information."
        )
        message = f'{received} with message "{original}". {see}'
        if len(message) > MAX_MESSAGE_CHARACTERS:
            # From where on AWS leaves the body out is a guess.
            original = ""
            message = f"{received} and could not load the entire response body. {see}"
        stream = f":log-stream:{log_stream}" if log_stream else ""
        return ModelError(
            message,
            OriginalMessage=original,
            OriginalStatusCode=status,
            LogStreamArn=f"arn:aws:logs:{self._region}:{self._account_id}:log-group:{group}{stream}",
        )


def failed(failure: CallFailed) -> tuple[int, str]:
    """Return the status and message that stand for an answer that did not come."""
    if isinstance(failure, TimedOut):
        return 0, TIMED_OUT
    if isinstance(failure, ProcessExited):
        return 0, PROCESS_EXITED
    assert isinstance(failure, ConnectionLost), failure
    return 502, LOST
