"""The hosts of a job: names, addresses, groups, and how they meet."""

import ipaddress
import socket

from hypothesis import given
from hypothesis import strategies as st

from maze_helpers.local_cloud.engine.cluster import HOMOGENEOUS, Cluster


def cluster(count: int = 2, key: str = "job") -> Cluster:
    return Cluster(key, {"InstanceType": "ml.m5.large", "InstanceCount": count})


def test_hosts_are_numbered_from_one_and_named_in_order_of_strings():
    eleven = cluster(11)
    assert [host.name for host in eleven.hosts] == [f"algo-{n}" for n in range(1, 12)]
    assert eleven.names == sorted(eleven.names)
    assert eleven.names[:3] == ["algo-1", "algo-10", "algo-11"]


@given(st.text(), st.integers(1, 200))
def test_each_host_has_an_address_of_its_own_on_loopback(key, count):
    addresses = [ipaddress.ip_address(host.address) for host in cluster(count, key).hosts]
    assert len(set(addresses)) == count
    assert all(address in ipaddress.ip_network("127.64.0.0/10") for address in addresses)


def test_two_jobs_have_different_addresses():
    first, second = cluster(key="job-1").hosts, cluster(key="job-2").hosts
    assert not {host.address for host in first} & {host.address for host in second}


def test_hosts_without_groups_are_one():
    assert {name: len(hosts) for name, hosts in cluster(3).groups().items()} == {HOMOGENEOUS: 3}


def test_hosts_of_groups_are_numbered_through_them():
    groups = [
        {"InstanceGroupName": "head", "InstanceType": "ml.m5.large", "InstanceCount": 1},
        {"InstanceGroupName": "workers", "InstanceType": "ml.c5.xlarge", "InstanceCount": 2},
    ]
    mixed = Cluster("job", {"InstanceGroups": groups})
    assert [(host.name, host.group, host.instance_type) for host in mixed.hosts] == [
        ("algo-1", "head", "ml.m5.large"),
        ("algo-2", "workers", "ml.c5.xlarge"),
        ("algo-3", "workers", "ml.c5.xlarge"),
    ]


def test_the_hosts_file_keeps_what_the_machine_knows():
    two = cluster()
    lines = two.hosts_file().splitlines()
    assert lines[-2:] == [f"{two.hosts[0].address} algo-1", f"{two.hosts[1].address} algo-2"]
    assert any("localhost" in line for line in lines[:-2])


def test_several_hosts_meet_on_loopback_at_a_port_that_is_free():
    two = cluster()
    port = int(two.variables()["MAZE_RENDEZVOUS_PORT"])
    with socket.create_server(("127.0.0.1", port)):
        assert cluster().rendezvous_port != port
    assert two.rendezvous_port == port
    assert two.network_interface(isolated=False).startswith("lo")


def test_a_single_host_is_told_what_aws_tells_it():
    alone = cluster(1)
    assert alone.network_interface(isolated=False) == "eth0"
    assert alone.variables() == {}
