"""Finding work in the cloud: which candidate comes first, and which one counts."""

import pytest

from maze_helpers.checks import DoneDifferently, Missing
from maze_helpers.checks.found import LOOKED_AT, Candidate, first_right, in_turn


def test_names_as_told_come_first_and_each_keeps_its_order():
    names = ["mine", "maze-task-3-b", "maze-digits-1", "other", "maze-task-3-a"]
    told = ["maze-task-3-b", "maze-task-3-a", "mine", "other"]
    assert in_turn(iter(names), "maze-task-3") == told


def test_only_the_newest_are_looked_at():
    names = [f"maze-task-3-{i}" for i in range(100)] + [f"mine-{i}" for i in range(100)]
    assert len(in_turn(names, "maze-task-3")) == 2 * LOOKED_AT


def judge(candidate: Candidate) -> str | DoneDifferently:
    if candidate.described.get("wrong"):
        raise Missing(f"{candidate.name} is wrong.", 2)
    return f"{candidate.name} is right."


def candidate(name: str, wrong: bool = False) -> Candidate:
    return Candidate(name, {"wrong": wrong}, name.startswith("told"))


def test_the_first_that_is_right_counts_even_if_a_newer_one_is_wrong():
    found = first_right([candidate("told-2", wrong=True), candidate("told-1")], "told", judge)
    assert found == "told-1 is right."


def test_a_right_one_with_another_name_is_done_differently():
    found = first_right([candidate("told", wrong=True), candidate("mine")], "told", judge)
    assert isinstance(found, DoneDifferently)
    assert found.sentence.startswith("mine is right.")


def test_where_none_is_right_the_first_one_is_told_of():
    both = [candidate("told-2", wrong=True), candidate("told-1", wrong=True)]
    with pytest.raises(Missing, match="told-2 is wrong") as told:
        first_right(both, "told", judge)
    assert told.value.step == 2


def test_where_there_is_none_nothing_is_said():
    assert first_right([], "told", judge) is None
