"""Notebooks run in a copy, on this interpreter, and leave their evidence whatever happens."""

import io
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import psutil
import pytest
from rich.console import Console

from maze_helpers import runner

PARAMETERS = ("mode = None\nrounds = 1", "parameters")


def write_notebook(path: Path, *cells) -> Path:
    """Write a notebook of code cells, each a source or a source with its tag."""
    notebook = nbformat.v4.new_notebook()
    for cell in (PARAMETERS, *cells):
        source, *tags = (cell,) if isinstance(cell, str) else cell
        notebook.cells.append(nbformat.v4.new_code_cell(source, metadata={"tags": tags}))
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


@pytest.fixture
def checkout(tmp_path):
    for task in ("chapter_1/task_1", "chapter_1/task_2", "chapter_2/task_1", "chapter_1/bonus"):
        write_notebook(tmp_path / "checkout" / task / "training.ipynb", "print('ran')")
    return tmp_path / "checkout"


def execute(tmp_path, *paths, **options):
    """Run notebooks; return the results and what was printed."""
    console = Console(file=io.StringIO(), width=200)
    results = runner.run(paths, runs=tmp_path / "runs", console=console, **options)
    return results, console.file.getvalue()


def outputs(result) -> str:
    """Return what the executed notebook's cells printed and returned."""
    cells = [cell for cell in nbformat.read(result.notebook, as_version=4).cells]
    return "\n".join(str(cell.get("outputs", "")) for cell in cells)


def junit_cases(result):
    """Return the run's test cases."""
    return list(ElementTree.parse(result.notebook.parents[2] / "junit.xml").iter("testcase"))


def names(paths, root):
    return [path.parent.relative_to(root).as_posix() for path in paths]


def test_all_tasks_are_found_in_order_without_the_bonus(checkout):
    expected = ["chapter_1/task_1", "chapter_1/task_2", "chapter_2/task_1"]
    assert names(runner.find(root=checkout), checkout) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["chapter_1"], ["chapter_1/task_1", "chapter_1/task_2"]),
        (["chapter_2/task_1", "chapter_1/task_2"], ["chapter_2/task_1", "chapter_1/task_2"]),
        (["chapter_1/bonus"], ["chapter_1/bonus"]),
        (["chapter_1/task_1/training.ipynb"], ["chapter_1/task_1"]),
    ],
)
def test_tasks_are_found_by_name(checkout, given, expected):
    assert names(runner.find(given, checkout), checkout) == expected


@pytest.mark.parametrize("name", ["chapter_9", "chapter_1/task_1/no.ipynb", "chapter_1/task_7"])
def test_an_unknown_name_is_answered_with_the_names_there_are(checkout, name):
    with pytest.raises(
        runner.RunnerError, match=f"no notebook {name}; there are .*chapter_1/bonus"
    ):
        runner.find([name], checkout)


def test_a_run_of_nothing_is_refused(tmp_path):
    with pytest.raises(runner.RunnerError, match="no notebook to run"):
        runner.run([], runs=tmp_path / "runs")


def test_what_a_run_by_hand_left_in_the_folder_is_not_copied(tmp_path):
    path = write_notebook(tmp_path / "chapter_1/task_1/n.ipynb", "import os; print(os.listdir())")
    for left in ("train.py", "src/train.py", "model/model.joblib", "digits.joblib"):
        (path.parent / left).parent.mkdir(exist_ok=True)
        (path.parent / left).touch()
    (path.parent / "picture.png").touch()
    (result,), _ = execute(tmp_path, path)
    names = [name for name in os.listdir(result.notebook.parent) if not name.endswith(".html")]
    assert sorted(names) == ["n.ipynb", "picture.png"]


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """A run of a notebook that writes, one that fails and one that comes after."""
    folder = tmp_path_factory.mktemp("three")
    checkout = folder / "checkout"
    good = "from pathlib import Path\nPath('train.py').write_text('x')\nprint('mode is', mode)"
    paths = [
        write_notebook(checkout / "chapter_1/task_1/training.ipynb", good),
        write_notebook(checkout / "chapter_1/task_2/training.ipynb", "1 / 0", "print('after')"),
        write_notebook(
            checkout / "chapter_1/task_3/training.ipynb",
            "import sys; print(sys.executable)",
            "print(len(open('../../data/digits/test.csv').readlines()))",
        ),
    ]
    before = {path: path.read_bytes() for path in checkout.rglob("*") if path.is_file()}
    results, printed = execute(folder, *paths, mode="local")
    after = {path: path.read_bytes() for path in checkout.rglob("*") if path.is_file()}
    return results, printed, before, after


