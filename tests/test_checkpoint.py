"""A checkpoint puts in place what a task starts from, and takes nothing from the learner."""

import os
import subprocess
import sys

import editions
import nbformat
import papermill
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from maze_helpers import checkpoint, cli, learner, progress, start, tasks
from maze_helpers.checks import NotBegun
from maze_helpers.kernel import CurrentInterpreter
from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.tasks import TASKS, Place

CELL_TIMEOUT_S = 300
TRAINS = """
import os, joblib, pandas as pd
from sklearn.ensemble import RandomForestClassifier
rows = pd.read_csv(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "train.csv"))
pd.read_csv(os.path.join(os.environ["SM_CHANNEL_TEST"], "test.csv"))
model = RandomForestClassifier(30, random_state=0).fit(rows.iloc[:, :-1], rows.iloc[:, -1])
joblib.dump(model, os.path.join(os.environ["SM_MODEL_DIR"], "model.joblib"))
"""


@pytest.fixture
def root(tmp_path):
    """A learner's folder in which nothing is done."""
    for task in TASKS:
        (tmp_path / "maze-work" / task.name).mkdir(parents=True)
    with progress.changing(tmp_path / "maze-work"):
        pass
    return tmp_path / "maze-work"


def place_of(root, number):
    return Place(root, TASKS[number])


def take(root, number, source=None):
    """Return what a checkpoint of a task that needs no cloud says."""
    return list(checkpoint.take(place_of(root, number), source))


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def group(tmp_path, **scripts):
    """Return the folder of a group's shared work, whose scripts are by task: task_1='train.py'."""
    for task, name in scripts.items():
        folder = tmp_path / "our-maze" / "ann" / "chapter_1" / task
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(TRAINS)
        cells = [new_code_cell("print(1)", metadata={"papermill": {"path": "/home/ann"}})]
        nbformat.write(new_notebook(cells=cells), folder / "training.ipynb")
    return tmp_path / "our-maze" / "ann"


def refused(root, number, source, words):
    with pytest.raises(MazeError) as told:
        take(root, number, source)
    assert words in str(told.value) and "\n" not in str(told.value)
    assert not (root / TASKS[number].name / checkpoint.FOLDER).exists()


def test_the_first_task_starts_from_nothing(root):
    assert take(root, 0) == ["chapter_1/task_1 starts from nothing: open training.ipynb."]


@pytest.mark.parametrize(("number", "script"), [(1, "train.py"), (2, "src/train.py")])
def test_a_task_starts_from_the_script_of_the_task_before(root, number, script):
    said = take(root, number)
    left = files_of(root / TASKS[number].name / "previous_task")
    assert sorted(left) == sorted([script, "training.ipynb"])
    compile(left[script], script, "exec")
    before = TASKS[number - 1].name
    assert said[0] == (
        f"{TASKS[number].name}/previous_task has {before} of the reference solution: "
        f"{', '.join(sorted(left))}."
    )
    assert said[-1] == f"Now open {TASKS[number].name}/training.ipynb."


def test_the_notebook_of_the_task_before_has_its_steps_and_no_answers(root):
    take(root, 2)
    notebook = nbformat.read(root / TASKS[2].name / "previous_task" / "training.ipynb", 4)
    tags = {tag for cell in notebook.cells for tag in cell.metadata.get("tags", [])}
    assert "work" in tags and "answer" not in tags
    assert not any("SOLUTION" in cell.source for cell in notebook.cells)


def test_skipped_tasks_are_marked_and_those_done_are_not(root):
    with progress.changing(root) as known:
        known.of(TASKS[0].name).done_at = progress.now()
    assert "Skipped, and marked so in your progress: chapter_1/task_2." in take(root, 2)
    known = progress.read(root)
    assert [bool(known.of(task.name).caught_up_at) for task in TASKS[:3]] == [False, True, False]


def test_twice_does_no_harm(root):
    once = take(root, 2)
    files, known = files_of(root), progress.read(root)
    assert take(root, 2) == once
    assert files_of(root) == files and progress.read(root) == known


def test_nothing_of_the_learners_is_touched(root):
    for name in ("chapter_1/task_1/train.py", "chapter_1/task_2/training.ipynb"):
        (root / name).write_text("mine")
    take(root, 1)
    assert (root / "chapter_1/task_1/train.py").read_text() == "mine"
    assert (root / "chapter_1/task_2/training.ipynb").read_text() == "mine"


def test_what_was_changed_in_a_checkpoint_is_kept_beside(root):
    take(root, 1)
    folder = root / TASKS[1].name
    for number in (1, 2):
        (folder / "previous_task" / "train.py").write_text(f"mine {number}")
        assert f"What was there is in previous_task_kept_{number}." in take(root, 1)[0]
    kept = [(folder / f"previous_task_kept_{n}" / "train.py").read_text() for n in (1, 2)]
    assert kept == ["mine 1", "mine 2"]
    assert "RandomForest" in (folder / "previous_task" / "train.py").read_text()


