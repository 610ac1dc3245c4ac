"""A participant's edition lacks the solutions and the answers, and nothing else."""

import copy
import re

import editions
import nbformat
import notebook_rules as rules
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maze_helpers import edition, notebooks, tasks
from maze_helpers.notebooks import STUB, NotebookError, skeleton

# Shorter lines, such as `)` and `fit()`, say nothing by themselves.
TELLING = 12
# The text may ask for an argument by its value, such as source_dir="src".
ARGUMENT = re.compile(r"\w+=[^=].*,")
RULES = [
    rules.is_stripped,
    rules.takes_the_parameter_mode,
    rules.tags_are_known,
    rules.code_cells_are_short,
    rules.prose_comes_between,
    rules.prose_is_neither_long_nor_a_shred,
    rules.nobody_is_asked_at_the_keyboard,
    rules.the_local_cloud_is_not_imported,
    rules.the_kernel_is_python3,
    rules.the_last_code_cell_cleans_up,
    rules.work_is_checked,
]


@pytest.fixture(scope="module", params=tasks.TASKS, ids=lambda task: task.name)
def both(request):
    """A worked notebook and its edition."""
    return editions.worked_and_edition(request.param)


def telling_lines(text):
    return {line.strip() for line in text.splitlines() if len(line.strip()) > TELLING}


def outside_regions(cell):
    return editions.REGION.sub("", cell.source)


def sources(notebook):
    return "\n".join(cell.source for cell in notebook.cells)


def test_no_line_of_a_solution_survives(both):
    worked, emptied = both
    kept = [cell for cell in worked.cells if "answer" not in notebooks.tags(cell)]
    given_away = telling_lines("\n".join(map(outside_regions, kept)))
    solution = telling_lines("\n".join("\n".join(editions.regions(c.source)) for c in kept))
    everything = sources(emptied)
    secret = {line for line in solution - given_away if not ARGUMENT.fullmatch(line)}
    assert secret and [line for line in secret if line in everything] == []
    assert solution.isdisjoint(telling_lines(everything) - given_away)
    assert "SOLUTION" not in everything


def test_no_line_of_an_answer_survives(both):
    worked, emptied = both
    answers = notebooks.tagged(worked, "answer")
    kept = [cell.source for cell in worked.cells if cell not in answers]
    told = telling_lines("\n".join(cell.source for cell in answers))
    assert {line for line in told if line in sources(emptied)} <= telling_lines("\n".join(kept))
    assert {cell.id for cell in answers}.isdisjoint(cell.id for cell in emptied.cells)


def test_everything_else_is_as_in_the_worked_notebook(both):
    worked, emptied = both
    added = {cell.id for cell in emptied.cells} - {cell.id for cell in worked.cells}
    steps = {cell.id for cell in notebooks.steps(worked)}
    expected = [cell for cell in worked.cells if "answer" not in notebooks.tags(cell)]
    found = [cell for cell in emptied.cells if cell.id not in added]
    assert [cell.id for cell in found] == [cell.id for cell in expected]
    for cell, as_worked in zip(found, expected, strict=True):
        assert cell.id in steps or cell == as_worked
        assert (cell.cell_type, cell.metadata) == (as_worked.cell_type, as_worked.metadata)
    assert emptied.metadata == worked.metadata


def test_the_skeletons_filled_with_the_solution_are_the_worked_steps(both):
    worked, emptied = both
    filled = {cell.id: cell for cell in editions.filled(copy.deepcopy(emptied), worked).cells}
    assert all(filled[cell.id] == cell for cell in notebooks.steps(worked))


def test_each_step_is_preceded_by_its_number(both):
    worked, emptied = both
    ids = [cell.id for cell in emptied.cells]
    for number, step in enumerate(notebooks.steps(worked), start=1):
        before = emptied.cells[ids.index(step.id) - 1]
        assert before.id == f"your-step-{number}" and before.cell_type == "markdown"
        assert f"Step {number} of" in before.source and f"hint({number})" in before.source
    assert f"your-step-{number + 1}" not in ids


def test_each_question_is_followed_by_room_for_an_answer(both):
    worked, emptied = both
    questions = notebooks.questions(emptied)
    assert [question.question for question in questions] == [
        question.question for question in notebooks.questions(worked)
    ]
    for number, question in enumerate(questions, start=1):
        assert f"answer({number})" in question.answer_text and not question.answer_code
        assert f'hint("question {number}")' in question.answer_text
        assert f"note({number}, " in question.answer_text


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_edition_keeps_the_rules_of_notebooks(both, rule):
    _, emptied = both
    nbformat.validate(emptied)
    assert list(rule(emptied)) == []


