"""A new learner's way from `maze start` to the first task done, in a terminal and in JupyterLab."""

import getpass
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import editions
import pytest

from maze_helpers import notebooks, start, tasks
from maze_helpers.local_cloud import server

pytestmark = pytest.mark.slow

TASK = tasks.TASKS[0]
TIMEOUT_S = 120
PROMPT = "learner> "
COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
WITHOUT_SCORES = """\
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

X, y = load_digits(return_X_y=True)
print("accuracy", RandomForestClassifier().fit(X, y).score(X, y))
"""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def solved_steps():
    """Return the sources of the first task's steps, as somebody writes them who knows how."""
    steps = notebooks.steps(notebooks.read_notebook(TASK.solution))
    return [notebooks.without_marks(step.source) for step in steps]


@pytest.fixture
def environment(tmp_path):
    """What a learner's terminal has: a home of its own, and the maze on the path."""
    mazeless = {name: value for name, value in os.environ.items() if not name.startswith("MAZE_")}
    path = os.pathsep.join([str(Path(sys.executable).parent), mazeless["PATH"]])
    home = tmp_path / "home"
    home.mkdir()
    return mazeless | {"HOME": str(home), "PATH": path, "TERM": "xterm-256color", "PS1": PROMPT}


@pytest.fixture
def type_in(environment, tmp_path):
    """Type a line in a terminal, and return what it shows until the next prompt."""
    pexpect = pytest.importorskip("pexpect")
    shell = pexpect.spawn(
        "bash",
        ["--norc", "--noprofile", "--noediting"],
        cwd=str(tmp_path),
        env=environment,
        dimensions=(40, 100),
        encoding="utf-8",
        timeout=TIMEOUT_S,
    )

    def typed(line):
        shell.sendline(line)
        shell.expect_exact(PROMPT)
        return COLOURS.sub("", shell.before).replace("\r\n", "\n")

    shell.expect_exact(PROMPT)
    yield typed
    shell.close(force=True)
    server.stop(tmp_path / "maze-work" / ".maze")


def write(type_in, source):
    type_in(f"cat > train.py <<'END'\n{source.rstrip()}\nEND")


def test_in_a_terminal_a_learner_comes_from_the_start_to_the_first_task_done(type_in):
    said = type_in("maze start")
    assert "maze-work is yours: 7 notebooks to fill in" in said
    assert "\n  cd maze-work\n" in said and "source" not in said
    type_in("cd maze-work")
    type_in(f"cd {TASK.name}")
    assert " Not begun  chapter 1, task 1" in type_in("maze check")
    assert "\n1\n" in type_in("echo $?")
    assert "Hint 1 of 3" in type_in("maze hint 2")

    write(type_in, WITHOUT_SCORES)
    said = type_in("maze check")
    assert " Not yet  chapter 1, task 1" in said
    assert "train.py does not print precision" in said and "Hint 2 of 3 · step 2" in said

    (solution,) = editions.regions(
        notebooks.steps(notebooks.read_notebook(TASK.solution))[1].source
    )
    write(type_in, solution)
    assert "\nf1=0.9" in type_in("python train.py")
    assert " Done  chapter 1, task 1" in type_in("maze check")
    assert "\n0\n" in type_in("echo $?")
    said = type_in("maze progress")
    assert re.search(r"✓ +chapter_1/task_1 +Done", said)
    assert "Next: chapter_1/task_2" in said and "Traceback" not in said


