"""Chapter 1's notebooks: the exercise's words, scripts that stand alone, answers that follow."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from changed_notebook import printed_answers, run_changed
from conftest import RunningCloud
from test_session import BOILERPLATE

from maze_helpers import data, notebooks
from maze_helpers.metrics import metric_definitions, scrape

ROOT = Path(__file__).parents[1]
TASKS = (1, 2, 3, 4)
# A phrase of each question the exercise asks, in its order.
QUESTIONS = {
    1: ("compute environment", "System Terminal", "problems with training"),
    2: ("compute environment", "change the compute environment", "kernel, app and instance"),
    3: ("passes train and test data", "compute environment", "model is stored", "training data is"),
    4: ("the logs", "custom metrics", "MEM and CPU", "hyperparameters"),
}


SCORES = metric_definitions("precision", "recall", "f1")


def path_of(task: int) -> Path:
    return ROOT / f"chapter_1/task_{task}/training.ipynb"


def written_script(task: int) -> str:
    """Return what the notebook's %%writefile cell writes."""
    [cell] = [c for c in read(task).cells if c.source.startswith("%%writefile")]
    return cell.source.split("\n", 1)[1]


def read(task: int) -> nbformat.NotebookNode:
    return notebooks.read_notebook(path_of(task))


def run_script(task: int, folder: Path, *arguments: str, **environment: str) -> str:
    """Return what the notebook's script prints when it runs alone in a folder."""
    script = folder / "train.py"
    script.write_text(written_script(task))
    done = subprocess.run(
        [sys.executable, script.name, *arguments],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize("task", TASKS)
def test_every_question_of_the_exercise_has_an_answer_that_is_computed(task):
    asked = notebooks.questions(read(task))
    assert len(asked) == len(QUESTIONS[task])
    for phrase, question in zip(QUESTIONS[task], asked, strict=True):
        assert phrase in question.question
        assert "print(" in question.answer_code
        assert len(question.answer_text.split()) > 20


@pytest.mark.parametrize("task", TASKS)
def test_a_notebook_holds_no_outputs_and_its_cells_keep_their_names(task):
    cells = read(task).cells
    assert len({cell.id for cell in cells}) == len(cells)
    assert all(cell.id.startswith(f"c1t{task}-") for cell in cells)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)


def test_task_3_holds_the_boilerplate_word_for_word():
    assert BOILERPLATE.strip() in [cell.source for cell in read(3).cells]


def test_the_script_of_task_1_prints_its_scores_in_the_form_our_definitions_match(tmp_path):
    found = scrape(run_script(1, tmp_path).splitlines(), SCORES)
    assert [len(values) for values in found.values()] == [1, 1, 1]


@pytest.mark.parametrize("task", [2, 3, 4])
def test_a_script_trains_by_its_arguments_alone(task, tmp_path):
    folders = ("--train", str(data.DIGITS), "--test", str(data.DIGITS))
    printed = run_script(task, tmp_path, *folders, "--model-dir", "here", "--n-estimators", "60")
    found = scrape(printed.splitlines(), SCORES)
    assert [len(values) for values in found.values()] == [1, 1, 1]
    assert found["f1"][0] >= 0.95
    assert (tmp_path / "here/model.joblib").is_file()


@pytest.mark.parametrize("task", [3, 4])
def test_a_script_trains_by_the_environment_of_a_job_alone(task, tmp_path):
    digits, model = str(data.DIGITS), str(tmp_path / "model")
    run_script(task, tmp_path, SM_CHANNEL_TRAIN=digits, SM_CHANNEL_TEST=digits, SM_MODEL_DIR=model)
    assert (tmp_path / "model/model.joblib").is_file()


def test_importing_a_script_trains_nothing(tmp_path):
    for task in (2, 3, 4):
        (tmp_path / f"script_{task}.py").write_text(written_script(task))
        done = subprocess.run(
            [sys.executable, "-c", f"import script_{task}"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stdout) == (0, "")


@pytest.fixture
def answers(local_cloud: RunningCloud, tmp_path, monkeypatch):
    """A function that runs a task with some source changed; returns what its answers print."""
    monkeypatch.setenv("MAZE_HOME", str(local_cloud.home))

    def answers(task: int, **changes: tuple[str, str]) -> str:
        return printed_answers(run_changed(path_of(task), tmp_path, **changes))

    return answers


@pytest.mark.slow
def test_task_1_answers_from_what_the_run_leaves_behind(answers):
    kept = 'joblib.dump(model, "model.joblib")\nopen("run.log", "w").write("f1")'
    printed = answers(1, script=('joblib.dump(model, "model.joblib")', kept))
    assert "What did they print?       1 logs" in printed


@pytest.mark.slow
def test_task_3_answers_from_the_job_that_ran(answers):
    printed = answers(3, estimator=('"n-estimators": 150', '"n-estimators": 70'))
    assert "SM_HP_N-ESTIMATORS=70" in printed
    assert "train.py --max-depth 12 --n-estimators 70" in printed
    assert "n_estimators=70" in printed


@pytest.mark.slow
def test_task_4_answers_from_the_job_that_ran(answers):
    printed = answers(4, estimator=('"rounds": 20', '"rounds": 6'))
    assert "'rounds': '6'" in printed
    assert "round=5 trees=125" in printed
    assert "round=9" not in printed
