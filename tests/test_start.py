"""`maze start` makes a learner's folder, and overwrites nothing in it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner

from maze_helpers import cli, edition, notebooks, progress, runner, start, tasks
from maze_helpers.local_cloud.home import find_home
from maze_helpers.start import StartError

NOTEBOOKS = [f"{task.name}/{task.notebook}" for task in tasks.TASKS]
# What else there is to share.
OTHERS = ["README.md", "GLOSSARY.md", ".gitignore"]
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A learner's folder, which no test changes, and what is known of it."""
    return start.prepare(tmp_path_factory.mktemp("somebody") / "maze-work")


@pytest.fixture
def folder(made, tmp_path, monkeypatch):
    """Such a folder, to change: the current folder is where it lies."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MAZE_HOME", raising=False)
    return shutil.copytree(made.folder, tmp_path / "maze-work", symlinks=True)


def maze(*arguments):
    return CliRunner().invoke(cli.main, arguments)


def test_a_new_folder_has_the_seven_notebooks_and_all_they_need(made):
    assert made.made == [*NOTEBOOKS, *OTHERS] and made.kept == []
    assert all((made.folder / name).is_file() for name in made.made)
    assert (made.folder / ".maze").is_dir()
    assert progress.read(made.folder).started_at <= progress.now()


@pytest.mark.parametrize("task", tasks.TASKS, ids=lambda task: task.name)
def test_its_notebooks_are_the_edition_of_the_worked_ones(made, task):
    written = notebooks.read_notebook(made.folder / task.name / task.notebook)
    assert written == edition.of(notebooks.read_notebook(task.solution))


def test_a_second_start_names_the_first_task_that_is_open(tmp_path):
    started = start.prepare(tmp_path / "maze-work")
    with progress.changing(started.folder) as known:
        for name in ("chapter_1/task_1", "chapter_1/task_2"):
            known.of(name).done_at = progress.now()
    again = start.what_to_do_next(start.prepare(started.folder))
    assert again.endswith("# and open chapter_1/task_3/training.ipynb")


def test_the_current_folder_is_where_it_is_made_and_what_to_do_next_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = maze("start")
    assert answer.exit_code == 0
    assert answer.output.startswith("maze-work is yours: 7 notebooks to fill in")
    assert "\n  cd maze-work\n" in answer.output
    assert answer.output.endswith("jupyter lab        # and open chapter_1/task_1/training.ipynb\n")
    assert (tmp_path / "maze-work" / NOTEBOOKS[0]).is_file()


@pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="there is no virtual environment here")
@pytest.mark.parametrize("first", ["ours", "none", "another"])
def test_activating_is_left_out_only_where_our_jupyter_is_found(tmp_path, monkeypatch, first):
    others = tmp_path / "bin"
    others.mkdir()
    if first == "another":
        (others / "jupyter").touch(mode=0o755)
    ours = Path(sys.executable).parent
    monkeypatch.setenv("PATH", str(ours if first == "ours" else others))
    monkeypatch.chdir(tmp_path)
    assert ("source .venv/bin/activate" in maze("start").output) == (first != "ours")


def test_a_folder_with_spaces_can_be_typed_as_it_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "\n  cd 'our maze'\n" in maze("start", "our maze").output


def test_starting_again_keeps_all_work_and_adds_what_is_missing(folder):
    kept = {folder / name: f"ours: {name}" for name in [*NOTEBOOKS[1:], *OTHERS]}
    for path, text in kept.items():
        path.write_text(text)
    (folder / NOTEBOOKS[0]).unlink()
    started_at = progress.read(folder).started_at
    answer = maze("start", "maze-work")
    assert f"maze-work lacked {NOTEBOOKS[0]}; the other 6 stay as they are." in answer.output
    assert all(path.read_text() == text for path, text in kept.items())
    assert (folder / NOTEBOOKS[0]).is_file()
    assert progress.read(folder).started_at == started_at


def test_starting_again_in_the_folder_itself_says_that_nothing_is_missing(folder, monkeypatch):
    monkeypatch.chdir(folder)
    answer = maze("start", ".")
    assert answer.output.startswith(f"{folder} has every notebook already, and all 7 stay")
    assert "cd " not in answer.output


def test_a_file_in_the_way_is_one_sentence(tmp_path):
    (tmp_path / "notes").write_text("ours")
    for name in ("notes", "notes/inside"):
        answer = maze("start", str(tmp_path / name))
        assert answer.exit_code == 1 and answer.output.count("\n") == 1
        assert re.search("name (another|a) folder", answer.output)


def test_a_folder_that_cannot_be_written_to_is_one_sentence():
    with pytest.raises(StartError, match="^/proc/maze-work cannot be used .*: name another folder"):
        start.prepare(Path("/proc/maze-work"))


def test_the_checkout_itself_is_refused():
    with pytest.raises(StartError, match="holds the worked solutions: name another folder"):
        start.prepare(tasks.ROOT)


def test_a_folder_inside_somebodys_folder_is_refused(made):
    inside = made.folder / "chapter_1" / "maze-work"
    with pytest.raises(StartError, match=f"inside {made.folder}, where a maze has been started"):
        start.prepare(inside)
    assert not inside.exists()


def test_its_own_local_cloud_is_found_anywhere_below_also_in_a_checkout(folder, monkeypatch):
    (folder.parent / "pyproject.toml").write_text('name = "sagemaker-maze"')
    (folder.parent / ".maze").mkdir()
    for below in (".", "chapter_1/task_1", "chapter_2/task_3/src"):
        (folder / below).mkdir(exist_ok=True)
        monkeypatch.chdir(folder / below)
        assert find_home() == folder / ".maze"


def test_git_leaves_out_what_is_one_persons_or_one_machines(folder):
    for command in (["init", "--quiet"], ["add", "."]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    listed = subprocess.run(["git", "ls-files"], cwd=folder, capture_output=True, text=True)
    assert sorted(listed.stdout.split()) == sorted([*NOTEBOOKS, *OTHERS])


def test_what_the_text_tells_people_to_type_works_there(made):
    line = "source ../../.venv/bin/activate && python -c 'import sys; print(sys.prefix)'"
    task = made.folder / "chapter_1/task_2"
    assert (task / "../../data/digits/train.csv").is_file()
    if sys.prefix == sys.base_prefix:
        pytest.skip("there is no virtual environment here")
    done = subprocess.run(["bash", "-c", line], cwd=task, capture_output=True, text=True)
    assert done.stdout.strip() == sys.prefix


def test_a_link_to_a_checkout_that_has_moved_is_mended(folder):
    (folder / "data").unlink()
    (folder / "data").symlink_to(folder / "gone")
    start.prepare(folder)
    assert (folder / "data/digits/train.csv").is_file()


def test_every_link_leads_to_a_file(made):
    texts = {path: path.read_text() for path in made.folder.glob("*.md")}
    for path in (made.folder / name for name in NOTEBOOKS):
        prose = [c.source for c in notebooks.read_notebook(path).cells if c.cell_type == "markdown"]
        texts[path] = "\n".join(prose)
    for path, text in texts.items():
        assert [to for to in LINK.findall(text) if not (path.parent / to).exists()] == []


def test_the_readme_names_only_commands_that_there_are(made):
    named = re.findall(r"`maze (\w+)", (made.folder / "README.md").read_text())
    assert named and set(named) <= set(cli.main.commands)


def test_in_the_folder_its_own_notebooks_are_run_not_the_worked_ones(folder, monkeypatch):
    assert runner.find(["chapter_1/task_1"]) == [tasks.TASKS[0].solution]
    for below in (folder, folder / "chapter_2/task_1"):
        monkeypatch.chdir(below)
        assert runner.find(["chapter_1/task_1"]) == [folder / NOTEBOOKS[0]]
        assert runner.find() == [folder / name for name in NOTEBOOKS]


@pytest.mark.slow
def test_a_run_in_the_folder_leaves_its_evidence_there_and_knows_files_made_by_hand(
    folder, monkeypatch
):
    notebook = nbformat.v4.new_notebook()
    for source, tag in (("mode = None", "parameters"), ("open('train.py').read()", "work")):
        notebook.cells.append(nbformat.v4.new_code_cell(source, metadata={"tags": [tag]}))
    nbformat.write(notebook, folder / NOTEBOOKS[0])
    (folder / "chapter_1/task_1/train.py").write_text("print('by hand')")
    monkeypatch.chdir(folder)
    (result,) = runner.run(runner.find(["chapter_1/task_1"]))
    assert result.passed
    assert result.notebook.is_relative_to(folder / "runs")