def test_help_comes_right_after_the_setup(both):
    _, emptied = both
    place = [cell.id for cell in emptied.cells].index("how-to-play")
    before, after = emptied.cells[place - 1], emptied.cells[place + 1]
    assert "setup" in notebooks.tags(before) and after.source == edition.HELP_IMPORT


INDENTS = st.sampled_from(["", "    ", "        ", "\t"])
TEXTS = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=20)
LINES = st.builds(str.__add__, INDENTS, TEXTS).filter(
    lambda line: "SOLUTION" not in line and line.strip() not in STUB
)


@st.composite
def region_lines(draw):
    indent = draw(INDENTS)
    inside = draw(st.lists(LINES, max_size=4))
    return [f"{indent}### BEGIN SOLUTION", *inside, f"{indent}### END SOLUTION"]


SOURCES = st.lists(st.one_of(LINES.map(lambda line: [line]), region_lines()), max_size=6).map(
    lambda parts: "\n".join(line for part in parts for line in part)
)


@given(SOURCES)
def test_a_skeleton_filled_with_its_regions_is_the_source(source):
    emptied = skeleton(source)
    assert editions.fill(emptied, editions.regions(source)) == source
    assert emptied.count(STUB[0]) == len(editions.regions(source))


@pytest.mark.parametrize(
    ("source", "trouble"),
    [
        ("### BEGIN SOLUTION\n1", "There is no END SOLUTION after '### BEGIN SOLUTION'"),
        ("1\n    ### END SOLUTION", "out of place: '### END SOLUTION'"),
        ("### BEGIN SOLUTION\n  ### BEGIN SOLUTION", "out of place: '### BEGIN SOLUTION'"),
    ],
)
def test_a_region_that_is_not_well_formed_is_refused(source, trouble):
    with pytest.raises(NotebookError, match=trouble):
        skeleton(source)


def cell(make, tag=None):
    return lambda source: make(source, metadata={"tags": [tag] if tag else []})


new_code, new_markdown = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell
CELLS = st.one_of(
    SOURCES.map(cell(new_code, "work")),
    TEXTS.map(cell(new_markdown)),
    TEXTS.map(cell(new_markdown, "question")),
    TEXTS.map(cell(new_code, "answer")),
    TEXTS.map(cell(new_markdown, "answer")),
)


@settings(max_examples=30)
@given(st.lists(CELLS, max_size=8))
def test_whatever_the_notebook_only_regions_and_answers_go(cells):
    cells = [new_code("connect()", metadata={"tags": ["setup"]}), new_markdown("Goal"), *cells]
    for number, one in enumerate(cells):
        one.id = f"cell-{number}"
        if one.cell_type == "code":
            one.outputs = [nbformat.v4.new_output("stream", text="seen")]
            one.execution_count = number
    worked = nbformat.v4.new_notebook(cells=cells)
    before = copy.deepcopy(worked)
    emptied = edition.of(worked)
    assert worked == before
    filled = {one.id: one.source for one in editions.filled(emptied, worked).cells}
    expected = [one for one in cells if "answer" not in notebooks.tags(one)]
    assert [name for name in filled if name.startswith("cell-")] == [one.id for one in expected]
    assert all(filled[one.id] == one.source for one in expected)
    assert all(not one.outputs and not one.execution_count for one in notebooks.code_cells(emptied))
    count = len(notebooks.tagged(worked, "question"))
    assert sum(name.startswith("your-answer-") for name in filled) == count


def test_a_notebook_without_setup_is_refused():
    with pytest.raises(NotebookError, match="No cell is tagged `setup`"):
        edition.of(nbformat.v4.new_notebook(cells=[new_markdown("Goal")]))


@pytest.fixture(scope="module")
def of_nbgrader():
    """What nbgrader makes of a notebook, told not to ask for its own metadata."""
    preprocessors = pytest.importorskip(
        "nbgrader.preprocessors", reason="nbgrader is not installed; it is no dependency"
    )

    def cleared(notebook):
        preprocessor = preprocessors.ClearSolutions(enforce_metadata=False)
        return preprocessor.preprocess(copy.deepcopy(notebook), {})[0]

    return cleared


@pytest.mark.slow
@pytest.mark.parametrize("task", tasks.TASKS, ids=lambda task: task.name)
def test_nbgrader_makes_the_same_of_the_tasks(of_nbgrader, task):
    worked = notebooks.read_notebook(task.solution)
    ours, _ = edition.ClearSolutions().preprocess(copy.deepcopy(worked), {})
    assert ours == of_nbgrader(worked)


@pytest.mark.slow
@given(st.lists(CELLS, max_size=5))
def test_nbgrader_makes_the_same_of_any_notebook(of_nbgrader, cells):
    worked = nbformat.v4.new_notebook(cells=cells)
    ours, _ = edition.ClearSolutions().preprocess(copy.deepcopy(worked), {})
    assert ours == of_nbgrader(worked)
