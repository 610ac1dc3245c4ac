"""A network of a job's own: its containers reach each other by loopback, and nothing else.

Source: SageMaker guide, "Run Training and Inference Containers in Internet-Free Mode".
"""

import fcntl
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

from maze_helpers.local_cloud.engine import namespaces

_PACKAGE_ROOT = Path(__file__).resolve().parents[3]
_READY = b"ready\n"
# From linux/sockios.h and linux/if.h.
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1


class IsolatedNetwork:
    """A network namespace, and the user namespace that owns it, for as long as this is open.

    file_descriptors: of the two, to be passed on to a supervisor.
    """

    def __init__(self) -> None:
        """Make the network, with its loopback interface up.

        Raises: OSError, if the machine does not allow it.
        """
        self.file_descriptors: tuple[int, ...] = ()
        module = "maze_helpers.local_cloud.engine.isolated_network"
        with subprocess.Popen(
            [sys.executable, "-S", "-E", "-m", module],
            cwd=_PACKAGE_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as maker:
            assert maker.stdout
            if maker.stdout.readline() != _READY:
                raise OSError("this machine does not allow network namespaces")
            # They outlive the process that made them: whoever holds them open keeps them.
            self.file_descriptors = tuple(
                os.open(f"/proc/{maker.pid}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC)
                for name in ("user", "net")
            )

    def close(self) -> None:
        """Let go of the network: it ends with its last process."""
        for descriptor in self.file_descriptors:
            os.close(descriptor)
        self.file_descriptors = ()


def isolated_network() -> IsolatedNetwork | None:
    """Return a new network to be closed, or None where the machine does not allow one."""
    try:
        return IsolatedNetwork()
    except OSError:
        return None


def main() -> None:
    """Make the namespaces, say so, and wait until nobody needs this process any more."""
    namespaces.unshare(namespaces.CLONE_NEWNET)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh22x", b"lo", _IFF_UP)
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, request)
    os.write(1, _READY)
    os.read(0, 1)


if __name__ == "__main__":
    main()
