"""What becomes of notebook instances when the local cloud ends and starts again."""

import psutil
import pytest
from notebook_instances import Notebooks

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


@pytest.mark.slow
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
