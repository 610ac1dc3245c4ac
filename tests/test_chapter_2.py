"""Chapter 2's notebooks: the exercise's words, scripts that stand alone, clean ends."""

import json
import sys
from pathlib import Path

import joblib
import nbformat
import pytest
from changed_notebook import printed_answers, run_changed
from conftest import RunningCloud
from sklearn.ensemble import RandomForestClassifier

from maze_helpers import data, notebooks
from maze_helpers.run_report import Result

ROOT = Path(__file__).parents[1]
TASKS = (1, 2, 3)
# A phrase of each question the exercise asks, in its order.
QUESTIONS = {
    1: ("compute environment", "custom script", "load the model", "HTTP server software"),
    2: ("memory and vCPU", "endpoint scales", "advantages", "Large Language Models"),
    3: ("two instances", "how much data", "filter input data and output data"),
}


def path_of(task: int) -> Path:
    return ROOT / f"chapter_2/task_{task}/inference.ipynb"


def read(task: int) -> nbformat.NotebookNode:
    return notebooks.read_notebook(path_of(task))


def write_scripts(task: int, folder: Path) -> None:
    """Write what the notebook's %%writefile cells write, below a folder."""
    for cell in read(task).cells:
        if cell.source.startswith("%%writefile"):
            first, text = cell.source.split("\n", 1)
            path = folder / first.split()[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


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
    assert all(cell.id.startswith(f"c2t{task}-") for cell in cells)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)


@pytest.mark.parametrize("task", TASKS)
def test_the_script_loads_what_a_job_left(task, tmp_path, monkeypatch):
    write_scripts(task, tmp_path)
    joblib.dump(RandomForestClassifier(3).fit([[0], [1]], [0, 1]), tmp_path / "model.joblib")
    predict = import_script(tmp_path, "predict", monkeypatch)
    assert predict.model_fn(str(tmp_path)).n_estimators == 3


def test_the_handlers_of_task_1_answer_with_a_digit_and_its_share_of_votes(tmp_path, monkeypatch):
    write_scripts(1, tmp_path)
    train, test = data.digits()
    model = RandomForestClassifier(30, random_state=0)
    model.fit(train[data.PIXELS].to_numpy(), train[data.LABEL])
    pixels = test[data.PIXELS].head(5).to_numpy()
    confident = import_script(tmp_path, "confident", monkeypatch)
    array = confident.input_fn(json.dumps(pixels.tolist()), "application/json")
    body, content_type = confident.output_fn(confident.predict_fn(array, model), "*/*")
    assert content_type == "application/json"
    answers = json.loads(body)
    assert [answer["digit"] for answer in answers] == model.predict(pixels).tolist()
    shares = model.predict_proba(pixels).max(axis=1)
    assert [answer["confidence"] for answer in answers] == pytest.approx(shares, abs=1e-3)


def test_the_handlers_of_task_1_take_nothing_but_json(tmp_path, monkeypatch):
    write_scripts(1, tmp_path)
    confident = import_script(tmp_path, "confident", monkeypatch)
    with pytest.raises(ValueError, match="not text/csv"):
        confident.input_fn("1,2", "text/csv")


def test_the_script_of_task_3_answers_in_csv_and_notes_what_it_was_asked(
    tmp_path, monkeypatch, capsys
):
    write_scripts(3, tmp_path)
    _, test = data.digits()
    pixels = test[data.PIXELS].head(20)
    model = RandomForestClassifier(5, random_state=0).fit(pixels.to_numpy(), test[data.LABEL][:20])
    predict = import_script(tmp_path, "predict", monkeypatch)
    body = pixels.to_csv(header=False, index=False)
    answer, content_type = predict.transform_fn(model, body, "text/csv", "text/csv")
    assert content_type == "text/csv"
    assert answer.split() == [str(digit) for digit in model.predict(pixels.to_numpy())]
    name, _, note = capsys.readouterr().out.partition(" ")
    assert name == "request" and json.loads(note)["rows"] == 20


def import_script(folder: Path, name: str, monkeypatch):
    """Import a script of a folder's `src`, in a process that may hold another's already."""
    monkeypatch.syspath_prepend(str(folder / "src"))
    for module in ("predict", "confident"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    return __import__(name)


@pytest.fixture
def run(local_cloud: RunningCloud, tmp_path, monkeypatch):
    """A function that runs a task with some source changed; returns the result."""
    monkeypatch.setenv("MAZE_HOME", str(local_cloud.home))

    def run(task: int, **changes: tuple[str, str]) -> Result:
        return run_changed(path_of(task), tmp_path, **changes)

    return run


def endpoints(cloud: RunningCloud) -> list[str]:
    listed = cloud.client("sagemaker").list_endpoints()["Endpoints"]
    return [endpoint["EndpointName"] for endpoint in listed]


@pytest.mark.slow
def test_task_1_answers_from_the_endpoint_that_ran(run, local_cloud):
    three = ('"src", role=maze.role)', '"src", role=maze.role, model_server_workers=3)')
    printed = printed_answers(run(1, attach=three))
    assert "model_fn ran" in printed
    assert "Starting gunicorn" in printed
    assert '"digit": 0' in printed
    assert endpoints(local_cloud) == []


@pytest.mark.slow
def test_a_script_that_does_not_import_stops_task_1_with_the_reason(run, local_cloud):
    result = run(1, script=("import joblib", "import jobllib"))
    assert not result.passed
    assert "did not pass the ping health check" in result.failure
    assert "jobllib" in result.failure
    assert endpoints(local_cloud) == []


@pytest.mark.slow
def test_task_2_answers_from_the_load_that_it_made(run, local_cloud):
    result = run(2, **{"load-five": ("rate, duration_s = 15, 3", "rate, duration_s = 30, 3")})
    printed = printed_answers(result)
    assert "2048 MB, 5 at a time" in printed
    assert "calls refused" in printed
    assert endpoints(local_cloud) == []


@pytest.mark.slow
def test_task_3_answers_from_the_jobs_that_it_ran(run):
    result = run(3, data=("(40, 1)", "(4, 1)"), split=("dtype=object), 8)", "dtype=object), 3)"))
    printed = printed_answers(result)
    assert "took part-0.csv, part-2.csv: 4,792 rows" in printed
    assert "took part-1.csv: 2,396 rows" in printed
    assert "pile.csv, rows in each request: 7,188\n" in printed


@pytest.mark.slow
def test_one_object_for_two_instances_does_not_pass_the_check_of_task_3(run):
    result = run(3, data=("(40, 1)", "(1, 1)"), split=("dtype=object), 8)", "dtype=object), 1)"))
    assert not result.passed
    assert "had 2 instances, but" in result.failure and "had no request" in result.failure