def test_a_skipped_scripts_check_still_has_not_begun(root):
    take(root, 2)
    for number in (0, 1):
        assert isinstance(learner.judge(place_of(root, number)).verdict, NotBegun)


def test_a_groups_folder_is_started_from(root, tmp_path):
    shared = group(tmp_path, task_1="train.py")
    (shared / "chapter_1" / "task_1" / "model.joblib").write_text("a model")
    said = take(root, 1, shared)
    left = files_of(root / TASKS[1].name / "previous_task")
    assert left.keys() == {"train.py", "training.ipynb"} and left["train.py"] == TRAINS
    assert "/home/ann" not in left["training.ipynb"]
    assert "chapter_1/task_1 of ann" in said[0]


@pytest.mark.parametrize("tail", ["chapter_1/task_1", "chapter_1/task_1/training.ipynb"])
def test_a_groups_task_or_notebook_means_the_same(root, tmp_path, tail):
    take(root, 1, group(tmp_path, task_1="train.py") / tail)
    assert (root / TASKS[1].name / "previous_task" / "train.py").read_text() == TRAINS


def test_a_notebook_alone_is_not_run_and_gives_what_it_would_write(root, tmp_path):
    cells = [
        new_code_cell(f"%%writefile train.py\n{TRAINS}"),
        new_code_cell(f"open({str(tmp_path / 'ran')!r}, 'w')"),
    ]
    nbformat.write(new_notebook(cells=cells), tmp_path / "theirs.ipynb")
    (tmp_path / "train.py").write_text("somebody else's")
    take(root, 1, tmp_path / "theirs.ipynb")
    left = files_of(root / TASKS[1].name / "previous_task")
    assert left["train.py"] == f"{TRAINS}\n" and "theirs.ipynb" in left
    assert not (tmp_path / "ran").exists()


def test_what_is_no_source_is_one_sentence(root, tmp_path):
    shared = group(tmp_path, task_1="train.py")
    refused(root, 1, tmp_path / "nowhere", "is neither a folder that `maze share` made nor a")
    refused(root, 1, shared.parent, "has no chapter_1/task_1: name one in it: ann, or leave")
    refused(root, 2, shared, "has no chapter_1/task_2: name another group's, or leave out --from")
    notebook = shared / "chapter_1" / "task_1" / "training.ipynb"
    refused(root, 2, notebook, "is not of chapter_1/task_2, which comes before")
    (tmp_path / "broken.ipynb").write_text("{")
    refused(root, 1, tmp_path / "broken.ipynb", "is not a notebook of format 4")


def test_a_group_that_has_not_written_its_script_is_refused(root, tmp_path):
    shared = group(tmp_path, task_1="train.py")
    script = shared / "chapter_1" / "task_1" / "train.py"
    script.write_text("# YOUR CODE HERE\nraise NotImplementedError()\n")
    refused(root, 1, shared, "train.py still has `raise NotImplementedError()`")
    script.unlink()
    refused(root, 1, shared, "leaves no train.py and no src/")


def test_a_groups_link_out_of_its_folder_is_not_followed(root, tmp_path):
    shared = group(tmp_path, task_1="train.py")
    (shared / "chapter_1" / "task_1" / "src").symlink_to(tmp_path)
    refused(root, 1, shared, "is a link out of the task's folder")


def test_a_groups_notebook_writes_nowhere_else_and_never_breaks(root, tmp_path):
    shared = group(tmp_path, task_1="train.py")
    around = sorted(tmp_path.iterdir())
    names = ["../../../x", str(tmp_path / "x"), "src/a/../../../x", "src/\x1b[2Jx", "src/\ud800x"]
    cells = [new_code_cell(f"%%writefile {name}\n1") for name in names]
    text = nbformat.writes(new_notebook(cells=cells), ensure_ascii=True)
    (shared / "chapter_1" / "task_1" / "training.ipynb").write_text(text)
    take(root, 1, shared)
    put = root / TASKS[1].name / checkpoint.FOLDER
    assert set(files_of(put)) == {"train.py", "training.ipynb"}
    assert sorted(tmp_path.iterdir()) == around


def test_a_groups_name_that_no_disk_holds_is_one_sentence(root, tmp_path):
    shared = group(tmp_path, task_1="train.py")
    cells = [new_code_cell("%%writefile src/a\n1"), new_code_cell("%%writefile src/a/b\n2")]
    path = shared / "chapter_1" / "task_1" / "training.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    refused(root, 1, shared, "previous_task cannot hold")
    assert list((root / TASKS[1].name).iterdir()) == []


# With a cloud


