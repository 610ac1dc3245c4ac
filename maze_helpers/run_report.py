"""What is left of a run of notebooks: HTML to look at, JUnit XML for a CI, a table on screen."""

import re
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from rich.console import Console
from rich.table import Table

from maze_helpers.notebooks import read_notebook

JUNIT = "junit.xml"
# Colours of a terminal, and what else XML 1.0 cannot hold.
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Result:
    """How one notebook ended.

    task: such as "chapter_1/task_1". notebook, html: as executed. failure: None, if it passed.
    """

    task: str
    seconds: float
    notebook: Path
    html: Path
    failure: str | None

    @property
    def passed(self) -> bool:
        """Whether every cell ran without an error."""
        return self.failure is None

    @property
    def summary(self) -> str:
        """The failure in one line: its last."""
        return (self.failure or "").strip().splitlines()[-1] if self.failure else ""


def plain(text: str) -> str:
    """Return the text without colours and characters that XML cannot hold."""
    return NOT_XML.sub("", ANSI.sub("", text))


def html_path(notebook: Path) -> Path:
    """Return where a notebook's HTML goes: beside it."""
    return notebook.with_suffix(".html")


class HtmlWriter:
    """Writes notebooks as HTML while the next one runs; leaving its `with` waits for the last."""

    def __enter__(self) -> "HtmlWriter":
        """Return the writer, ready."""
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._written: list[Future] = []
        return self

    def write(self, notebook: Path) -> None:
        """Write the notebook's HTML, soon."""
        self._written.append(self._pool.submit(_write_html, notebook))

    def __exit__(self, *_: object) -> None:
        """Wait until everything is written; raise what kept it from that."""
        self._pool.shutdown()
        for written in self._written:
            written.result()


def _write_html(notebook: Path) -> None:
    # Late: nbconvert takes more than a second to import.
    from nbconvert import HTMLExporter

    html, _ = HTMLExporter().from_notebook_node(read_notebook(notebook))
    html_path(notebook).write_text(html, encoding="utf-8")


def write_junit(folder: Path, results: Sequence[Result]) -> Path:
    """Write junit.xml, a test case a notebook; return where."""
    suite = ElementTree.Element(
        "testsuite",
        name="maze",
        tests=str(len(results)),
        failures=str(sum(not result.passed for result in results)),
        time=f"{sum(result.seconds for result in results):.3f}",
    )
    for result in results:
        chapter, _, task = result.task.rpartition("/")
        case = ElementTree.SubElement(
            suite, "testcase", classname=chapter, name=task, time=f"{result.seconds:.3f}"
        )
        if result.failure is not None:
            failure = ElementTree.SubElement(case, "failure", message=result.summary)
            failure.text = result.failure
    path = folder / JUNIT
    ElementTree.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)
    return path


def print_summary(results: Sequence[Result], folder: Path, console: Console) -> None:
    """Print a row a notebook with its seconds, then each failure, then where the evidence is."""
    table = Table("Task", "Result", "Seconds")
    table.columns[2].justify = "right"
    for result in results:
        verdict = "[green]passed[/]" if result.passed else "[red]failed[/]"
        table.add_row(result.task, verdict, f"{result.seconds:.1f}")
    table.add_section()
    table.add_row("all", "", f"{sum(result.seconds for result in results):.1f}")
    console.print(table)
    for result in results:
        if not result.passed:
            console.print(f"{result.task}: {result.summary}", style="red", markup=False)
    here = Path.cwd()
    shown = folder.relative_to(here) if folder.is_relative_to(here) else folder
    console.print(f"Executed notebooks, HTML and {JUNIT}: {shown}", markup=False, soft_wrap=True)
