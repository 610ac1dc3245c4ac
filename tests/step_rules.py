"""The rules of a task's notebook as participants get it: each yields what breaks it."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from nbformat import NotebookNode
from notebook_rules import python_of

from maze_helpers import notebooks
from maze_helpers.notebooks import code_cells, tags

STEPS = range(3, 8)
DELIMITER = re.compile(r"\s*### (BEGIN|END) SOLUTION")
BLANK_REGION = re.compile(r"BEGIN SOLUTION\s*### END SOLUTION")
SAYS_SOMETHING = re.compile(r"^\s*(#(?! YOUR CODE HERE) *\S|[rR]?\"\"\"\w)", re.MULTILINE)
# `hint` and the like are what participants call in a cell.
CALLED_BY_LEARNERS = {"answer", "check", "hint", "note", "progress"}


@dataclass
class Names:
    """The names that code stores, and those it loads."""

    stored: set[str] = field(default_factory=set)
    loaded: set[str] = field(default_factory=set)


def names_of(cell: NotebookNode) -> tuple[Names, Names]:
    """Return the names of what stays in the edition, and those of the cell's regions."""
    kept, regions = Names(), Names()
    inside = _lines_inside(cell.source)
    for node in ast.walk(python_of(cell)):
        names = regions if getattr(node, "lineno", None) in inside else kept
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            names.loaded.add(node.id)
        else:
            names.stored |= _stored_by(node)
    for number, line in enumerate(cell.source.splitlines(), start=1):
        if re.match(r"\s*(\w+ = )?[!%](?!%)", line):
            # IPython fills in {name} and $name.
            names = regions if number in inside else kept
            names.loaded |= set(re.findall(r"[{$]([A-Za-z_]\w*)", line))
    return kept, regions


def _stored_by(node: ast.AST) -> set[str]:
    match node:
        case ast.Name(id=name) | ast.arg(arg=name):
            return {name}
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.ExceptHandler(name=str(name)):
            return {name}
        case ast.alias(name=name, asname=alias):
            return {(alias or name).partition(".")[0]}
    return set()


def _lines_inside(source: str) -> set[int]:
    inside, numbers = False, set()
    for number, line in enumerate(source.splitlines(), start=1):
        if DELIMITER.fullmatch(line):
            inside = "BEGIN" in line
        elif inside:
            numbers.add(number)
    return numbers


def regions_are_well_formed(notebook: NotebookNode) -> Iterator[str]:
    for cell in notebook.cells:
        lines = [line for line in cell.source.split("\n") if "SOLUTION" in line]
        if cell.cell_type == "code":
            try:
                notebooks.skeleton(cell.source)
            except notebooks.NotebookError as error:
                yield str(error)
            yield from (f"{line!r} is no delimiter" for line in lines if not DELIMITER.match(line))
            for begin, end in zip(lines[::2], lines[1::2], strict=False):
                if begin.index("#") != end.index("#"):
                    yield f"{begin!r} and {end!r} are not indented alike"
        elif lines:
            yield f"prose cannot be a step: {lines[0]!r}"


def steps_are_three_to_seven(notebook: NotebookNode) -> Iterator[str]:
    count = len(notebooks.steps(notebook))
    if count not in STEPS:
        yield f"{count} steps"


def steps_are_work(notebook: NotebookNode) -> Iterator[str]:
    for cell in notebooks.steps(notebook):
        if not tags(cell) & {"work", "cleanup"}:
            yield f"a step is tagged {sorted(tags(cell))}: {cell.source[:60]!r}"


def a_region_is_more_than_blank(notebook: NotebookNode) -> Iterator[str]:
    for cell in notebooks.steps(notebook):
        if BLANK_REGION.search(cell.source):
            yield f"an empty region in {cell.source[:60]!r}"


def a_step_says_what_is_expected(notebook: NotebookNode) -> Iterator[str]:
    for cell in notebooks.steps(notebook):
        if not SAYS_SOMETHING.search(notebooks.skeleton(cell.source)):
            yield f"no comment or docstring stays of {cell.source[:60]!r}"


def a_skeleton_is_python(notebook: NotebookNode) -> Iterator[str]:
    for number, cell in enumerate(notebooks.steps(notebook), start=1):
        emptied = NotebookNode(source=notebooks.skeleton(cell.source))
        first, _, script = emptied.source.partition("\n")
        try:
            if re.fullmatch(r"%%writefile .*\.py", first):
                ast.parse(script)
            else:
                python_of(emptied)
        except SyntaxError as error:
            yield f"step {number} without its regions: {error}"


def nothing_needs_an_answer(notebook: NotebookNode) -> Iterator[str]:
    """Cells tagged `answer` are not in the edition, nor what they define."""
    here, gone = set(), set()
    for cell in code_cells(notebook):
        names = names_of(cell)
        stored = names[0].stored | names[1].stored
        if "answer" in tags(cell):
            gone |= stored
            continue
        for name in sorted((names[0].loaded | names[1].loaded) & gone - here - stored):
            yield f"{name} comes from an answer: {cell.source[:60]!r}"
        here |= stored


def a_step_names_what_comes_of_it(notebook: NotebookNode) -> Iterator[str]:
    """What given code reads from a participant's, it must call by a name that was asked for."""
    asked: dict[str, int] = {}
    given: set[str] = set()
    number = 0
    for cell in code_cells(notebook):
        if "answer" in tags(cell):
            continue
        kept, regions = names_of(cell)
        if regions.stored:
            number = notebooks.steps(notebook).index(cell) + 1
            said = set(re.findall(r"\w+", notebooks.skeleton(cell.source)))
            asked |= dict.fromkeys(regions.stored - said - given, number)
        for name in sorted(kept.loaded & asked.keys() - kept.stored):
            yield f"step {asked[name]} does not ask for {name}, used in {cell.source[:60]!r}"
        given |= kept.stored
        for name in kept.stored & asked.keys():
            del asked[name]


def the_learners_names_stay_free(notebook: NotebookNode) -> Iterator[str]:
    for cell in code_cells(notebook):
        if "from maze_helpers.learner import" in cell.source or "answer" in tags(cell):
            continue
        for names in names_of(cell):
            for name in sorted(names.stored & CALLED_BY_LEARNERS):
                yield f"{name} is what participants call: {cell.source[:60]!r}"


RULES = [
    regions_are_well_formed,
    steps_are_three_to_seven,
    steps_are_work,
    a_region_is_more_than_blank,
    a_step_says_what_is_expected,
    a_skeleton_is_python,
    nothing_needs_an_answer,
    a_step_names_what_comes_of_it,
    the_learners_names_stay_free,
]
