"""The server's life: one a folder, on its own port, through restarts, kills and trouble."""

import json
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from trainer import Trainer

from maze_helpers.local_cloud import server
from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.local_cloud.home import Home, find_home

ROOT = Path(__file__).parents[1]


def listening_ports(pid: int) -> set[tuple[str, int]]:
    connections = psutil.Process(pid).net_connections("tcp")
    return {tuple(c.laddr) for c in connections if c.status == psutil.CONN_LISTEN}


def fails_to_start(home: Path, port: int | None = None) -> str:
    with pytest.raises(MazeError) as caught:
        server.start(home, port)
    assert "Traceback" not in str(caught.value)
    assert server.info(home) is None
    return str(caught.value)


def test_a_server_listens_on_the_loopback_alone(local_cloud):
    assert listening_ports(local_cloud.info.pid) == {("127.0.0.1", local_cloud.info.port)}


def test_starting_again_gives_the_same_server(local_cloud):
    assert server.start(local_cloud.home) == local_cloud.info


def test_the_folder_is_its_owners_alone_and_ignored_by_git(local_cloud):
    assert stat.S_IMODE(local_cloud.home.stat().st_mode) == 0o700
    assert (local_cloud.home / ".gitignore").read_text() == "*\n"
    for name in ("aws/credentials", "aws/config", "server.json"):
        assert stat.S_IMODE((local_cloud.home / name).stat().st_mode) == 0o600


def test_the_log_and_the_public_files_hold_no_secret(local_cloud):
    local_cloud.client("sts").get_caller_identity()
    secret = local_cloud.session.get_credentials().secret_key
    text = "".join(
        path.read_text(errors="replace")
        for path in local_cloud.home.rglob("*")
        if path.is_file() and path.name != "credentials"
    )
    assert secret not in text


def test_a_server_asked_for_on_another_port_says_where_it_is(local_cloud):
    with pytest.raises(MazeError, match=f"already up, on port {local_cloud.info.port}"):
        server.start(local_cloud.home, 1)


def test_many_starts_at_once_give_one_server(tmp_path):
    home = tmp_path / ".maze"
    try:
        with ThreadPoolExecutor(6) as pool:
            servers = list(pool.map(lambda _: server.start(home, 0), range(6)))
        assert len(set(servers)) == 1
    finally:
        server.stop(home)
    assert not psutil.pid_exists(servers[0].pid) or servers[0].process() is None


def test_stopping_removes_the_traces_and_says_whether_there_was_one(new_cloud):
    assert server.stop(new_cloud.home) is True
    assert server.stop(new_cloud.home) is False
    assert server.info(new_cloud.home) is None
    assert not (new_cloud.home / "server.json").exists()


def test_a_restart_keeps_the_port_the_keys_and_the_objects(new_cloud):
    s3 = new_cloud.client("s3")
    s3.create_bucket(Bucket="kept")
    s3.put_object(Bucket="kept", Key="x", Body=b"still here")
    before = new_cloud.endpoint_url
    new_cloud.restart()
    assert new_cloud.endpoint_url == before
    assert s3.get_object(Bucket="kept", Key="x")["Body"].read() == b"still here"


def test_a_killed_server_is_not_taken_for_a_running_one(new_cloud):
    killed = new_cloud.info
    new_cloud.kill()
    assert (new_cloud.home / "server.json").exists()
    assert server.info(new_cloud.home) is None
    new_cloud.start()
    assert new_cloud.info.pid != killed.pid
    assert new_cloud.info.port == killed.port


def test_a_pid_that_is_now_anothers_is_not_the_server(new_cloud):
    path = new_cloud.home / "server.json"
    mine = json.loads(path.read_text()) | {"pid": os.getpid()}
    path.write_text(json.dumps(mine))
    assert server.info(new_cloud.home) is None
    path.write_text(json.dumps(new_cloud.info.__dict__))


def test_a_server_file_of_another_version_or_cut_short_means_none(tmp_path):
    for text in ("", '{"pid": 1', '{"pid": 1, "colour": "blue"}', "[]"):
        (tmp_path / "server.json").write_text(text)
        assert server.info(tmp_path) is None


