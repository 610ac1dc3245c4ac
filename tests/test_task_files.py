"""What belongs to a task's work, in its folder and in its notebook."""

import os

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from maze_helpers import notebooks, tasks
from maze_helpers.task_files import (
    MOST_BYTES,
    MOST_FILES,
    TaskFilesError,
    is_sources,
    names,
    read,
    written_by,
)


def put(folder, *paths, content=b"x"):
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def test_notebook_and_scripts_are_the_work_and_what_runs_leave_is_not(tmp_path):
    own = ["training.ipynb", "train.py", "src/train.py", "src/deep/requirements.txt"]
    left = ["model.joblib", "model/model.joblib", "src/model.joblib", "src/digits.csv", "x.ipynb"]
    hidden = [".maze/cloud.db", "src/.env", "src/.cache/x.py", "src/__pycache__/train.pyc"]
    put(tmp_path, *own, *left, *hidden, "previous_task/src/train.py")
    assert sorted(names(tmp_path, "training.ipynb")) == sorted(own)
    assert read(tmp_path, "training.ipynb") == dict.fromkeys(own, b"x")


def test_an_empty_folder_has_no_work(tmp_path):
    assert read(tmp_path, "training.ipynb") == {}


@pytest.mark.parametrize("link", ["train.py", "src", "src/helper.py", "src/data"])
def test_a_link_out_of_the_folder_is_refused(tmp_path, link):
    put(tmp_path, "outside/train.py", "task/training.ipynb")
    (tmp_path / "task" / link).parent.mkdir(exist_ok=True)
    target = "outside/train.py" if link.endswith(".py") else "outside"
    (tmp_path / "task" / link).symlink_to(tmp_path / target)
    with pytest.raises(TaskFilesError, match=f"{link} is a link out of the task's folder"):
        read(tmp_path / "task", "training.ipynb")


def test_a_link_within_the_folder_is_the_file_it_means(tmp_path):
    put(tmp_path, "src/train.py", content=b"print()")
    (tmp_path / "train.py").symlink_to("src/train.py")
    assert read(tmp_path, "training.ipynb")["train.py"] == b"print()"


def test_a_broken_link_is_refused(tmp_path):
    (tmp_path / "train.py").symlink_to("nowhere")
    with pytest.raises(TaskFilesError, match="is no file"):
        read(tmp_path, "training.ipynb")


def test_a_large_script_is_refused_and_a_large_notebook_is_for_others_to_judge(tmp_path):
    put(tmp_path, "training.ipynb", content=b"x" * (MOST_BYTES + 1))
    assert "training.ipynb" in read(tmp_path, "training.ipynb")
    put(tmp_path, "src/words.txt", content=b"x" * (MOST_BYTES + 1))
    with pytest.raises(TaskFilesError, match=r"words.txt has 5 MB, and 5 are the most"):
        read(tmp_path, "training.ipynb")


def test_a_file_larger_than_the_memory_is_not_read(tmp_path):
    put(tmp_path, "train.py")
    os.truncate(tmp_path / "train.py", 2**36)
    with pytest.raises(TaskFilesError, match="5 are the most"):
        read(tmp_path, "training.ipynb")


def test_a_name_that_would_move_a_terminals_cursor_is_refused(tmp_path):
    put(tmp_path, "src/\x1b[2J.py")
    with pytest.raises(TaskFilesError, match=r"'src/\\x1b\[2J.py' in .* has no name to print"):
        read(tmp_path, "training.ipynb")


def test_too_many_files_are_refused(tmp_path):
    put(tmp_path, *(f"src/{number}.py" for number in range(MOST_FILES + 1)))
    with pytest.raises(TaskFilesError, match="src has more than 500 files"):
        read(tmp_path, "training.ipynb")


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("train.py", True),
        ("src/train.py", True),
        ("src/a/b.txt", True),
        ("src", False),
        ("other.py", False),
        ("../train.py", False),
        ("src/../../x.py", False),
        ("/src/train.py", False),
        ("src/\x1b[2J.py", False),
    ],
)
def test_scripts_are_train_py_and_what_is_in_src(name, is_one):
    assert is_sources(name) is is_one


def cell(source, *tags):
    return new_code_cell(source, metadata={"tags": list(tags)})


def test_a_notebook_writes_what_its_last_cell_of_the_file_says():
    notebook = new_notebook(
        cells=[
            cell("%%writefile src/train.py\nfirst"),
            cell("%%writefile ./src/train.py\nsecond\n### BEGIN SOLUTION\nx\n### END SOLUTION"),
            cell("%%writefile -a src/train.py\nthird"),
            cell('%%file  "train.py"\nalone'),
            cell("%%writefile src/confident.py\nanswered", "answer"),
            cell("%%writefile ../../elsewhere.py\nno"),
            cell("%%writefile /etc/passwd\nno"),
            cell("print('%%writefile src/no.py')"),
        ]
    )
    assert written_by(notebook) == {
        "src/train.py": "second\nx\nthird\n",
        "train.py": "alone\n",
    }


@pytest.mark.parametrize(
    ("number", "name"),
    [(0, "train.py"), (1, "src/train.py"), (3, "src/train.py"), (4, "src/predict.py")],
)
def test_a_worked_notebook_writes_its_script(number, name):
    texts = written_by(notebooks.read_notebook(tasks.TASKS[number].solution))
    assert list(texts) == [name]
    compile(texts[name], name, "exec")
    assert "SOLUTION" not in texts[name]
