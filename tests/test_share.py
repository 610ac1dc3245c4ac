"""Sharing with real git repositories: only own paths, no secret, one sentence for what is wrong."""

import os
import re
import subprocess

import nbformat
import pytest
from click.testing import CliRunner
from nbformat.v4 import new_code_cell, new_notebook, new_output

from maze_helpers import cli, tasks
from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.share import share
from maze_helpers.tasks import TASKS, Place

NOTEBOOK = "ann/chapter_1/task_3/training.ipynb"
SCRIPT = "ann/chapter_1/task_3/src/train.py"
USER = "[user]\nname = Ann\nemail = ann@example.com\n[init]\ndefaultBranch = main\n"


@pytest.fixture(autouse=True)
def config(tmp_path, monkeypatch):
    """Git's settings of a test's own."""
    path = tmp_path / "gitconfig"
    path.write_text(USER)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("MAZE_HOME", str(tmp_path / "work" / ".maze"))
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    return path


def git(folder, *arguments):
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path):
    """The group's repository, with a first commit of somebody's."""
    folder = tmp_path / "our-maze"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "README.md").write_text("ours\n")
    git(folder, "add", "README.md")
    git(folder, "commit", "-q", "-m", "Begin")
    return folder


def write_notebook(place, source="print(1)", text="done"):
    cell = new_code_cell(source, id="one")
    cell.outputs = [new_output("stream", name="stdout", text=text)]
    nbformat.write(new_notebook(cells=[cell]), place.folder / place.task.notebook)


@pytest.fixture
def place(tmp_path):
    """A learner's folder with the third task's work."""
    place = Place(tmp_path / "work", TASKS[2])
    (place.folder / "src").mkdir(parents=True)
    (place.root / TASKS[0].name).mkdir()
    (place.folder / "src" / "train.py").write_text("print('training')\n")
    (place.folder / "model").mkdir()
    (place.folder / "model" / "model.joblib").write_bytes(b"a model")
    write_notebook(place)
    return place


def committed(repository, name):
    return git(repository, "show", f"HEAD:{name}")


def refused(place, repository, words, **options):
    """Assert that the work is refused in one sentence, and nothing committed."""
    before = git(repository, "rev-parse", "HEAD")
    with pytest.raises(MazeError) as told:
        share(place, repository, **options)
    assert words in str(told.value) and "\n" not in str(told.value)
    assert git(repository, "rev-parse", "HEAD") == before
    return str(told.value)


def test_the_work_is_committed_under_the_authors_name(place, repository):
    shared = share(place, repository)
    assert git(repository, "ls-tree", "-r", "--name-only", "HEAD").split() == [
        "README.md",
        SCRIPT,
        NOTEBOOK,
    ]
    assert git(repository, "log", "-1", "--format=%s, %an, %h").strip() == (
        f"Share chapter_1/task_3 of ann, Ann, {shared.commit}"
    )
    assert git(repository, "status", "--porcelain") == ""
    assert shared.folder == repository / "ann" and shared.names == [
        "src/train.py",
        "training.ipynb",
    ]


def test_outputs_are_left_out_unless_they_are_asked_for(place, repository):
    write_notebook(place, text="role arn:aws:iam::998877665544:role/x")
    share(place, repository)
    assert "role" not in committed(repository, NOTEBOOK)
    share(place, repository, with_outputs=True)
    notebook = committed(repository, NOTEBOOK)
    assert "arn:aws:iam::000000000000:role/x" in notebook and "998877665544" not in notebook


def test_the_learners_own_folder_stays_as_it_is(place, repository):
    write_notebook(place, text="arn:aws:iam::998877665544:role/x")
    before = (place.folder / "training.ipynb").read_bytes()
    share(place, repository, with_outputs=True)
    assert (place.folder / "training.ipynb").read_bytes() == before