@pytest.fixture(scope="module")
def in_cloud(local_cloud, tmp_path_factory):
    """A learner's folder whose local cloud is the module's; the environment is put back."""
    root = tmp_path_factory.mktemp("somebody") / "maze-work"
    for task in TASKS:
        (root / task.name).mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in local_cloud.env.items():
            patch.setenv(name, value)
        with progress.changing(root):
            pass
        yield root


def jobs(cloud):
    listed = cloud.client("sagemaker").list_training_jobs()["TrainingJobSummaries"]
    return [(job["TrainingJobName"], job["TrainingJobStatus"]) for job in listed]


def test_the_fourth_task_starts_from_data_and_a_model_that_no_check_takes(in_cloud, local_cloud):
    said = take(in_cloud, 3)
    [(name, status)] = jobs(local_cloud)
    assert name.startswith("maze-digits-") and status == "Completed"
    assert f"{name} is a training job that completed and left a model." in said
    s3 = local_cloud.client("s3")
    [bucket] = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    keys = {item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    assert {f"sagemaker-maze/data/{n}/{n}.csv" for n in ("train", "test")} < keys
    for number in (2, 3):
        verdict = learner.judge(place_of(in_cloud, number)).verdict
        assert isinstance(verdict, NotBegun), verdict
    # Twice, and for a later task as well, it is the same job.
    assert take(in_cloud, 3) == said
    assert f"{name} is a training job that completed and left a model." in take(in_cloud, 5)
    assert jobs(local_cloud) == [(name, "Completed")]


@pytest.mark.slow
def test_a_groups_script_trains_the_model_once(in_cloud, local_cloud, tmp_path):
    shared = group(tmp_path, task_3="src/train.py")
    said = take(in_cloud, 3, shared)
    assert "src/train.py of ann runs now, as a training job of yours." in said
    (name, _), *others = jobs(local_cloud)
    assert f"{name} is a training job that completed and left a model." in said
    again = take(in_cloud, 3, shared)
    assert len(jobs(local_cloud)) == len(others) + 1
    assert not any("runs now" in sentence for sentence in again)


def test_on_aws_it_says_what_bills_before_it_begins(in_cloud, local_cloud, tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith(("AWS_", "MAZE_"))]:
        monkeypatch.delenv(name)
    credentials = local_cloud.session.get_credentials()
    monkeypatch.setenv("AWS_ENDPOINT_URL", local_cloud.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", credentials.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", credentials.secret_key)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    before = jobs(local_cloud)
    shared = group(tmp_path, task_4="src/train.py")
    (shared / "chapter_1" / "task_4" / "src" / "train.py").write_text("print('new')")
    for sentence in checkpoint.take(place_of(in_cloud, 4), shared, "aws"):
        if "bills" in sentence:
            break
    assert sentence.startswith("A training job begins, which bills: some 120 s of ml.m5.large, 0.0")
    assert jobs(local_cloud) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "words"),
    [("raise ValueError('no digits')", "no digits"), ("print('nothing saved')", "left no model")],
    ids=["fails", "saves nothing"],
)
def test_a_groups_script_that_does_not_train_is_one_sentence(in_cloud, tmp_path, script, words):
    shared = group(tmp_path, task_3="src/train.py")
    (shared / "chapter_1" / "task_3" / "src" / "train.py").write_text(script)
    with pytest.raises(MazeError, match=r"src/train.py of ann does not train as a job") as told:
        take(in_cloud, 3, shared)
    assert words in str(told.value) and "\n" not in str(told.value)


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_task_of_a_fresh_edition_is_done_from_its_checkpoint(task, tmp_path, monkeypatch):
    """Nothing of the tasks before is done but what the checkpoint puts in place."""
    from maze_helpers.local_cloud import server

    monkeypatch.delenv("MAZE_HOME", raising=False)
    folder = start.prepare(tmp_path / "maze-work").folder
    environment = os.environ | {"PYTHONPATH": str(tasks.ROOT)}
    server.start(folder / ".maze", port=0)

    def maze(*arguments):
        command = [sys.executable, "-m", cli.__name__, *arguments]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)

    try:
        caught_up = maze("checkpoint", task.name)
        assert caught_up.returncode == 0, caught_up.stderr
        editions.solve(folder / task.name / task.notebook, task)
        papermill.execute_notebook(
            folder / task.name / task.notebook,
            folder / task.name / task.notebook,
            cwd=folder / task.name,
            kernel_name="python3",
            language="python",
            kernel_manager_class=CurrentInterpreter,
            execution_timeout=CELL_TIMEOUT_S,
            progress_bar=False,
        )
        assert maze("check", task.name).stdout.startswith("Done ")
        for skipped in TASKS[: TASKS.index(task)]:
            assert not maze("check", skipped.name).stdout.startswith("Done")
    finally:
        server.stop(folder / ".maze")
