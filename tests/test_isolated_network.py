"""A network of a job's own, and what containers know of any network."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from running_container import PATIENCE_S, PYTHON, Running, needs_namespaces

from maze_helpers.local_cloud import engine
from maze_helpers.local_cloud.engine.containers import ContainerNetwork
from maze_helpers.local_cloud.engine.isolated_network import IsolatedNetwork, isolated_network

_available = isolated_network()
if _available is not None:
    _available.close()
pytestmark = needs_namespaces
needs_networks = pytest.mark.skipif(
    _available is None, reason="this machine does not allow network namespaces"
)
SYSTEM_PYTHON = "/usr/bin/python3"
HOSTS = "127.0.0.1 localhost\n127.64.7.1 algo-1\n127.64.7.2 algo-2\n"
LISTENS = """
import socket
with socket.create_server(("algo-1", 7777)) as server:
    print("listening", flush=True)
    with server.accept()[0] as other:
        print(other.recv(100).decode())
"""
SPEAKS = """
import socket
with socket.create_connection(("algo-1", 7777), timeout=30) as server:
    server.sendall(socket.gethostname().encode())
"""


@pytest.fixture
def hosts_file(tmp_path) -> Path:
    path = tmp_path / "hosts"
    path.write_text(HOSTS)
    return path


@pytest.fixture
def network() -> Iterator[IsolatedNetwork]:
    made = IsolatedNetwork()
    yield made
    made.close()


def start(folder: Path, source: str, network: ContainerNetwork) -> Running:
    return Running(folder, [PYTHON, "-c", source], network=network)


def test_a_container_has_its_hosts_name_and_finds_the_others(tmp_path, hosts_file):
    source = """
import socket
print(socket.gethostname(), socket.gethostbyname("algo-1"), socket.gethostbyname("algo-2"))
"""
    container = start(tmp_path, source, ContainerNetwork("algo-2", hosts_file))
    assert container.end() == 0
    assert container.lines == ["algo-2 127.64.7.1 127.64.7.2"]


def test_the_machine_keeps_its_own_name_and_hosts(tmp_path, hosts_file):
    name, hosts = socket.gethostname(), Path("/etc/hosts").read_text()
    container = start(tmp_path, "input()", ContainerNetwork("algo-1", hosts_file))
    container.end()
    assert (socket.gethostname(), Path("/etc/hosts").read_text()) == (name, hosts)


@needs_networks
def test_an_isolated_container_reaches_nothing_of_the_machine(tmp_path, hosts_file, network):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        source = f"""
import socket
print([name for _, name in socket.if_nameindex()])
for address in ({address}, ("192.0.2.1", 80)):
    try:
        socket.create_connection(address, timeout=5)
    except OSError as error:
        print(error.strerror)
"""
        container = start(tmp_path, source, ContainerNetwork("algo-1", hosts_file, network))
        assert container.end() == 0
    # Some kernels add an interface for tunnels to every network; it is down.
    assert container.lines[0].startswith("['lo'")
    assert container.lines[1:] == ["Connection refused", "Network is unreachable"]


@needs_networks
def test_the_hosts_of_an_isolated_job_reach_each_other(tmp_path, hosts_file, network):
    first = start(tmp_path / "1", LISTENS, ContainerNetwork("algo-1", hosts_file, network))
    first.wait_for_line("listening")
    second = start(tmp_path / "2", SPEAKS, ContainerNetwork("algo-2", hosts_file, network))
    assert (second.end(), first.end()) == (0, 0)
    assert first.lines == ["listening", "algo-2"]


@needs_networks
def test_two_isolated_jobs_do_not_reach_each_other(tmp_path, hosts_file, network):
    first = start(tmp_path / "1", LISTENS, ContainerNetwork("algo-1", hosts_file, network))
    first.wait_for_line("listening")
    others = IsolatedNetwork()
    second = start(tmp_path / "2", SPEAKS, ContainerNetwork("algo-2", hosts_file, others))
    others.close()
    assert second.end() == 1
    assert any("Connection refused" in line for line in second.lines)
    first.kill()
    first.end()


@needs_networks
def test_the_command_inherits_no_namespaces(tmp_path, hosts_file, network):
    container = start(
        tmp_path,
        "import os; print(sorted(os.listdir('/proc/self/fd'))[:3])\n"
        "print([n for n in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{n}')"
        " and 'net:' in os.readlink(f'/proc/self/fd/{n}')])",
        ContainerNetwork("algo-1", hosts_file, network),
    )
    assert container.end() == 0
    assert container.lines == ["['0', '1', '2']", "[]"]


# Two hosts, one after the other, in one network.
AS_ANOTHER_USER = """
import subprocess, sys
from maze_helpers.local_cloud.engine.isolated_network import IsolatedNetwork
network = IsolatedNetwork()
for host in ("algo-1", "algo-2"):
    options = ["--network", ",".join(map(str, network.file_descriptors)), "--host-name", host]
    module = "maze_helpers.local_cloud.engine.supervisor"
    supervisor = subprocess.Popen(
        [sys.executable, "-m", module, *options, "--hosts-file", "hosts", "mount", "ml",
         "sh", "-c", "id -u; hostname; tail -n 1 /etc/hosts"],
        pass_fds=network.file_descriptors,
        stdin=subprocess.PIPE,  # the life line
    )
    supervisor.wait()
"""


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that every user can enter, with a copy of what makes networks."""
    with tempfile.TemporaryDirectory(prefix="maze-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        package = folder / "maze_helpers" / "local_cloud" / "engine"
        package.mkdir(parents=True)
        for module in ("supervisor.py", "namespaces.py", "isolated_network.py"):
            shutil.copy(Path(engine.__file__).parent / module, package)
        (folder / "ml").mkdir()
        (folder / "hosts").write_text(HOSTS)
        yield folder


@needs_networks
@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv") or not os.path.exists(SYSTEM_PYTHON),
    reason="becoming another user takes root, setpriv and a Python that others may run",
)
def test_an_ordinary_user_gets_the_same(public_folder):
    become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]
    done = subprocess.run(
        [*become, SYSTEM_PYTHON, "-c", AS_ANOTHER_USER],
        cwd=public_folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.stdout.splitlines() == [
        *("65534", "algo-1", "127.64.7.2 algo-2"),
        *("65534", "algo-2", "127.64.7.2 algo-2"),
    ], done.stderr