def test_the_local_clouds_keys_and_the_machines_paths_are_known(place, repository, monkeypatch):
    aws = place.root / ".maze" / "aws"
    aws.mkdir(parents=True)
    (aws / "credentials").write_text("[maze]\naws_secret_access_key = Local-secret_of-the-cloud\n")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "abcdefghijkl")
    write_notebook(
        place, text=f"Local-secret_of-the-cloud abcdefghijkl {place.folder} {tasks.ROOT}"
    )
    share(place, repository, with_outputs=True)
    assert '"(removed) (removed) ./chapter_1/task_3 …' in committed(repository, NOTEBOOK)


def test_nothing_changed_is_no_commit(place, repository):
    share(place, repository)
    head = git(repository, "rev-parse", "HEAD")
    write_notebook(place, text="another run")
    assert share(place, repository).commit is None
    assert git(repository, "rev-parse", "HEAD") == head


def test_a_script_that_is_gone_goes_and_what_others_put_there_stays(place, repository):
    (place.folder / "src" / "old.py").write_text("old")
    share(place, repository)
    notes = repository / "ann" / "chapter_1" / "task_3" / "NOTES.md"
    notes.write_text("from the review")
    git(repository, "add", str(notes))
    git(repository, "commit", "-q", "-m", "Note")
    (place.folder / "src" / "old.py").unlink()
    share(place, repository)
    left = git(repository, "ls-tree", "-r", "--name-only", "HEAD", "ann/").split()
    assert left == ["ann/chapter_1/task_3/NOTES.md", SCRIPT, NOTEBOOK]


def test_what_others_have_staged_is_not_committed_and_stays_staged(place, repository):
    (repository / "theirs.py").write_text("theirs")
    (repository / "README.md").write_text("changed")
    git(repository, "add", "theirs.py", "README.md")
    share(place, repository)
    changed = git(repository, "show", "--name-only", "--format=", "HEAD").split()
    assert changed == [SCRIPT, NOTEBOOK]
    assert git(repository, "status", "--porcelain").splitlines() == ["M  README.md", "A  theirs.py"]


def test_a_repository_that_ignores_notebooks_and_src_gets_them(place, repository):
    (repository / ".gitignore").write_text("*.ipynb\nsrc/\n")
    assert share(place, repository).names == ["src/train.py", "training.ipynb"]
    assert committed(repository, SCRIPT)


def test_a_repository_without_a_commit_gets_its_first(place, tmp_path):
    git(tmp_path, "init", "-q", "empty")
    assert share(place, tmp_path / "empty").commit


@pytest.mark.parametrize("options", [{}, {"with_outputs": True}])
@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("1\nkey = 'AKIAIOSFODNN7EXAMPLE'", "line 2 has what looks like an AWS access key"),
        ("account = '998877665544'", "line 1 has what looks like an account id"),
        ("open('/home/jane/x')", "line 1 has what looks like the path of somebody's home"),
    ],
    ids=["key", "account", "home"],
)
def test_a_secret_in_a_cells_source_is_refused_and_not_shown(
    place, repository, source, words, options
):
    write_notebook(place, source=source)
    said = refused(place, repository, f"training.ipynb, cell 1, {words}", **options)
    assert not [secret for secret in ("AKIA", "9988", "jane") if secret in said]


def test_a_secret_in_a_script_is_refused(place, repository):
    (place.folder / "src" / "train.py").write_text("x\n\nkey = 'AKIAIOSFODNN7EXAMPLE'")
    refused(place, repository, "src/train.py, line 3 has what looks like an AWS access key")
    assert not (repository / "ann").exists()


def test_a_secret_in_a_files_name_or_in_utf_16_is_refused(place, repository):
    path = place.folder / "src" / "AKIAIOSFODNN7EXAMPLE.txt"
    path.write_text("x")
    assert "AKIA" not in refused(place, repository, "The name of a file, line 1 has what looks")
    path.rename(place.folder / "src" / "keys.txt").write_text(path.stem, encoding="utf-16")
    refused(place, repository, "src/keys.txt, line 1 has what looks like an AWS access key")


def test_a_link_out_of_the_folder_is_refused(place, repository, tmp_path):
    (place.folder / "src" / "helper.py").symlink_to(tmp_path / "gitconfig")
    refused(place, repository, "helper.py is a link out of the task's folder")


