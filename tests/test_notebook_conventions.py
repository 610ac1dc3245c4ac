"""Every notebook keeps the conventions, and every rule notices when it is broken."""

import nbformat
import notebook_rules as rules
import pytest

from maze_helpers import notebooks, runner
from maze_helpers.notebooks import Question

PROSE = "Every digit counts the same here, however often it turns up in the data that you hold."
NOTEBOOKS = sorted(runner.ROOT.glob("chapter_*/*/*.ipynb"))


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=notebooks.name_of)
def test_the_notebook_keeps_the_rule(path, rule):
    assert list(rule(notebooks.read_notebook(path))) == []


def test_there_are_notebooks():
    assert len(NOTEBOOKS) >= 4


def markdown(source, *tags):
    return nbformat.v4.new_markdown_cell(source, metadata={"tags": list(tags)})


def code(source, *tags):
    return nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)})


def good(**replaced):
    """Return a notebook that keeps every rule; cells can be replaced by name."""
    cells = {
        "parameters": code("mode = None", "parameters"),
        "goal": markdown(PROSE),
        "work": code("model = fit()", "work"),
        "check": code("checks.chapter_1.task_1()", "check"),
        "question": markdown("## Where does it train?", "question"),
        "answer": code("print(platform.node())", "answer"),
        "explained": markdown(PROSE, "answer"),
        "cleanup": code("cleanup.clean(maze.boto_session)", "cleanup"),
    } | replaced
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [cell for cell in cells.values() if cell is not None]
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
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
