"""The rules every notebook keeps: each yields what breaks it."""

import ast
import re
from collections.abc import Iterator
from itertools import groupby

from nbformat import NotebookNode

from maze_helpers import notebooks
from maze_helpers.notebooks import code_cells, tags

LINES_A_CODE_CELL = 15
CODE_CELLS_IN_A_ROW = 3
# Prose is 20 to 60 words a cell, with some slack; headings, tables and code are not counted.
WORDS_A_PROSE_CELL = range(12, 81)
COMMENT_OR_BLANK = re.compile(r"\s*(#|$)")
PLACEHOLDERS = re.compile(
    r"\b(todo|fixme|xxx|tbd|lorem ipsum|your code here|replace me|changeme)\b|<your[ -_]|\?\?\?",
    re.IGNORECASE,
)


def python_of(cell: NotebookNode) -> ast.Module:
    """Return a code cell's syntax tree; lines for the shell and magics count as calls."""
    lines = cell.source.splitlines()
    if lines and lines[0].startswith("%%"):
        return ast.parse("magic()")
    return ast.parse(
        "\n".join(re.sub(r"^(\s*)(\w+ = )?[!%].*", r"\1\2shell()", line) for line in lines)
    )


def is_stripped(notebook: NotebookNode) -> Iterator[str]:
    for number, cell in enumerate(code_cells(notebook)):
        if cell.outputs or cell.execution_count is not None:
            yield f"code cell {number} has outputs or a count: strip them"


def takes_the_parameter_mode(notebook: NotebookNode) -> Iterator[str]:
    try:
        parameters = notebooks.parameters(notebook)
    except notebooks.NotebookError as error:
        yield str(error)
        return
    if parameters.get("mode", "no") is not None:
        yield f"the parameters are {parameters}; `mode = None` must be among them"


def tags_are_known(notebook: NotebookNode) -> Iterator[str]:
    for number, cell in enumerate(notebook.cells):
        unknown = tags(cell) - notebooks.TAGS - notebooks.NBVAL_TAGS
        if unknown:
            yield f"cell {number} has unknown tags {sorted(unknown)}"
        if cell.cell_type == "code" and not tags(cell) & notebooks.TAGS:
            yield f"code cell {number} has no tag that says what it is for"


def code_cells_are_short(notebook: NotebookNode) -> Iterator[str]:
    for cell in code_cells(notebook):
        lines = [line for line in cell.source.splitlines() if not COMMENT_OR_BLANK.match(line)]
        if len(lines) > LINES_A_CODE_CELL and not lines[0].startswith("%%writefile"):
            yield f"{len(lines)} lines in a code cell, which begins with {lines[0]!r}"


def prose_comes_between(notebook: NotebookNode) -> Iterator[str]:
    for kind, cells in groupby(notebook.cells, key=lambda cell: cell.cell_type):
        count = len(list(cells))
        if kind == "code" and count > CODE_CELLS_IN_A_ROW:
            yield f"{count} code cells in a row"


def prose_is_neither_long_nor_a_shred(notebook: NotebookNode) -> Iterator[str]:
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and "question" not in tags(cell):
            words = len(prose_of(cell).split())
            if words and words not in WORDS_A_PROSE_CELL:
                yield f"{words} words: {cell.source[:60]!r}"


def prose_of(cell: NotebookNode) -> str:
    """Return a cell's running text: without code blocks, headings and tables."""
    text = re.sub(r"```.*?```", "", cell.source, flags=re.DOTALL)
    return re.sub(r"^\s*(#|\|).*$", "", text, flags=re.MULTILINE)


def questions_have_computed_answers(notebook: NotebookNode) -> Iterator[str]:
    questions = notebooks.questions(notebook)
    if not questions:
        yield "there is no question"
    for question in questions:
        if not question.answer_code:
            yield f"no code answers {question.question[:60]!r}"
        if not question.answer_text:
            yield f"no prose answers {question.question[:60]!r}"
    for cell in notebooks.tagged(notebook, "answer"):
        if cell.cell_type == "code" and not computes(cell):
            yield f"an answer only prints what it is told: {cell.source[:60]!r}"


def computes(cell: NotebookNode) -> bool:
    """Return whether the cell calls or reads something besides printing constants."""
    calls = [node for node in ast.walk(python_of(cell)) if isinstance(node, ast.Call)]
    return any(
        getattr(call.func, "id", "") not in ("print", "display", "Markdown") for call in calls
    )


def answers_follow_questions(notebook: NotebookNode) -> Iterator[str]:
    before: set[str] = set()
    for number, cell in enumerate(notebook.cells):
        if "answer" in tags(cell) and not before & {"question", "answer"}:
            yield f"cell {number} answers no question"
        before = tags(cell)


def nobody_is_asked_at_the_keyboard(notebook: NotebookNode) -> Iterator[str]:
    for cell in code_cells(notebook):
        for node in ast.walk(python_of(cell)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("input", "getpass"):
                yield f"line {node.lineno} waits for somebody: {cell.source[:60]!r}"


def nothing_is_left_to_fill_in(notebook: NotebookNode) -> Iterator[str]:
    for cell in notebook.cells:
        for match in PLACEHOLDERS.finditer(cell.source):
            yield f"{match[0]!r} in {cell.source[:60]!r}"
        if cell.cell_type == "code" and any(
            isinstance(node, ast.Constant) and node.value is ...
            for node in ast.walk(python_of(cell))
        ):
            yield f"an ellipsis in {cell.source[:60]!r}"


def the_local_cloud_is_not_imported(notebook: NotebookNode) -> Iterator[str]:
    for cell in code_cells(notebook):
        if re.search(r"^\s*(from|import)\s.*\b(local_cloud|moto)\b", cell.source, re.MULTILINE):
            yield f"imports what only local mode has: {cell.source[:60]!r}"


def the_kernel_is_python3(notebook: NotebookNode) -> Iterator[str]:
    name = notebook.metadata.get("kernelspec", {}).get("name")
    if name != "python3":
        yield f"the kernel is {name}, not python3"


def the_last_code_cell_cleans_up(notebook: NotebookNode) -> Iterator[str]:
    if "cleanup" not in tags(code_cells(notebook)[-1]):
        yield "the last code cell is not tagged cleanup"


def work_is_checked(notebook: NotebookNode) -> Iterator[str]:
    for tag in ("work", "check"):
        if not notebooks.tagged(notebook, tag):
            yield f"no cell is tagged {tag}"


RULES = [
    is_stripped,
    takes_the_parameter_mode,
    tags_are_known,
    code_cells_are_short,
    prose_comes_between,
    prose_is_neither_long_nor_a_shred,
    questions_have_computed_answers,
    answers_follow_questions,
    nobody_is_asked_at_the_keyboard,
    nothing_is_left_to_fill_in,
    the_local_cloud_is_not_imported,
    the_kernel_is_python3,
    the_last_code_cell_cleans_up,
    work_is_checked,
]