def test_a_huge_file_is_refused(place, repository):
    (place.folder / "src" / "words.txt").write_bytes(b"x" * 6 * 2**20)
    refused(place, repository, "words.txt has 6 MB, and 5 are the most")


def test_huge_outputs_are_refused_only_if_they_are_kept(place, repository):
    write_notebook(place, text="x " * 3 * 2**20)
    refused(place, repository, "training.ipynb has more than 5 MB of outputs", with_outputs=True)
    assert share(place, repository).commit


def test_a_merge_under_way_is_to_be_ended_before_anything_is_written(place, repository):
    git(repository, "switch", "-q", "-c", "theirs")
    (repository / "README.md").write_text("theirs\n")
    git(repository, "commit", "-q", "-a", "-m", "Theirs")
    git(repository, "switch", "-q", "main")
    (repository / "README.md").write_text("ours, changed\n")
    git(repository, "commit", "-q", "-a", "-m", "Ours")
    merge = ["git", "-C", str(repository), "merge", "theirs"]
    assert subprocess.run(merge, capture_output=True).returncode
    refused(place, repository, "A merge is under way")
    assert not (repository / "ann").exists()
    git(repository, "merge", "--abort")
    assert share(place, repository).commit


def test_a_rebase_that_stopped_and_a_head_on_no_branch_are_told(place, repository):
    environment = {**os.environ, "GIT_SEQUENCE_EDITOR": "sed -i 1ibreak"}
    (repository / "README.md").write_text("ours, changed\n")
    git(repository, "commit", "-q", "-a", "-m", "Ours")
    rebase = ["git", "-C", str(repository), "rebase", "-i", "HEAD~1"]
    subprocess.run(rebase, check=True, capture_output=True, env=environment)
    refused(place, repository, "A rebase is under way")
    git(repository, "rebase", "--abort")
    git(repository, "checkout", "-q", "--detach")
    refused(place, repository, "is on no branch")


def test_a_sparse_checkout_is_told_how_to_end(place, repository):
    git(repository, "sparse-checkout", "set", "somewhere")
    refused(place, repository, "is a sparse checkout: run `git sparse-checkout disable`")
    git(repository, "sparse-checkout", "disable")
    assert share(place, repository).commit


def test_whose_work_is_replaced_is_said_and_ones_own_is_not(place, repository, config):
    assert share(place, repository).replaced is None
    write_notebook(place, "print(2)")
    assert share(place, repository).replaced is None
    config.write_text(USER.replace("ann@", "ben@"))
    write_notebook(place, "print(3)")
    assert re.fullmatch("Ann, in [0-9a-f]{7,}", share(place, repository).replaced)


def test_the_line_to_send_it_takes_what_others_have_sent(place, repository, tmp_path):
    group = tmp_path / "group.git"
    subprocess.run(["git", "init", "-q", "--bare", str(group)], check=True)
    git(repository, "remote", "add", "origin", str(group))
    send = share(place, repository).push
    subprocess.run(send, shell=True, check=True, capture_output=True)
    other = tmp_path / "other"
    subprocess.run(["git", "clone", "-q", str(group), str(other)], check=True)
    share(place, other, "ben")
    write_notebook(place, "print(2)")
    subprocess.run(share(place, repository).push, shell=True, check=True, capture_output=True)
    subprocess.run(share(place, other, "ben").push, shell=True, check=True, capture_output=True)
    names = git(group, "ls-tree", "-r", "--name-only", "main").split()
    assert NOTEBOOK in names and NOTEBOOK.replace("ann", "ben") in names


def test_what_is_still_to_write_is_counted(place, repository):
    assert share(place, repository).unwritten == 0
    write_notebook(place, "def fit():\n    # YOUR CODE HERE\n    raise NotImplementedError()")
    assert share(place, repository).unwritten == 1


def test_a_folder_without_work_is_refused(place, repository):
    refused(Place(place.root, TASKS[0]), repository, "There is nothing in")


def test_a_folder_that_is_no_repository_is_refused(place, repository, tmp_path):
    with pytest.raises(MazeError, match="is not a git repository to work in"):
        share(place, tmp_path)
    with pytest.raises(MazeError, match="There is no folder"):
        share(place, tmp_path / "nowhere")
    git(tmp_path, "init", "-q", "--bare", "bare")
    with pytest.raises(MazeError, match="is not a git repository to work in"):
        share(place, tmp_path / "bare")


