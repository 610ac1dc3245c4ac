"""One thing that was found out about an archive, and how the findings are shown."""

from collections.abc import Iterable
from dataclasses import dataclass

OK, WARNING, BROKEN = "ok", "warning", "broken"
COLOURS = {OK: "green", WARNING: "yellow", BROKEN: "red"}


@dataclass(frozen=True)
class Finding:
    """level: ok; warning, for what may go wrong; broken, for what no endpoint will serve.

    what: one sentence. fix: what to do, empty where nothing is to be done.
    """

    level: str
    what: str
    fix: str = ""


def show(findings: Iterable[Finding]) -> None:
    """Print the findings, readable without colours."""
    from rich.console import Console
    from rich.text import Text

    lines = Text()
    for finding in findings:
        lines.append(f"{finding.level:<8}", COLOURS[finding.level])
        lines.append(f"{_one_line(finding.what)}\n")
        if finding.fix:
            lines.append(f"        → {_one_line(finding.fix)}\n")
    # At once: a notebook begins a new paragraph with each print.
    Console(highlight=False, soft_wrap=True).print(lines, end="")


def _one_line(text: str) -> str:
    """Return a text whose names, which come from the archive, cannot move a terminal's cursor."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
