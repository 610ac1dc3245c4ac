"""Model servers: ready after a good ping, failed with a cause, and nothing left at their end."""

import os
import signal
import threading
import time
from dataclasses import replace

import pytest
from model_servers import (
    ENDPOINT,
    VARIANT,
    ask,
    cloud_at,
    gunicorns_of,
    leftovers,
    lines,
    processes_of,
    server_of,
    spec_of,
    until,
)

from maze_helpers.local_cloud.engine.hosting import model_server
from maze_helpers.local_cloud.engine.hosting.failures import ServerFailed


@pytest.fixture
def cloud(tmp_path):
    with cloud_at(tmp_path) as cloud:
        yield cloud


@pytest.fixture
def started(cloud):
    """Return a function that starts a server, which is ended after the test."""
    servers = []

    def start(spec, **arguments):
        servers.append(server_of(cloud, spec, **arguments))
        servers[-1].start()
        return servers[-1]

    yield start
    for server in servers:
        server.kill()


def failure(cloud, spec) -> str:
    """Return why a server does not start; nothing of it is left."""
    with pytest.raises(ServerFailed) as failed:
        server_of(cloud, spec).start()
    assert leftovers(cloud) == []
    return str(failed.value)


def test_a_server_answers_once_it_is_started(cloud, started):
    server = started(spec_of(cloud))
    assert server.alive and server.exit_code is None
    assert 0 < server.ready_at_s <= time.monotonic()
    assert ask(server, b"hello") == b"hello"


def test_nothing_is_left_of_a_server_that_was_stopped(cloud, started, tmp_path):
    server = started(spec_of(cloud))
    socket_folder = server.socket_path.parent
    assert socket_folder.exists() and processes_of(tmp_path)
    server.stop()
    assert not server.alive and server.exit_code == 0
    assert leftovers(cloud) == [] and not socket_folder.exists()
    assert processes_of(tmp_path) == []


def test_its_output_goes_to_a_stream_of_its_own_while_it_starts_as_well(cloud, started):
    script = "print('imported')\n" + "def model_fn(d): print('loaded')"
    server = started(spec_of(cloud, script))
    server.stop()
    (stream,) = cloud.logs.streams(f"/aws/sagemaker/Endpoints/{ENDPOINT}")
    assert stream["name"] == server.log_stream
    assert server.log_stream.startswith(f"{VARIANT}/i-0")
    assert {"imported", "loaded"} <= set(lines(cloud))


def test_it_has_the_number_of_workers_that_it_is_given(cloud, started):
    script = "import os\ndef model_fn(d): print('worker', os.getpid())"
    started(spec_of(cloud, script, workers=3))
    until(lambda: sum(line.startswith("worker ") for line in lines(cloud)) == 3, "3 workers")


def test_the_models_environment_wins(cloud, started):
    script = "import os\ndef model_fn(d): print('threads', os.environ['OMP_NUM_THREADS'])"
    spec = spec_of(cloud, script, thread_count=1)
    started(spec).stop()
    started(replace(spec, environment={**spec.environment, "OMP_NUM_THREADS": "7"})).stop()
    assert [line for line in lines(cloud) if "threads" in line] == ["threads 1", "threads 7"]


def test_a_home_that_the_model_chooses_is_left_as_it_is(cloud, started, tmp_path):
    home = tmp_path / "chosen"
    home.mkdir()
    script = "import os\ndef model_fn(d): print('home', os.environ['HOME'])"
    started(spec_of(cloud, script, environment={"HOME": str(home)})).stop()
    assert f"home {home}" in lines(cloud)
    assert list(home.iterdir()) == []