def test_an_author_git_does_not_know_is_told_how_to_say_it(place, repository, config):
    config.write_text("[user]\nname = Ann\n")
    refused(place, repository, "git config --global user.email")


def test_without_git_it_is_one_sentence(place, repository, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MazeError, match="There is no git here"):
        share(place, repository)


@pytest.mark.parametrize("name", ["../x", "a/b", ".git", "-x", "a b"])
def test_a_name_that_is_no_folder_is_refused(place, repository, name):
    refused(place, repository, "is no name for a folder", name=name)


@pytest.mark.parametrize(
    ("author", "folder"), [("Ann O'Neil & Bo", "ann-o-neil-bo"), ("李雷", "李雷")]
)
def test_the_folder_is_named_after_the_author(place, repository, config, author, folder):
    config.write_text(f'[user]\nname = "{author}"\nemail = a@example.com\n')
    assert share(place, repository).folder == repository / folder


def test_somebodys_uncommitted_work_is_not_overwritten(place, repository):
    share(place, repository)
    theirs = repository / SCRIPT
    theirs.write_text("a colleague's correction")
    (place.folder / "src" / "train.py").write_text("mine")
    refused(place, repository, f"{SCRIPT} has changes that are not committed")
    assert theirs.read_text() == "a colleague's correction"


def test_a_link_in_the_repository_is_not_followed(place, repository, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (repository / "ann").symlink_to(tmp_path / "elsewhere")
    refused(place, repository, "is a link")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_repository_within_is_refused_before_anything_is_written(place, repository):
    git(repository, "init", "-q", "ann")
    refused(place, repository, "ann is a git repository of its own")
    assert [path.name for path in (repository / "ann").iterdir()] == [".git"]


def test_a_star_in_a_name_means_no_other_file(place, repository):
    (place.folder / "src" / "*").write_text("x")
    theirs = (repository / SCRIPT).with_name("theirs.csv")
    theirs.parent.mkdir(parents=True)
    theirs.write_text("x")
    share(place, repository)
    assert git(repository, "status", "--porcelain", "-uall") == "?? " + SCRIPT.replace(
        "train.py", "theirs.csv\n"
    )


def test_what_stops_git_is_told_with_the_fix(place, repository):
    (repository / ".git" / "index.lock").touch()
    refused(place, repository, "index.lock': File exists. remove the file manually to continue.")


def test_a_hook_that_refuses_is_told_and_a_second_try_works(place, repository):
    hook = repository / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'not on a Friday' >&2\nexit 1\n")
    hook.chmod(0o755)
    refused(place, repository, "not on a Friday")
    hook.unlink()
    assert share(place, repository).commit


def test_the_push_line_is_what_git_needs(place, repository, tmp_path):
    here = f"git -C {repository}"
    assert share(place, repository).push.startswith(f"{here} remote add origin URL && ")
    git(tmp_path, "init", "-q", "--bare", "remote.git")
    git(repository, "remote", "add", "origin", str(tmp_path / "remote.git"))
    line = share(place, repository).push
    assert line == f"{here} push -u origin HEAD"
    subprocess.run(line, shell=True, check=True, capture_output=True)
    assert share(place, repository).push == f"{here} pull --rebase --autostash && {here} push"
    assert "training.ipynb" in git(tmp_path / "remote.git", "ls-tree", "-r", "--name-only", "main")


def test_the_command_says_what_to_do_next(place, repository, monkeypatch):
    monkeypatch.chdir(place.folder)
    arguments = ["share", "--to", str(repository), "--as", "bo"]
    said = [CliRunner().invoke(cli.main, arguments).output.splitlines() for _ in range(2)]
    first, second = said
    assert first[0].startswith("Committed as ") and first[1].startswith("Send it: git -C ")
    assert first[2] == f"Start from it: maze checkpoint chapter_1/task_4 --from {repository}/bo"
    assert second == ["Nothing has changed since it was shared.", *first[1:]]
