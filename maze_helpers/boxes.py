"""Boxes with a headline: what a learner is shown, in a notebook, on a terminal and as plain text.

Texts may have `code` between backticks; what is below the first text is Markdown.
"""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from rich.console import Console
    from rich.text import Text

CODE = r"`[^`\n]+`"
# Translucent, so that light and dark themes keep their ground and their ink.
LINE = "rgba(127,127,127,.4)"
FRAME = (
    f"border:1px solid {LINE};border-left:5px solid {{colour}};border-radius:4px;"
    "padding:.6em .9em;margin:.3em 0;max-width:60em;line-height:1.5"
)
BADGE = (
    "background:{colour};color:#fff;border-radius:3px;padding:.15em .55em;margin-right:.5em;"
    "font-weight:600;white-space:nowrap"
)
BELOW = f"margin-top:.6em;padding-top:.5em;border-top:1px solid {LINE}"


# Grounds of headlines: white is legible on each, which a terminal's own colours do not promise.
GREY, AMBER, GREEN = "#5b6670", "#945200", "#1d6b52"
TEAL, RED, BLUE = "#0b6478", "#a3293d", "#3b57a8"


@dataclass(frozen=True)
class Below:
    """What a box has below its text, as Markdown. label: such as "Hint 1 of 3"; "" for none."""

    label: str
    markdown: str

    @property
    def plain(self) -> str:
        """The label, if there is one, and the text."""
        return f"{self.label}\n{self.markdown}".strip()

    @property
    def html(self) -> str:
        """The label and the text as HTML."""
        label = f"<b>{inline_html(self.label)}</b>" if self.label else ""
        # A page's own margins would leave a gap at the bottom of the box.
        text = _markdown().render(self.markdown).replace("<p>", '<p style="margin:.2em 0">')
        return f'<div style="{BELOW}">{label}{text}</div>'


@dataclass(frozen=True)
class Box:
    """A box. about: what it is about, such as "chapter 1, task 3".

    colour: of the headline's ground, one of the above. text: one sentence; "" for none.
    """

    colour: str
    headline: str
    about: str
    text: str
    below: tuple[Below, ...] = ()

    @property
    def line(self) -> str:
        """The box without what is below its text, in one line."""
        return f"{self.headline} · {self.about}" + (f": {self.text}" if self.text else "")

    @property
    def plain(self) -> str:
        """The box as plain text."""
        return "\n\n".join([self.line, *(part.plain for part in self.below)])

    @property
    def html(self) -> str:
        """The box as HTML, legible on any ground."""
        text = f'<div style="margin-top:.4em">{inline_html(self.text)}</div>' if self.text else ""
        below = "".join(part.html for part in self.below)
        return (
            f'<div style="{FRAME.format(colour=self.colour)}">'
            f'<span style="{BADGE.format(colour=self.colour)}">{html.escape(self.headline)}</span>'
            f"{inline_html(self.about)}{text}{below}</div>"
        )

    def print(self, console: Console) -> None:
        """Print the box on a terminal with colours, as plain text elsewhere."""
        if not console.is_terminal:
            console.print(self.plain, markup=False, highlight=False, soft_wrap=True)
            return
        from rich.padding import Padding
        from rich.text import Text

        console.print(badge(self.headline, self.colour).append(f" {self.about}"))
        parts = [with_code(self.text)] if self.text else []
        for below in self.below:
            parts += [Text(), Text(below.label, "bold")] if below.label else [Text()]
            parts.append(with_code(below.markdown.strip()))
        for part in parts:
            console.print(Padding(part, (0, 2)), highlight=False)


def badge(headline: str, colour: str) -> Text:
    """Return a headline for a terminal, on its ground."""
    from rich.text import Text

    return Text.assemble((f" {headline} ", f"bold #ffffff on {colour}"))


def with_code(text: str) -> Text:
    """Return the text for a terminal, with `code` in bold."""
    from rich.text import Text

    styled = Text(text)
    styled.highlight_regex(CODE, "bold")
    return styled


def show(box: Box) -> None:
    """Show the box: in the cell of a notebook, else on standard output."""
    show_as({"text/plain": box.plain, "text/html": box.html}, box.print)


def show_as(formats: dict[str, str], to_terminal: Callable[[Console], None]) -> None:
    """Show what a cell's output is, by its media types, in IPython; else print to a console."""
    if in_ipython():
        from IPython.display import display

        display(formats, raw=True)
    else:
        from rich.console import Console

        to_terminal(Console())


def in_ipython() -> bool:
    """Return whether this process is a notebook's kernel, or IPython on a terminal."""
    if "IPython" not in sys.modules:
        return False
    from IPython.core.interactiveshell import InteractiveShell

    return InteractiveShell.initialized()


def inline_html(text: str) -> str:
    """Return the sentence as HTML: all that is marked is `code`, so that names keep their stars."""
    return re.sub(CODE, lambda code: f"<code>{code[0][1:-1]}</code>", html.escape(text, False))


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    # HTML in the Markdown is shown, not obeyed.
    return MarkdownIt("commonmark", {"html": False})
