"""The serve contract: what the workers do when a model does not load, or when one dies."""

import re
import signal
import threading
import time
from contextlib import ExitStack

import pytest
from serving_container import JSON, SUMS, Answer, ModelServer, Served, serving

# A worker's time-out: it has to import numpy in this time, however busy the machine is.
LIMIT_S = 5
LOADS_LATER = """
import os

def model_fn(model_dir):
    print("loading", flush=True)
    with open(os.path.join(model_dir, "model.bin")) as file:
        return file.read()

def transform_fn(model, content, content_type, accept):
    return model
"""
# Says that it has begun, and answers when it is let go.
WAITS = """
import os, time

def model_fn(model_dir):
    return model_dir

def transform_fn(model_dir, content, content_type, accept):
    print("begun " + content, flush=True)
    while not os.path.exists(os.path.join(model_dir, content)):
        time.sleep(0.01)
    return "done"
"""


def not_loading(script: str) -> Served:
    return Served(files={"predict.py": script}, workers=2)


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (
            "import no_such_module",
            "predict.py cannot be imported: ModuleNotFoundError: No module named 'no_such_module'",
        ),
        (
            "def model_fn(model_dir:",
            "predict.py cannot be imported: SyntaxError: ",
        ),
        (
            "def model_fn(model_dir):\n    raise ValueError('not\\ntoday')",
            "model_fn of predict.py failed: ValueError: not today",
        ),
        (
            "import sys\ndef model_fn(model_dir):\n    sys.exit('by itself')",
            "model_fn of predict.py failed: SystemExit: by itself",
        ),
        (
            "x = 1",
            "predict.py has no model_fn: the scikit-learn image needs a function "
            "model_fn(model_dir) that loads the model and returns it.",
        ),
        (
            SUMS + "def transform_fn(*given): pass\ndef predict_fn(*given): pass",
            "predict.py has transform_fn and predict_fn: ",
        ),
    ],
    ids=["import", "syntax", "model_fn", "exit", "no model_fn", "too many functions"],
)
def test_what_does_not_load_answers_500_and_says_why_once(script, why):
    with serving(not_loading(script)) as server:
        workers = []
        for _ in range(4):
            assert server.ping().status == 500
            workers = workers or server.workers
        assert server.invoke("[1]").status == 500
        assert server.why.startswith(why)
        server.wait_for_log("POST /invocations")
        server.wait_for_log("ERROR - local-cloud - ")
        assert server.log.count("ERROR - local-cloud - ") == 1
        # The very same processes: no worker dies of it.
        assert set(server.workers) >= set(workers)
        assert server.stop() == 0


@pytest.mark.parametrize("name", ["code", "test", "time"])
def test_an_entry_point_with_the_name_of_a_module_of_pythons_needs_another(name):
    with serving(Served(files={f"{name}.py": SUMS}, program=f"{name}.py")) as server:
        assert server.ping().status == 500
        assert server.why == (
            f"{name}.py was not imported, but Python's own module {name}: "
            "give the entry point another name."
        )


def test_a_traceback_begins_with_the_users_code():
    script = "def model_fn(model_dir):\n    raise ValueError('here')"
    with serving(not_loading(script)) as server:
        server.ping()
        # The worker that answers need not be the one that writes it.
        server.wait_for_log(r"Traceback.*\n  File \".*/code/predict.py\", line 2, in mod")


def test_a_file_that_the_model_lacks_names_those_it_has():
    served = Served(files={"predict.py": LOADS_LATER}, model={"model.pkl": "", "code/x.py": ""})
    with serving(served) as server:
        server.ping()
        folder = server.base / "model"
        assert server.why == (
            "model_fn of predict.py failed: FileNotFoundError: [Errno 2] No such file or "
            f"directory: '{folder}/model.bin' ({folder} holds: model.pkl, code/x.py)"
        )


def test_a_model_is_loaded_again_at_the_next_request():
    with serving(Served(files={"predict.py": LOADS_LATER})) as server:
        assert server.ping().status == 500
        assert server.why
        (server.base / "model" / "model.bin").write_text("at last")
        assert server.ping().status == 200
        assert server.why is None
        assert server.invoke("[]").body == b"at last"


def test_a_worker_that_is_killed_comes_back():
    with serving() as server:
        server.ping()
        first = server.workers[0]
        first.kill()
        server.wait_for_log(r"Worker \(pid:\d+\) was sent SIGKILL")
        assert server.invoke("[[1, 2]]").body == b"[3.0]"
        assert server.workers[0].pid != first.pid


