"""A transform job's data log: what SageMaker itself says of an instance's work.

Source: data logs that public reports quote, issues 703 and 1882 of the SageMaker SDK and 1620 of
amazon-sagemaker-examples among them.
"""

from datetime import datetime, timezone

from maze_helpers.local_cloud.engine.log_writer import LogWriter
from maze_helpers.local_cloud.engine.transform.inputs import InputObject
from maze_helpers.local_cloud.engine.transform.settings import Settings

# Of an answer that is an error. A guess.
MOST_MESSAGE_BYTES = 4096


class DataLog:
    """Writes the lines of one instance."""

    def __init__(self, writer: LogWriter) -> None:
        self._writer = writer

    def settings(self, settings: Settings) -> None:
        """Say what the instance works with."""
        self._add(
            f"MaxConcurrentTransforms={settings.max_concurrent}, "
            f"MaxPayloadInMB={settings.max_payload_mb}, BatchStrategy={settings.strategy}"
        )

    def failure(self, found: InputObject, what: str) -> None:
        """Say why an object has no output."""
        self._add(f"{found}: {what}")

    def bad_answer(self, found: InputObject, status: int, body: bytes) -> None:
        """Say with what the model answered instead of an inference."""
        is_clients = 400 <= status < 500
        what = "ClientError:" if is_clients else "Bad HTTP status received from algorithm:"
        message = body[:MOST_MESSAGE_BYTES].decode("utf-8", "replace")
        for line in (f"{what} {status}", "", "Message:", *message.splitlines()):
            self._add(f"{found}: {line}")

    def _add(self, text: str) -> None:
        now = datetime.now(timezone.utc)
        stamp = now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}"
        self._writer.add(now.timestamp(), f"{stamp}:[sagemaker logs]: {text}")
