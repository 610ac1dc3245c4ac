"""DIFFERENCES.md: what the code says of AWS is in it, and what it says is so."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CODE = ROOT / "maze_helpers" / "local_cloud"
DOCUMENT = (ROOT / "DIFFERENCES.md").read_text()
DIFFERENCES, _, GUESSES = DOCUMENT.partition("\n## Guesses\n")
ROWS = [row for row in DIFFERENCES.splitlines() if row.startswith("| ") and "`" in row]
MODULE = re.compile(r"`([\w/]+\.py)`")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def cells_of(row: str) -> list[str]:
    """Return a row's cells: what differs, why, where in the code, and the test."""
    return [cell.strip() for cell in row.strip("|").split("|")]


def modules_that_say(words: str) -> Counter[str]:
    """Return how often each module of the local cloud says something of AWS."""
    found = {
        path.relative_to(CODE).as_posix(): len(re.findall(words, path.read_text(), re.IGNORECASE))
        for path in CODE.rglob("*.py")
    }
    return Counter({module: count for module, count in found.items() if count})


def named_tests(path: Path) -> set[str]:
    """Return the names of a file's tests, also of those in classes."""
    tree = ast.parse(path.read_text())
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return {node.name for node in functions if node.name.startswith("test_")}


def test_each_departure_that_the_code_tells_of_has_a_row_and_each_row_its_departure():
    listed = Counter(MODULE.fullmatch(cells_of(row)[2])[1] for row in ROWS)
    assert listed == modules_that_say("Differs from AWS")


def test_each_module_that_guesses_is_named_and_no_other():
    assert set(MODULE.findall(GUESSES)) == set(modules_that_say(r"\bguess(es|ed)?\b"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:50])
def test_a_row_has_a_reason_and_a_test_that_is_there(row):
    what, why, code, test = cells_of(row)
    assert what.endswith(".") and why.endswith(".")
    assert (CODE / MODULE.fullmatch(code)[1]).is_file()
    file, name = TEST.fullmatch(test).groups()
    assert name in named_tests(ROOT / file)


def test_the_readme_leads_to_it():
    assert "(DIFFERENCES.md)" in (ROOT / "README.md").read_text()