def test_workers_that_die_while_they_load_are_not_started_for_ever():
    script = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    with serving(Served(files={"predict.py": script})) as server:
        assert server.wait() != 0
        assert server.log.count("Booting worker") == 3
        assert server.why == (
            "3 workers in a row ended while they loaded predict.py and its model: "
            "the log says how they ended."
        )


def test_a_worker_that_takes_too_long_is_replaced():
    variables = {"SAGEMAKER_MODEL_SERVER_TIMEOUT": str(LIMIT_S)}
    served = Served(files={"predict.py": WAITS}, variables=variables)
    with serving(served) as server:
        server.ping()
        assert server.invoke("never").status == 500
        assert "[CRITICAL] WORKER TIMEOUT" in server.log
        assert f"the worker was busy for more than {LIMIT_S} s (SAGEMAKER_MODEL_S" in server.log
        (server.base / "model" / "now").touch()
        assert server.invoke("now").body == b"done"


@pytest.mark.slow
def test_a_model_that_takes_too_long_to_load_is_not_tried_for_ever():
    variables = {"SAGEMAKER_MODEL_SERVER_TIMEOUT": str(LIMIT_S)}
    script = "import time\ndef model_fn(model_dir):\n    time.sleep(600)"
    with serving(Served(files={"predict.py": script}, variables=variables)) as server:
        assert server.wait() != 0
        assert server.log.count("[CRITICAL] WORKER TIMEOUT") == 3
        assert "3 workers in a row ended while they loaded predict.py and its model" in server.log
        assert server.why == (
            "model_fn of predict.py failed: WorkerTimeout: the worker was busy for more than "
            f"{LIMIT_S} s (SAGEMAKER_MODEL_SERVER_TIMEOUT)"
        )


def in_background(server: ModelServer, name: str) -> tuple[threading.Thread, list[Answer]]:
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(server.invoke(name, JSON)))
    thread.start()
    server.wait_for_log(f"^begun {name}$")
    return thread, answers


def test_a_stop_lets_the_request_under_way_come_to_its_end():
    with serving(Served(files={"predict.py": WAITS})) as server:
        server.ping()
        thread, answers = in_background(server, "go")
        server.process.send_signal(signal.SIGTERM)
        server.wait_for_log("Handling signal: term")
        (server.base / "model" / "go").touch()
        thread.join()
        assert answers[0].body == b"done"
        assert server.wait() == 0
        assert not server.socket_path.exists()


def test_a_free_worker_answers_while_another_is_busy():
    with serving(Served(files={"predict.py": WAITS}, workers=2)) as server:
        server.ping()
        thread, answers = in_background(server, "go")
        (server.base / "model" / "quick").touch()
        assert server.invoke("quick").body == b"done"
        assert not answers
        (server.base / "model" / "go").touch()
        thread.join()
        assert answers[0].status == 200


def test_clients_that_do_not_hang_up_hold_no_worker():
    with serving() as server, ExitStack() as connections:
        server.ping()
        began_s = time.monotonic()
        for _ in range(20):
            idle = connections.enter_context(server.connect())
            idle.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
            assert idle.recv(1 << 16).startswith(b"HTTP/1.1 200 OK")
        # gunicorn alone would wait two seconds for each.
        assert time.monotonic() - began_s < 20


def test_what_the_code_writes_is_in_the_log_at_once():
    with serving(Served(files={"predict.py": WAITS.replace(", flush=True", "")})) as server:
        server.ping()
        thread, _ = in_background(server, "go")
        (server.base / "model" / "go").touch()
        thread.join()


def test_the_lines_of_two_workers_do_not_run_together():
    script = """
import time

def model_fn(model_dir):
    while time.time() % 0.5 > 0.01:
        pass
    for _ in range(300):
        print("one line")
    print("the last")
"""
    with serving(Served(files={"predict.py": script}, workers=2)) as server:
        server.wait_for_log(r"(?s)the last.*the last")
        lines = [line for line in server.log.splitlines() if "one line" in line]
    assert lines.count("one line") == 600
    assert set(lines) == {"one line"}


def test_the_codes_loggers_write_to_the_log_from_info_on():
    script = SUMS + (
        "import logging\n"
        "logging.getLogger('my.own').info('for information')\n"
        "logging.getLogger('my.own').debug('for nobody')\n"
    )
    variables = {"SAGEMAKER_CONTAINER_LOG_LEVEL": "10"}
    with serving(Served(files={"predict.py": script}, variables=variables)) as server:
        server.ping()
        assert re.search(r"^[\d-]+ [\d:,]+ INFO - my\.own - for information$", server.log, re.M)
        assert "for nobody" not in server.log
