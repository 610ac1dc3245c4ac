"""The hosts of a job: what they are called, what they know of each other, how they meet.

Each host is a container, algo-1 and so on, with an address of its own on loopback: one script can
listen on a port on every host, as on so many machines.
Differs from AWS: what listens on all addresses of a host does so on this whole machine, because
hosts share its network (save under network isolation).

Where the machine has no namespaces, or no other loopback addresses than 127.0.0.1 (macOS), the
names of hosts do not resolve in a container.
"""

from __future__ import annotations

import functools
import socket
import sys
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# What AWS calls the one group of a job without instance groups.
HOMOGENEOUS = "homogeneousCluster"
# 127.64.0.0, and how many jobs have room from there on, each with 256 addresses.
_FIRST_ADDRESS, _JOBS = 0x7F40_0000, 0x4000
# Below those that systems hand out to outgoing connections, beside those of servers.
_FIRST_PORT, _PORTS = 10_000, 10_000
_HOSTS_FILE = Path("/etc/hosts")


@dataclass(frozen=True)
class Host:
    """One of a job's hosts. name: algo-1 and so on. group: of instances. address: on loopback."""

    name: str
    instance_type: str
    group: str
    address: str


class Cluster:
    """All hosts of a job, in order of their numbers."""

    def __init__(self, key: str, resources: Mapping[str, Any]) -> None:
        """Make what a job's resources ask for.

        key: the job's own, such as its ARN: from it come the addresses, so that jobs that run at
        once have different ones. resources: InstanceCount and InstanceType, or InstanceGroups, as
        in ResourceConfig and ClusterConfig.
        """
        self._hash = zlib.crc32(key.encode())
        first = _FIRST_ADDRESS + self._hash % _JOBS * 256
        self.hosts = [
            Host(f"algo-{number}", instance_type, group, _dotted(first + number))
            for number, (group, instance_type) in enumerate(_instances(resources), 1)
        ]

    @property
    def names(self) -> list[str]:
        """The hosts' names, sorted as strings: algo-1, algo-10, algo-2."""
        return sorted(host.name for host in self.hosts)

    def groups(self) -> dict[str, list[Host]]:
        """Return the hosts of each instance group."""
        groups: dict[str, list[Host]] = {}
        for host in self.hosts:
            groups.setdefault(host.group, []).append(host)
        return groups

    def hosts_file(self) -> str:
        """Return what /etc/hosts holds in each container: the machine's own, and the hosts."""
        try:
            known = _HOSTS_FILE.read_text(encoding="utf-8", errors="replace").rstrip("\n")
        except OSError:
            known = "127.0.0.1 localhost"
        return "\n".join([known, *(f"{host.address} {host.name}" for host in self.hosts), ""])

    def network_interface(self, isolated: bool) -> str:
        """Return the name of the interface by which the hosts reach each other.

        Differs from AWS, where it is eth0: several hosts meet on loopback, and libraries that are
        told the interface, such as gloo, listen there alone.
        """
        if len(self.hosts) == 1 and not isolated:
            return "eth0"
        return "lo0" if sys.platform == "darwin" else "lo"

    @functools.cached_property
    def rendezvous_port(self) -> int:
        """A port on which the first host can have the others meet, free when it was first asked.

        Differs from AWS, where each host has all ports to itself and 7777 is free: here, two jobs
        at once need one each, because libraries listen on all addresses.
        """
        for offset in range(_PORTS):
            port = _FIRST_PORT + (self._hash + offset) % _PORTS
            if _is_free(port):
                return port
        raise OSError("no port is free")

    def variables(self) -> dict[str, str]:
        """Return the environment variables by which a container's hosts find each other."""
        if len(self.hosts) == 1:
            return {}
        return {"MAZE_RENDEZVOUS_PORT": str(self.rendezvous_port)}


def _instances(resources: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the group and the type of each instance."""
    groups = resources.get("InstanceGroups") or [{**resources, "InstanceGroupName": HOMOGENEOUS}]
    for group in groups:
        for _ in range(group["InstanceCount"]):
            yield group["InstanceGroupName"], group["InstanceType"]


def _dotted(address: int) -> str:
    return socket.inet_ntoa(address.to_bytes(4, "big"))


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        try:
            trial.bind(("", port))
        except OSError:
            return False
        return True
