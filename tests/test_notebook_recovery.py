"""What becomes of notebook instances when something ends: the local cloud, Jupyter, the time."""

import threading
import time
from collections.abc import Iterator

import psutil
import pytest
from notebook_instances import Notebooks
from test_training_limits import CloudHere

from maze_helpers.local_cloud.engine import containers
from maze_helpers.local_cloud.engine.notebooks import folder, instance

pytestmark = pytest.mark.slow

ON_START = "echo started >> SageMaker/starts; sleep 1000 & echo $! > SageMaker/pid"


@pytest.fixture
def notebooks(new_cloud) -> Notebooks:
    return Notebooks(new_cloud)


def test_one_at_rest_is_as_it_was_and_one_that_came_up_starts_again(notebooks):
    failed, coming = notebooks.failed(), notebooks.create("sleep 30")
    notebooks.cloud.kill()
    notebooks.cloud.start()
    assert notebooks.describe(failed)["NotebookInstanceStatus"] == "Failed"
    assert notebooks.describe(coming)["NotebookInstanceStatus"] == "Pending"


@pytest.mark.parametrize("ending", ["kill", "stop"])
def test_what_was_in_service_comes_back_with_its_volume(notebooks, ending):
    name = notebooks.create(ON_START, "echo created >> SageMaker/starts")
    assert notebooks.settled(name)["NotebookInstanceStatus"] == "InService"
    volume = notebooks.cloud.home / "notebooks" / name / "home" / "SageMaker"
    of_before = set(psutil.Process(notebooks.cloud.info.pid).children(recursive=True))
    getattr(notebooks.cloud, ending)()
    psutil.wait_procs(of_before, timeout=30)
    assert not [process for process in of_before if process.is_running()]
    notebooks.cloud.start()
    assert notebooks.settled(name)["NotebookInstanceStatus"] == "InService"
    assert (volume / "starts").read_text().split() == ["created", "started", "started"]
    assert notebooks.open(name).get(f"{notebooks.base(name)}/api/contents/starts").ok
    assert notebooks.stop(name)["NotebookInstanceStatus"] == "Stopped"


@pytest.fixture
def here(tmp_path) -> Iterator[Notebooks]:
    """Notebook instances on a cloud in this process, whose parts a test may replace."""
    cloud = CloudHere(tmp_path / ".maze")
    yield Notebooks(cloud)
    cloud.close()


def jupyter_of(notebooks: Notebooks) -> psutil.Process:
    """Return the process of the one Jupyter there is."""
    below = psutil.Process().children(recursive=True)
    [found] = [one for one in below if any("notebook_jupyter" in word for word in one.cmdline())]
    return found


def test_without_namespaces_the_home_is_a_folder_that_the_log_names(here, monkeypatch):
    for module in (containers, folder):
        monkeypatch.setattr(module, "isolation", lambda: "none")
    name = here.create("pwd; echo hello > SageMaker/new; nohup sleep 1000 &")
    assert here.settled(name)["NotebookInstanceStatus"] == "InService"
    home = here.cloud.cloud.home / "notebooks" / name / "home"
    assert here.lines(name, "LifecycleConfigOnStart") == [str(home)]
    assert any(str(home) in line for line in here.lines(name, "jupyter.log") if "Hint: " in line)
    session, base = here.open(name), here.base(name)
    assert session.get(f"{base}/api/contents/new").json()["content"] == "hello\n"
    assert here.stop(name)["NotebookInstanceStatus"] == "Stopped"
    assert [path.name for path in home.iterdir()] == ["SageMaker"]
    assert psutil.Process().children(recursive=True) == []


def test_a_jupyter_that_ends_is_started_again_and_knows_its_sessions(here):
    name = here.create()
    assert here.settled(name)["NotebookInstanceStatus"] == "InService"
    session, base = here.open(name), here.base(name)
    first = jupyter_of(here)
    while time.time() - first.create_time() < 11:
        time.sleep(0.2)
    first.kill()
    first.wait()
    answered = threading.Event()
    while not answered.is_set():
        try:
            if session.get(f"{base}/api/contents").ok:
                answered.set()
        except OSError:
            time.sleep(0.1)
    assert jupyter_of(here) != first
    assert here.describe(name)["NotebookInstanceStatus"] == "InService"


def test_one_whose_jupyter_ends_at_once_is_failed_and_can_be_started(here):
    name = here.create()
    assert here.settled(name)["NotebookInstanceStatus"] == "InService"
    jupyter_of(here).kill()
    while here.describe(name)["NotebookInstanceStatus"] == "InService":
        time.sleep(0.1)
    described = here.describe(name)
    assert described["NotebookInstanceStatus"] == "Failed"
    assert "ended by itself" in described["FailureReason"]
    assert here.start(name)["NotebookInstanceStatus"] == "InService"


def test_a_script_that_takes_too_long_fails_its_instance_in_awss_words(here, monkeypatch):
    monkeypatch.setattr(instance, "SCRIPT_LIMIT_S", 1)
    name = here.create("sleep 60")
    reason = here.settled(name)["FailureReason"]
    assert reason.endswith(
        "took longer than 5 minutes. Please check your CloudWatch logs for more details if your "
        "Notebook Instance has Internet access."
    )
