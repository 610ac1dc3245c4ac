"""The glossary: its terms are in order, its links lead somewhere, and its notebooks use them."""

import re
from pathlib import Path

import pytest

from maze_helpers import notebooks, tasks

ROOT = Path(__file__).parents[1]
GLOSSARY = (ROOT / "GLOSSARY.md").read_text(encoding="utf-8")
ENTRIES = dict(
    re.findall(r"^### (.+?)\n\n(.+?)(?=\n+###|\s*\Z)", GLOSSARY, re.MULTILINE | re.DOTALL)
)
LINK = re.compile(r"\]\(([^)]+)\)")


def names(term: str) -> list[str]:
    """Return what a term is called: 'Role, execution role (`get_execution_role`)' has 3 names."""
    return [name.strip(" `").lower() for name in re.split(r"[(),]", term) if name.strip()]


def text_of(path: Path) -> str:
    """Return all that a notebook says, in small letters and without line breaks."""
    sources = [cell.source for cell in notebooks.read_notebook(path).cells]
    return re.sub(r"\s+", " ", "\n".join(sources)).lower()


def test_every_term_has_an_entry_of_its_own():
    assert len(ENTRIES) == GLOSSARY.count("\n### ") >= 40
    called = [name for term in ENTRIES for name in names(term)]
    assert len(set(called)) == len(called)


def test_the_terms_are_in_alphabetical_order():
    assert list(ENTRIES) == sorted(ENTRIES, key=names)


@pytest.mark.parametrize("term", ENTRIES)
def test_an_entry_explains_itself_in_two_sentences_or_so(term):
    explanation = ENTRIES[term].split("\n")[0]
    assert 10 <= len(explanation.split()) <= 50
    assert explanation.endswith(".")


@pytest.mark.parametrize("link", sorted(set(LINK.findall(GLOSSARY))))
def test_a_link_leads_to_a_task_as_it_does_in_an_edition_or_to_a_page_of_https(link):
    worked = [f"{task.name}/{task.notebook}" for task in tasks.TASKS]
    assert link in worked or link.startswith("https://")


@pytest.mark.parametrize("term", ENTRIES)
def test_the_notebook_where_a_term_first_matters_uses_it(term):
    [notebook] = re.findall(r"[(`]([\w/]+\.ipynb)[)`]", ENTRIES[term])
    said = text_of(ROOT / notebook)
    assert any(re.search(rf"\b{re.escape(name)}", said) for name in names(term))


def test_words_are_told_from_aliases():
    assert names("Role, execution role (`get_execution_role`)") == [
        "role",
        "execution role",
        "get_execution_role",
    ]
