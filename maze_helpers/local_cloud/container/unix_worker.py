"""gunicorn's sync worker, for a unix socket whose other end is one's own gateway."""

from __future__ import annotations

import socket

from gunicorn import util
from gunicorn.workers.sync import SyncWorker


class UnixSyncWorker(SyncWorker):
    """Takes its next request at once, without waiting until the client has hung up.

    gunicorn 26 and later wait for that, up to two seconds, lest a TCP client lose the end of its
    answer. A unix socket loses nothing.
    """

    def accept(self, listener: socket.socket) -> None:
        """Answer one request."""
        accepted, address = listener.accept()
        client = _ClosesAtOnce(accepted.family, accepted.type, fileno=accepted.detach())
        client.setblocking(True)
        util.close_on_exec(client)
        self.handle(listener, client, address)


class _ClosesAtOnce(socket.socket):
    def shutdown(self, how: int) -> None:
        raise OSError("there is nothing to wait for")
