"""The server's port: the one the folder had, else the folder's own or the next free one."""

import os
import socket
import zlib
from pathlib import Path

import psutil

from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.local_cloud.home import Home

HOST = "127.0.0.1"
# Below those that systems hand out to outgoing connections.
FIRST_PORT, PORTS = 20_000, 10_000


def listen(home: Home, port: int | None) -> socket.socket:
    """Return a listening socket: on the asked or remembered port, else on a free one.

    Raises: MazeError, if that very port is taken.
    """
    wanted = home.remembered_port() if port is None else port
    if wanted:
        listener = _try_to_listen(wanted)
        if listener is None:
            raise MazeError(
                f"Port {wanted} is in use by another program{_holder(wanted)}: stop it, "
                f"or move the maze to a free port with `maze up --port 0`."
            )
        return listener
    # Each folder begins elsewhere, so that none takes the port of another that is down.
    start = preferred_port(home.path) - FIRST_PORT
    for offset in range(PORTS):
        listener = _try_to_listen(FIRST_PORT + (start + offset) % PORTS)
        if listener:
            return listener
    raise MazeError("No port is free: choose one with `maze up --port N`.")


def preferred_port(folder: Path) -> int:
    """Return the port to try first for what a folder is of."""
    return FIRST_PORT + zlib.crc32(os.fsencode(folder)) % PORTS


def _try_to_listen(port: int) -> socket.socket | None:
    # The protocol is named, because asyncio sets TCP_NODELAY only where it is.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        # At once: until one of them listens, two sockets may be bound to one port.
        listener.listen(2048)
    except PermissionError as error:
        listener.close()
        raise MazeError(
            f"Port {port} is for the system alone: choose one above 1023 with `maze up --port N`."
        ) from error
    except OSError:
        listener.close()
        return None
    return listener


def _holder(port: int) -> str:
    """Return ' (name, process 123)' of the process that listens on a port, where it shows."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr.port == port and connection.pid:
                return f" ({psutil.Process(connection.pid).name()}, process {connection.pid})"
    except psutil.Error:  # other users' processes do not show: the sentence goes without
        return ""
    return ""