def test_its_credentials_are_the_roles_and_end_with_it(cloud, started):
    script = "import os\ndef model_fn(d): print('key', os.environ['AWS_ACCESS_KEY_ID'])"
    server = started(spec_of(cloud, script))
    until(lambda: any(line.startswith("key ") for line in lines(cloud)))
    (line,) = [line for line in lines(cloud) if line.startswith("key ")]
    key = cloud.credentials.find(line.removeprefix("key "))
    assert key.role_name == "SageMakerExecutionRole"
    assert key.expires_at > cloud.clock.time_s() + 365 * 86_400
    server.stop()
    assert cloud.credentials.find(key.access_key_id) is None


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        ("import no_such_package\ndef model_fn(d): pass", "no_such_package"),
        ("def model_fn(d): raise ValueError('bad weights')", "bad weights"),
        ("def model_fn(d): return open(d + '/model.joblib')", "model.joblib"),
        ("print('no functions')", "model_fn"),
        ("def model_fn(:", "predict.py"),
    ],
)
def test_a_script_that_cannot_serve_is_the_cause(cloud, script, cause):
    assert cause in failure(cloud, spec_of(cloud, script))


def test_an_entry_point_that_is_not_in_the_archive_names_the_files_that_are(cloud):
    text = failure(cloud, spec_of(cloud, program="inference.py"))
    assert "predict.py" in text and "inference.py" in text


def test_a_server_that_exits_says_with_which_code(cloud):
    script = "import os, time\nos.kill(os.getppid(), 9)\ntime.sleep(600)"
    assert "exited with code 137" in failure(cloud, spec_of(cloud, script))


def test_a_server_that_never_answers_fails_in_time(cloud):
    script = "import time\ntime.sleep(600)"
    text = failure(cloud, spec_of(cloud, script, startup_timeout_s=2))
    assert text == "GET /ping was not answered within 2 seconds."


def test_a_server_that_outgrows_its_memory_says_so(cloud):
    script = "data = bytearray(400 * 2**20)\nimport time\ntime.sleep(600)"
    text = failure(cloud, spec_of(cloud, script, memory_limit_mb=200))
    assert "its limit is 200 MB" in text


def test_a_server_can_be_stopped_while_it_starts(cloud):
    server = server_of(cloud, spec_of(cloud, "import time\ntime.sleep(600)"))
    failures = []

    def start():
        try:
            server.start()
        except ServerFailed as error:
            failures.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    until(lambda: leftovers(cloud), "its folder")
    server.kill()
    assert leftovers(cloud) == []
    thread.join()
    assert len(failures) == 1


def test_a_server_that_was_stopped_does_not_start(cloud):
    server = server_of(cloud, spec_of(cloud))
    server.stop()
    with pytest.raises(ServerFailed):
        server.start()
    assert leftovers(cloud) == []


def test_a_server_that_ends_by_itself_says_so_once(cloud, started):
    ended = []
    server = started(spec_of(cloud), on_end=ended.append)
    os.kill(server.pid, signal.SIGKILL)
    until(lambda: ended, "the end")
    server.stop()
    assert ended == [server] and not server.alive
    assert server.exit_code == 137
    assert leftovers(cloud) == []


def test_a_server_that_is_asked_to_end_does_not(cloud, started):
    ended = []
    started(spec_of(cloud), on_end=ended.append).stop()
    assert ended == []


def test_a_worker_that_is_killed_comes_back(cloud, started):
    script = """
    import os
    def model_fn(d): return None
    def input_fn(body, content_type): return body
    def predict_fn(body, model): return str(os.getpid())
    def output_fn(answer, accept): return answer
    """
    server = started(spec_of(cloud, script))
    _, workers = gunicorns_of(processes_of(cloud.home))
    assert workers
    for worker in workers:
        worker.kill()
    until(lambda: not any(worker.is_running() for worker in workers))
    assert int(ask(server)) > 0
    assert server.alive


def test_what_it_uses_is_measured(cloud):
    samples = []
    server = model_server.ModelServer(
        cloud,
        spec_of(cloud),
        model_server.ServerIdentity(ENDPOINT, VARIANT),
        lambda server: None,
        samples.append,
        sample_period_s=0.2,
    )
    server.start()
    until(lambda: len(samples) > 2, "samples")
    server.stop()
    assert max(sample.memory_percent for sample in samples) > 0
