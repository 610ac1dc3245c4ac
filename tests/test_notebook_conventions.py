"""Every notebook keeps the conventions, and every rule notices when it is broken."""

from functools import cache

import nbformat
import notebook_rules as rules
import pytest
import step_rules

from maze_helpers import notebooks, runner
from maze_helpers.notebooks import Question

PROSE = "Every digit counts the same here, however often it turns up in the data that you hold."
NOTEBOOKS = sorted(runner.ROOT.glob("chapter_*/*/*.ipynb"))
TASKS = runner.find(root=runner.ROOT)
# Checking one takes as long as all the rules.
read = cache(notebooks.read_notebook)


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=notebooks.name_of)
def test_the_notebook_keeps_the_rule(path, rule):
    assert list(rule(read(path))) == []


@pytest.mark.parametrize("rule", step_rules.RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", TASKS, ids=notebooks.name_of)
def test_the_task_keeps_the_rule_of_steps(path, rule):
    assert list(rule(read(path))) == []


def test_there_are_notebooks():
    assert len(NOTEBOOKS) >= 4 and len(TASKS) == 7


def markdown(source, *tags):
    return nbformat.v4.new_markdown_cell(source, metadata={"tags": list(tags)})


def code(source, *tags):
    return nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)})


def step(asked, *written, given="", tag="work"):
    """Return a participant's cell: what is asked for, what the region holds, what follows it."""
    lines = [f"# {asked}", "### BEGIN SOLUTION", *written, "### END SOLUTION", given]
    return code("\n".join(lines), tag)


def good(**replaced):
    """Return a notebook that keeps every rule; cells can be replaced by name."""
    cells = {
        "parameters": code("mode = None", "parameters"),
        "goal": markdown(PROSE),
        "work": step("Make a `model`.", "model = fit()"),
        "look": markdown(PROSE),
        "score": step("Print its score.", "print(model.score())"),
        "shell": step("List the folder.", "!ls"),
        "check": code("check()", "check"),
        "question": markdown("## Where does it train?", "question"),
        "answer": code("print(platform.node())", "answer"),
        "explained": markdown(PROSE, "answer"),
        "cleanup": code("cleanup.clean(maze.boto_session)", "cleanup"),
    } | replaced
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [cell for cell in cells.values() if cell is not None]
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


@pytest.mark.parametrize("rule", rules.RULES + step_rules.RULES, ids=lambda rule: rule.__name__)
def test_a_good_notebook_keeps_every_rule(rule):
    assert list(rule(good())) == []


def executed(cell):
    cell.execution_count = 1
    return cell


FOUR = {f"more_{i}": code("more()", "work") for i in range(4)}
BROKEN = [
    (rules.is_stripped, {"work": executed(code("1", "work"))}),
    (rules.takes_the_parameter_mode, {"parameters": code("mode = 'aws'", "parameters")}),
    (rules.takes_the_parameter_mode, {"parameters": code("rounds = 3", "parameters")}),
    (rules.takes_the_parameter_mode, {"parameters": None}),
    (rules.takes_the_parameter_mode, {"work": code("mode = None", "parameters")}),
    (rules.takes_the_parameter_mode, {"parameters": code("mode = ask()", "parameters")}),
    (rules.tags_are_known, {"work": code("1", "work", "wrok")}),
    (rules.tags_are_known, {"work": code("1")}),
    (rules.code_cells_are_short, {"work": code("\n".join("1" * 16), "work")}),
    (rules.prose_comes_between, FOUR),
    (rules.prose_is_neither_long_nor_a_shred, {"goal": markdown("word " * 81)}),
    (rules.prose_is_neither_long_nor_a_shred, {"goal": markdown("Look:")}),
    (rules.questions_have_computed_answers, {"answer": None}),
    (rules.questions_have_computed_answers, {"explained": None}),
    (rules.questions_have_computed_answers, {"answer": code("print('42')", "answer")}),
    (rules.questions_have_computed_answers, {"answer": code("'42'", "answer")}),
    (rules.questions_have_computed_answers, {"question": None}),
    (rules.answers_follow_questions, {"question": None}),
    (rules.nobody_is_asked_at_the_keyboard, {"work": code("n = int(input('n'))", "work")}),
    (rules.nothing_is_left_to_fill_in, {"work": code("# TODO: fit", "work")}),
    (rules.nothing_is_left_to_fill_in, {"work": code("model = ...", "work")}),
    (rules.nothing_is_left_to_fill_in, {"goal": markdown("Put <your bucket> here.")}),
    (rules.the_local_cloud_is_not_imported, {"work": code("from moto import x", "work")}),
    (
        rules.the_local_cloud_is_not_imported,
        {"work": code("from maze_helpers.local_cloud import server", "work")},
    ),
    (rules.the_last_code_cell_cleans_up, {"cleanup": None}),
    (rules.work_is_checked, {"check": None}),
]
UNENDED = code("# Fit.\n### BEGIN SOLUTION\nfit()", "work")
NESTED = step("Fit.", "### BEGIN SOLUTION", "fit()", "### END SOLUTION")
SCRIPT = "%%writefile a.py\nf(\n    ### BEGIN SOLUTION\n    1\n    ### END SOLUTION\n)"
BROKEN_STEPS = [
    (step_rules.regions_are_well_formed, {"work": UNENDED}),
    (step_rules.regions_are_well_formed, {"work": NESTED}),
    (step_rules.regions_are_well_formed, {"work": code("fit()\n### END SOLUTION", "work")}),
    (
        step_rules.regions_are_well_formed,
        {"work": code("# BEGIN SOLUTION\nfit()\n# END SOLUTION", "work")},
    ),
    (
        step_rules.regions_are_well_formed,
        {"work": code("if x:\n    ### BEGIN SOLUTION\n    f()\n### END SOLUTION", "work")},
    ),
    (
        step_rules.regions_are_well_formed,
        {"goal": markdown("### BEGIN SOLUTION\n42\n### END SOLUTION")},
    ),
    (step_rules.steps_are_three_to_seven, {"shell": None}),
    (step_rules.steps_are_three_to_seven, {f"more_{i}": step("Do.", "f()") for i in range(5)}),
    (step_rules.steps_are_work, {"work": step("Fit.", "fit()", tag="answer")}),
    (step_rules.a_region_is_more_than_blank, {"work": step("Fit.", "", " ")}),
    (
        step_rules.a_step_says_what_is_expected,
        {"work": code("### BEGIN SOLUTION\nfit()\n### END SOLUTION", "work")},
    ),
    (step_rules.a_skeleton_is_python, {"work": code(SCRIPT, "work")}),
    (step_rules.nothing_needs_an_answer, {"cleanup": code("print(seen)", "cleanup")}),
    (step_rules.nothing_needs_an_answer, {"cleanup": code("!ls {seen}", "cleanup")}),
    (step_rules.nothing_needs_an_answer, {"cleanup": code("n = !ls $seen", "cleanup")}),
    (step_rules.nothing_needs_an_answer, {"cleanup": step("List.", "f(seen)", tag="cleanup")}),
    (step_rules.a_step_names_what_comes_of_it, {"work": step("Fit.", "model = fit()")}),
    (step_rules.a_step_names_what_comes_of_it, {"work": step("Fit.", "import model")}),
    (step_rules.the_learners_names_stay_free, {"work": step("Fit.", "progress = fit()")}),
    (step_rules.the_learners_names_stay_free, {"work": code("def check():\n    f()", "work")}),
]