def test_a_port_in_use_is_named_with_the_way_out(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = fails_to_start(tmp_path / ".maze", port)
    assert f"Port {port} is in use by another program" in message
    assert "maze up --port 0" in message


def test_a_remembered_port_in_use_does_not_move_the_endpoint_silently(new_cloud):
    port = new_cloud.info.port
    new_cloud.stop()
    with socket.create_server(("127.0.0.1", port)):
        assert f"Port {port} is in use" in fails_to_start(new_cloud.home)
    new_cloud.start()
    assert new_cloud.info.port == port


def test_a_file_in_the_folders_place_is_left_alone(tmp_path):
    home = tmp_path / ".maze"
    home.write_text("mine")
    assert "is a file where the maze needs a folder" in fails_to_start(home)
    assert home.read_text() == "mine"


def test_a_newer_versions_state_is_refused_untouched(new_cloud):
    new_cloud.stop()
    database = sqlite3.connect(new_cloud.home / "cloud.db")
    database.execute("PRAGMA user_version = 99")
    database.close()
    assert "newer version of the maze" in fails_to_start(new_cloud.home)
    database = sqlite3.connect(new_cloud.home / "cloud.db")
    assert database.execute("PRAGMA user_version").fetchone() == (99,)
    database.close()


def test_a_damaged_database_is_named(tmp_path):
    Home(tmp_path).prepare()
    (tmp_path / "cloud.db").write_bytes(b"not a database at all" * 100)
    assert "is damaged" in fails_to_start(tmp_path)


def in_a_namespace(script: str, home: Path) -> subprocess.CompletedProcess:
    """Run a shell script as the root of its own mount namespace; `$1` is the home."""
    start = f"import sys; from pathlib import Path; from {server.__name__} import start, stop\n"
    start += "stop(Path(sys.argv[1])) if start(Path(sys.argv[1]), 0) else 0"
    command = ["unshare", "--map-root-user", "--mount", "sh", "-ec", script, "sh", str(home)]
    command += [sys.executable, "-c", start]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


needs_namespaces = pytest.mark.skipif(
    not sys.platform.startswith("linux")
    or subprocess.run(["unshare", "--map-root-user", "--mount", "true"]).returncode != 0,
    reason="this machine allows no mount namespaces",
)


@needs_namespaces
def test_a_full_disk_is_one_clear_line(tmp_path):
    script = 'mount -t tmpfs -o size=16k none "$1"; home=$1; shift; exec "$@" "$home/.maze"'
    done = in_a_namespace(script, tmp_path)
    assert "MazeError: The disk that holds" in done.stderr.splitlines()[-1]
    assert "is full: free some space" in done.stderr.splitlines()[-1]


@needs_namespaces
def test_a_folder_without_write_permission_is_one_clear_line(tmp_path):
    script = 'mount -t tmpfs -o ro none "$1"; home=$1; shift; exec "$@" "$home/.maze"'
    done = in_a_namespace(script, tmp_path)
    assert "cannot be written to: give yourself write permission" in done.stderr.splitlines()[-1]


def test_the_foreground_server_tells_its_troubles_on_the_terminal(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", server.__name__, "--home", str(tmp_path), "--port", port]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Port {port} is in use") and done.stderr.count("\n") == 1


def test_expect_100_continue_is_honoured(local_cloud):
    with socket.create_connection(("127.0.0.1", local_cloud.info.port), timeout=10) as client:
        client.sendall(
            b"PUT /bucket/key HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
            b"Expect: 100-continue\r\n\r\n"
        )
        # Unsigned, so it is refused before it is asked for its body.
        assert client.recv(4096).startswith(b"HTTP/1.1 403")


def test_a_thousand_clients_find_room_wherever_the_shell_allows_it(tmp_path):
    script = (
        "import resource; from maze_helpers.local_cloud import serving; "
        "resource.setrlimit(resource.RLIMIT_NOFILE, (256, 4096)); "
        "serving.allow_open_files(serving.OPEN_FILES); "
        "print(resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert found.stdout == "(4096, 4096)\n"


def test_the_home_is_the_environments_or_the_checkouts_or_here(tmp_path, monkeypatch):
    monkeypatch.delenv("MAZE_HOME", raising=False)
    monkeypatch.chdir(ROOT / "tests")
    assert find_home() == ROOT / ".maze"
    monkeypatch.chdir(tmp_path)
    assert find_home() == tmp_path / ".maze"
    monkeypatch.setenv("MAZE_HOME", "elsewhere")
    assert find_home() == tmp_path / "elsewhere"


def test_a_server_that_crashes_as_it_starts_names_its_last_words(tmp_path, monkeypatch):
    (tmp_path / "uvicorn.py").write_text("raise RuntimeError('no uvicorn today')")
    monkeypatch.setattr(server, "PACKAGES", f"{tmp_path}{os.pathsep}{ROOT}")
    message = fails_to_start(tmp_path / ".maze")
    assert "RuntimeError: no uvicorn today" in message
    assert str(tmp_path / ".maze" / "logs" / "server.stderr") in message


def test_a_server_ends_in_good_order_on_ctrl_c(new_cloud):
    new_cloud.info.process().send_signal(signal.SIGINT)
    new_cloud.info.process().wait(timeout=20)
    assert not (new_cloud.home / "server.json").exists()
    assert "Finished server process" in (new_cloud.home / "logs" / "server.log").read_text()


def test_stopping_ends_the_jobs_and_says_so_in_their_status(new_cloud):
    trainer = Trainer(new_cloud)
    job = trainer.create("import time; print('running', flush=True); time.sleep(600)")
    trainer.wait_for_line(job, "running")
    processes = new_cloud.info.process().children(recursive=True)
    assert processes
    new_cloud.restart()
    assert not [process for process in processes if process.is_running()]
    ended = trainer.describe(job)
    assert ended["TrainingJobStatus"] == "Failed" and ended["FailureReason"]
