"""The bonus track's project is what its notebook writes, and stays what somebody made of it."""

import ast

import pandas as pd
import pytest

from maze_helpers import data, project

SCRIPTS = {"train.py", "inference.py", "model.py", "utils.py", "requirements.txt"}


def test_the_notebook_holds_the_scripts(tmp_path):
    assert {path.name for path in project.write(tmp_path).iterdir()} == SCRIPTS


def test_the_scripts_are_python_and_need_nothing_of_ours(tmp_path):
    for path in project.write(tmp_path).glob("*.py"):
        imported = {
            getattr(node, "module", None) or node.names[0].name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
        }
        assert not any(name.startswith("maze_helpers") for name in imported)


def test_a_script_that_somebody_changed_stays(tmp_path):
    changed = project.write(tmp_path) / "train.py"
    changed.write_text("print('mine')")
    (tmp_path / "scripts/model.py").unlink()
    project.write(tmp_path)
    assert changed.read_text() == "print('mine')"
    assert (tmp_path / "scripts/model.py").exists()


@pytest.mark.parametrize("count", [None, 2])
def test_the_dataset_is_the_utterances_or_the_first_of_each_intent(tmp_path, count):
    for path, given in zip(project.write_dataset(count, tmp_path), data.intents(), strict=True):
        written = pd.read_csv(path)
        expected = given if count is None else given.groupby("intent").head(count)
        assert written.equals(expected.reset_index(drop=True))
        assert count is None or (written["intent"].value_counts() == count).all()
