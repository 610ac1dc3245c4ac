"""A container's own /opt/ml and process ids."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from running_container import Running, needs_namespaces, run, run_python

from maze_helpers.local_cloud import engine
from maze_helpers.local_cloud.engine.containers import isolation
from maze_helpers.local_cloud.engine.images import PACKAGE_ROOT

pytestmark = needs_namespaces
needs_own_ids = pytest.mark.skipif(isolation() != "pid", reason="/proc is masked on this machine")
SYSTEM_PYTHON = "/usr/bin/python3"


def test_the_container_finds_its_folder_at_opt_ml(tmp_path):
    (tmp_path / "opt" / "ml" / "input").mkdir(parents=True)
    (tmp_path / "opt" / "ml" / "input" / "greeting").write_text("hello\n")
    container = run(tmp_path, "sh", "-c", "cat /opt/ml/input/greeting; echo 1 >/opt/ml/written")
    assert container.ml_path == "/opt/ml"
    assert container.lines == ["hello"]
    assert (tmp_path / "opt" / "ml" / "written").read_text() == "1\n"


def test_nothing_appears_on_the_machine_itself(tmp_path):
    before = sorted(os.listdir("/opt"))
    mounts_before = Path("/proc/self/mounts").read_text()
    container = Running(tmp_path, ["sh", "-c", "touch /opt/stray; echo ready; sleep 600"])
    container.wait_for_line("ready")
    assert sorted(os.listdir("/opt")) == before
    assert Path("/proc/self/mounts").read_text() == mounts_before
    container.kill()
    container.end()
    assert sorted(os.listdir("/opt")) == before


def test_what_opt_held_is_still_there(tmp_path):
    container = run(tmp_path, "ls", "-A", "/opt")
    assert container.lines == sorted({*os.listdir("/opt"), "ml"})
    for name in os.listdir("/opt"):
        inside = run(tmp_path, "ls", "-A", f"/opt/{name}").lines
        assert sorted(inside) == sorted(os.listdir(f"/opt/{name}"))


def test_two_containers_do_not_see_each_others_folder(tmp_path):
    one = Running(tmp_path / "one", ["sh", "-c", "touch /opt/ml/one; echo ready; sleep 600"])
    one.wait_for_line("ready")
    assert run(tmp_path / "two", "ls", "/opt/ml").lines == []
    one.kill()
    one.end()


def test_the_container_reaches_the_machines_own_network(tmp_path):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        source = f"import socket; socket.create_connection(('127.0.0.1', {port})).close()"
        assert run_python(tmp_path, source).end() == 0


def test_the_container_keeps_the_users_id(tmp_path):
    assert run(tmp_path, "id", "-u").lines == [str(os.geteuid())]


@needs_own_ids
def test_the_container_sees_its_own_processes_alone(tmp_path):
    source = "import os; print(sorted(int(n) for n in os.listdir('/proc') if n.isdigit()))"
    container = run_python(tmp_path, source + "; print(os.getpid())")
    assert container.lines == ["[1, 2]", "2"]


def test_a_container_can_hold_a_namespace_of_its_own(tmp_path):
    assert run(tmp_path, "unshare", "-Ur", "true").end() == 0


def test_the_folder_may_itself_be_in_opt_ml_of_a_container(tmp_path):
    nested = """
import pathlib, sys
from running_container import run
inner = pathlib.Path("/opt/ml/inner")
print(run(inner, "sh", "-c", "echo deep > /opt/ml/file").lines, (inner/"opt/ml/file").read_text())
"""
    container = run_python(tmp_path, nested, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    assert container.lines == ["[] deep", ""]


INNER = """
import pathlib, sys
from running_container import run
print(run(pathlib.Path(sys.argv[1]), "pwd").lines, flush=True)
"""
# Its /opt is its own: what it copies there is on nobody's machine.
OUTER = """
import os, shutil, subprocess, sys
package, inner, folder = sys.argv[1:]
shutil.copytree(package, "/opt/app/maze_helpers")
subprocess.run([sys.executable, "-c", inner, folder], cwd="/opt/app", env=os.environ)
"""


def test_the_program_itself_may_be_in_opt(tmp_path):
    package, folder = str(PACKAGE_ROOT / "maze_helpers"), str(tmp_path / "inner")
    path = os.pathsep.join(filter(None, sys.path))
    command = [sys.executable, "-c", OUTER, package, INNER, folder]
    assert run(tmp_path / "outer", *command, PYTHONPATH=path).lines == ["['/opt/app']"]


@pytest.fixture
def public_folder():
    """A folder that every user can enter, with a copy of the engine to run."""
    with tempfile.TemporaryDirectory(prefix="maze-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        package = folder / "maze_helpers" / "local_cloud" / "engine"
        package.mkdir(parents=True)
        for module in ("supervisor.py", "namespaces.py"):
            shutil.copy(Path(engine.__file__).parent / module, package)
        yield folder


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv") or not os.path.exists(SYSTEM_PYTHON),
    reason="becoming another user takes root, setpriv and a Python that others may run",
)
def test_an_ordinary_user_gets_the_same(public_folder):
    (public_folder / "ml").mkdir()
    (public_folder / "ml").chmod(0o777)
    become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]
    supervisor = [SYSTEM_PYTHON, "-S", "-E", "-m", "maze_helpers.local_cloud.engine.supervisor"]
    script = "id -u; echo 1 > /opt/ml/written; ls -A /opt; grep CapEff /proc/self/status"
    with subprocess.Popen(
        [*become, *supervisor, isolation(), str(public_folder / "ml"), "sh", "-c", script],
        cwd=public_folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        lines = process.stdout.read().splitlines()
    capabilities = "CapEff:\t0000000000000000"
    assert lines == ["65534", *sorted({*os.listdir("/opt"), "ml"}), capabilities]
    assert (public_folder / "ml" / "written").stat().st_uid == 65534