@pytest.mark.parametrize(("rule", "replaced"), BROKEN_STEPS)
def test_a_rule_of_steps_notices_when_it_is_broken(rule, replaced):
    cells = {"answer": code("seen = look()", "answer"), "use": code("use(model)", "work")}
    assert list(rule(good(**(cells | replaced))))


def test_what_is_stored_again_before_it_is_used_need_not_come_from_an_answer():
    again = code("for seen in f():\n    print(seen)", "cleanup")
    notebook = good(answer=code("seen = look()", "answer"), cleanup=again)
    assert not list(step_rules.nothing_needs_an_answer(notebook))


@pytest.mark.parametrize(("rule", "replaced"), BROKEN)
def test_a_rule_notices_when_it_is_broken(rule, replaced):
    assert list(rule(good(**replaced)))


def test_another_kernel_is_noticed():
    notebook = good()
    notebook.metadata.kernelspec.name = "conda_python3"
    assert list(rules.the_kernel_is_python3(notebook))


@pytest.mark.parametrize(
    "source", ["!aws s3 ls", "jobs = !aws sagemaker list-training-jobs", "f()"]
)
def test_an_answer_by_shell_or_call_computes(source):
    assert rules.computes(code(source))


def test_a_long_file_may_be_written():
    work = code("%%writefile train.py\n" + "\n".join("1" * 40), "work")
    assert not list(rules.code_cells_are_short(good(work=work)))


def test_questions_come_with_the_answers_of_the_tagged_cells():
    notebook = good(explained=markdown("On this machine.", "answer"))
    expected = Question("## Where does it train?", "print(platform.node())", "On this machine.")
    assert notebooks.questions(notebook) == [expected]


def test_what_follows_an_answer_untagged_is_no_part_of_it():
    notebook = good(prose=markdown("Elsewhere."), more=code("more()", "answer"))
    assert "more()" not in notebooks.questions(notebook)[0].answer_code


def test_parameters_are_read_with_their_defaults():
    parameters = code("mode = None  # where\nrounds = 3\nnames = ['a', 'b']", "parameters")
    expected = {"mode": None, "rounds": 3, "names": ["a", "b"]}
    assert notebooks.parameters(good(parameters=parameters)) == expected


@pytest.mark.parametrize("text", ["", "not json", "{}", '{"cells": 3}'])
def test_what_is_no_notebook_is_refused(tmp_path, text):
    path = tmp_path / "n.ipynb"
    path.write_text(text)
    with pytest.raises(notebooks.NotebookError, match="is not a notebook"):
        notebooks.read_notebook(path)