class Notebook:
    """A notebook in JupyterLab, by the keys that a learner presses. One cell is the active one."""

    def __init__(self, page):
        self.page = page

    @property
    def cell(self):
        return self.page.query_selector(".jp-Notebook .jp-Cell.jp-mod-active")

    def source(self):
        lines = self.cell.query_selector_all(".cm-line")
        return "\n".join(line.text_content() for line in lines)

    def run(self):
        """Run the active cell, wait for its end, and return it; the next is active then."""
        cell, before = self.cell, self.number(self.cell)
        self.page.keyboard.press("Shift+Enter")
        is_code = "jp-CodeCell" in cell.get_attribute("class")
        give_up_at = time.monotonic() + TIMEOUT_S
        while is_code and self.number(cell) in ("", "*", " ", before):
            assert time.monotonic() < give_up_at, f"The cell did not end: {cell.inner_text()}"
            self.page.wait_for_timeout(100)
        return cell

    def number(self, cell):
        """Return what stands between the brackets beside a cell: "7", "*" while it runs."""
        prompt = cell.query_selector(".jp-InputPrompt")
        return (prompt.text_content() if prompt else "").strip("[]:")

    def write(self, source):
        """Replace the active cell's source."""
        self.page.keyboard.press("Enter")
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(source)

    def new(self, source):
        """Write and run a new cell above the active one, which stays active; return the new one."""
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("a")
        self.write(source)
        return self.run()

    def up(self, cells):
        self.page.keyboard.press("Escape")
        for _ in range(cells):
            self.page.keyboard.press("ArrowUp")


@pytest.fixture
def folder(tmp_path):
    folder = start.prepare(tmp_path / "maze-work").folder
    yield folder
    server.stop(folder / ".maze")


@pytest.fixture
def lab(environment, folder, tmp_path):
    """JupyterLab in the learner's folder; its address, with the path and the token to add."""
    runtime = tmp_path / "runtime"
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1"]
    command += ["--allow-root"] if getpass.getuser() == "root" else []
    with open(tmp_path / "lab.log", "w") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment | {"JUPYTER_RUNTIME_DIR": str(runtime)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        known = runtime / f"jpserver-{process.pid}.json"
        give_up_at = time.monotonic() + TIMEOUT_S
        while not known.exists():
            assert process.poll() is None, (tmp_path / "lab.log").read_text()
            assert time.monotonic() < give_up_at
            time.sleep(0.1)
        found = json.loads(known.read_text())
        yield f"{found['url']}lab{{}}?token={found['token']}"
    finally:
        process.terminate()
        process.wait(TIMEOUT_S)


@pytest.fixture
def page():
    """A page of a browser without a window."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs: pip install playwright")
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        pytest.skip(f"needs one of {', '.join(BROWSERS)} on the path")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(TIMEOUT_S * 1000)
        yield page
        browser.close()


def lines_shown(pre):
    return pre.evaluate("pre => pre.clientHeight / parseFloat(getComputedStyle(pre).lineHeight)")


def test_in_jupyterlab_a_learner_comes_from_the_first_cell_to_the_first_task_done(lab, page):
    page.goto(lab.format(f"/tree/{TASK.name}/{TASK.notebook}"))
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
    notebook = Notebook(page)
    page.wait_for_selector(".jp-NotebookPanel .jp-Spinner", state="hidden")
    page.locator(".jp-Notebook .jp-Cell").first.click()
    drawn = notebook.cell.query_selector("pre")
    assert lines_shown(drawn) < len(drawn.text_content().splitlines()) + 1  # none is broken

    left = solved_steps()
    while "import check\n" not in (source := notebook.source()):
        if "NotImplementedError" in source:
            if "%%writefile" in source:
                notebook.run()
                said = notebook.new("check()").inner_text()
                assert "Not begun" in said and "Traceback" not in said
                assert "Hint 1 of 3" in notebook.new("hint(2)").inner_text()
                notebook.up(3)
            notebook.write(left.pop(0))
        assert "Traceback" not in notebook.run().inner_text()
    assert left == []
    said = notebook.run().inner_text()
    assert "Done" in said and "chapter 1, task 1" in said
    assert "On the machine under this notebook" in notebook.new("answer(1)").inner_text()
    assert "Your note" in notebook.new('note(1, "On this machine.")').inner_text()
    said = notebook.new("progress()").inner_text()
    assert "✓ 1 script" in said and "Next: chapter_1/task_2" in said

    page.click('.jp-Notebook a:text-is("glossary")')
    page.wait_for_selector('.jp-MarkdownViewer h1:has-text("Glossary")')
