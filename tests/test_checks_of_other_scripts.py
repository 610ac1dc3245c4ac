"""Scripts as other people write them: the checks of the first two tasks take each for right."""

import pytest
from checked_work import assert_is
from other_scripts import IMPORTS, MAIN, TASK_1, TASK_1_DIFFERENT, TASK_2
from test_checks_of_scripts import check, write

from maze_helpers.checks import Done, DoneDifferently, NotYet

pytestmark = pytest.mark.slow


IN_A_FOLDER = "guarded main"


@pytest.mark.parametrize("name", sorted(TASK_1.keys() - {IN_A_FOLDER}))
def test_task_1_takes_a_script_of_somebody_elses(tmp_path, name):
    write(tmp_path, "train.py", IMPORTS + TASK_1[name])
    assert_is(check(1, tmp_path), Done, "ten digits")


def test_task_1_says_that_later_cells_look_elsewhere(tmp_path):
    write(tmp_path, "train.py", IMPORTS + TASK_1[IN_A_FOLDER])
    assert_is(check(1, tmp_path), DoneDifferently, "saves models/model.joblib", "ten digits")


@pytest.mark.parametrize("name", TASK_1_DIFFERENT)
def test_task_1_says_what_is_different(tmp_path, name):
    write(tmp_path, "train.py", IMPORTS + TASK_1_DIFFERENT[name])
    assert_is(check(1, tmp_path), DoneDifferently, "ten digits")


PRINTS_SCORES = "names of files as options"


@pytest.mark.parametrize("name", TASK_2)
def test_task_2_takes_a_script_of_somebody_elses(tmp_path, name):
    write(tmp_path, "src/train.py", IMPORTS + TASK_2[name] + MAIN)
    verdict = check(2, tmp_path)
    if name == PRINTS_SCORES:
        assert_is(verdict, Done, "ten digits")
    else:
        assert_is(verdict, DoneDifferently, "ten digits", "does not print precision")


@pytest.mark.parametrize(
    ("name", "old", "new", "other"),
    [
        ("weighted", '"F1 Score:", f', '"F1 Score:", p', "precision"),
        ("f1 of the two",
         '"f1": 2 * precision * recall / (precision + recall)', '"f1": recall', "recall"),
        ("report as a dict", "'f1': report['f1-score']", "'f1': report['precision']", "precision"),
        ("folds in this process", "name[5:-6]",
         "{'r': 'precision', 'p': 'recall'}.get(name[5], 'f1')", "recall"),
    ],
    ids=["weighted", "of the two", "dict", "folds"],
)  # fmt: skip
def test_task_1_finds_another_score_under_the_name(tmp_path, name, old, new, other):
    assert old in TASK_1[name]
    write(tmp_path, "train.py", IMPORTS + TASK_1[name].replace(old, new))
    assert_is(check(1, tmp_path), NotYet, f"is its {other}", step=2)