def test_the_checkout_is_left_as_it_was(three):
    _, _, before, after = three
    assert after == before


def test_a_failure_stops_its_notebook_and_no_other(three):
    results = three[0]
    assert [result.passed for result in results] == [True, False, True]
    assert "'after" not in outputs(results[1])


def test_a_notebook_runs_in_a_copy_of_its_folder(three):
    result = three[0][0]
    assert result.task == "chapter_1/task_1"
    assert (result.notebook.parent / "train.py").read_text() == "x"
    assert "mode is local" in outputs(result)


def test_notebooks_of_one_folder_share_its_copy(tmp_path):
    folder = tmp_path / "chapter_1/bonus"
    first = write_notebook(folder / "1_write.ipynb", "open('left', 'w').write('by the first')")
    second = write_notebook(folder / "2_read.ipynb", "print(open('left').read())")
    results, printed = execute(tmp_path, first, second)
    assert [result.task for result in results] == [
        "chapter_1/bonus/1_write",
        "chapter_1/bonus/2_read",
    ]
    assert all(result.passed for result in results)
    assert "by the first" in outputs(results[1])
    assert "chapter_1/bonus/2_read" in printed
    assert "12" in outputs(results[0]), "the second run has not replaced the first's evidence"


def test_the_checkouts_data_is_where_it_is_in_the_checkout(three):
    assert "365" in outputs(three[0][2])


def test_executed_notebooks_and_html_hold_the_error(three):
    failed = three[0][1]
    assert "ZeroDivisionError" in outputs(failed)
    assert "ZeroDivisionError" in failed.html.read_text()


def test_junit_has_a_case_a_notebook_with_its_failure(three):
    cases = junit_cases(three[0][0])
    assert [case.get("name") for case in cases] == ["task_1", "task_2", "task_3"]
    assert {case.get("classname") for case in cases} == {"chapter_1"}
    assert all(float(case.get("time")) > 0 for case in cases)
    failures = [case.find("failure") for case in cases]
    assert failures[0] is failures[2] is None
    assert failures[1].get("message") == "ZeroDivisionError: division by zero"
    # The cell's own traceback, without a terminal's colours.
    assert "1 / 0" in failures[1].text and "\x1b" not in failures[1].text


def test_the_summary_says_what_failed_and_where_to_look(three):
    results, printed, _, _ = three
    assert "chapter_1/task_2: ZeroDivisionError: division by zero" in printed
    assert str(results[0].notebook.parents[2]) in printed


def test_the_kernel_is_this_interpreter_whatever_kernels_are_installed(tmp_path, monkeypatch):
    elsewhere = tmp_path / "jupyter" / "kernels" / "python3"
    elsewhere.mkdir(parents=True)
    (elsewhere / "kernel.json").write_text(
        '{"argv": ["/no/such/python"], "display_name": "Elsewhere", "language": "python"}'
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    path = write_notebook(
        tmp_path / "chapter_1/task_1/n.ipynb", "import sys; print(sys.executable)"
    )
    (result,), _ = execute(tmp_path, path)
    assert f"{sys.executable}\\n" in outputs(result)


def test_a_failed_check_is_one_sentence(tmp_path):
    check = (
        "from maze_helpers.checks import Check, Missing\n"
        "def look():\n    raise Missing('There is no train.py here.')\n"
        "Check('chapter 1, task 1', 'a script', look)()"
    )
    path = write_notebook(tmp_path / "chapter_1/task_1/n.ipynb", check)
    (result,), printed = execute(tmp_path, path)
    assert result.summary == "Not yet · chapter 1, task 1: There is no train.py here."
    assert "check.py" not in result.failure
    assert result.summary in printed


def test_an_error_that_a_library_draws_itself_is_reported(tmp_path):
    path = write_notebook(
        tmp_path / "chapter_1/task_1/n.ipynb",
        "import rich.traceback\nrich.traceback.install()",
        "raise KeyError('the reason')",
    )
    (result,), _ = execute(tmp_path, path)
    assert result.summary == "KeyError: 'the reason'"


def test_parameters_reach_the_notebook(tmp_path):
    path = write_notebook(tmp_path / "chapter_1/task_1/n.ipynb", "print(rounds * 21, mode)")
    (result,), _ = execute(tmp_path, path, parameters={"rounds": 2})
    assert "42 None" in outputs(result)


def test_an_unknown_parameter_is_refused_before_anything_runs(tmp_path):
    path = write_notebook(tmp_path / "chapter_1/task_1/n.ipynb")
    with pytest.raises(runner.RunnerError, match="no parameter trees; it has mode, rounds"):
        execute(tmp_path, path, parameters={"trees": 2})
    assert not (tmp_path / "runs").exists()


def test_the_bonus_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "BONUS_PACKAGES", ("json", "no_such_package"))
    path = write_notebook(tmp_path / "chapter_1/bonus/n.ipynb")
    with pytest.raises(runner.RunnerError, match=r"needs no_such_package, .* pip install -e"):
        execute(tmp_path, path)
    assert not (tmp_path / "runs").exists()


def test_what_is_no_notebook_is_refused_in_one_sentence(tmp_path):
    path = tmp_path / "chapter_1/task_1/n.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text("not json")
    with pytest.raises(runner.RunnerError, match="is not a notebook"):
        execute(tmp_path, path)


def test_a_cell_that_takes_too_long_is_ended_and_named(tmp_path):
    path = write_notebook(tmp_path / "chapter_1/task_1/n.ipynb", "import time; time.sleep(600)")
    (result,), _ = execute(tmp_path, path, timeout_s=2)
    assert "still running after 2 s" in result.summary
    assert junit_cases(result)[0].find("failure") is not None


def test_a_kernel_that_dies_fails_its_notebook(tmp_path):
    path = write_notebook(tmp_path / "chapter_1/task_1/n.ipynb", "import os; os._exit(1)")
    (result,), _ = execute(tmp_path, path)
    assert "kernel died" in result.summary
    assert result.html.is_file()


def test_two_runs_at_once_keep_out_of_each_others_way(tmp_path):
    def folder(_):
        return runner._new_folder(tmp_path)

    with ThreadPoolExecutor() as pool:
        folders = list(pool.map(folder, range(8)))
    assert len(set(folders)) == 8 and all(path.is_dir() for path in folders)


def test_ctrl_c_ends_the_kernel_and_keeps_the_evidence(tmp_path):
    path = write_notebook(
        tmp_path / "chapter_1/task_1/n.ipynb",
        "open('started', 'w').close()",
        "import time; time.sleep(600)",
    )
    code = (
        "from pathlib import Path; from maze_helpers import runner; "
        f"runner.run([Path({str(path)!r})], runs=Path({str(tmp_path / 'runs')!r}))"
    )
    process = psutil.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    while not list((tmp_path / "runs").rglob("started")):
        assert process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        time.sleep(0.1)
    kernels = process.children(recursive=True)
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(timeout=60) != 0
    gone, alive = psutil.wait_procs(kernels, timeout=30)
    assert kernels and not alive
    assert list((tmp_path / "runs").rglob("junit.xml"))
    assert list((tmp_path / "runs").rglob("n.html"))
