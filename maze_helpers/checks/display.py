"""How a verdict looks in a notebook and in a terminal."""

import html

from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display

from maze_helpers.checks.verdicts import Done, DoneDifferently, Verdict

INK, GROUND = "#1d6b52", "#e8f4ef"
RED, PLAIN = "\x1b[1;31m", "\x1b[0m"


class CheckFailed(Exception):
    """A task is not done; a notebook shows the check's sentence, not the way to it."""

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows in place of a traceback."""
        return [f"{RED}{self}{PLAIN}"]


def show(task: str, verdict: Verdict) -> None:
    """Show the verdict of a task that is done; raise CheckFailed for any other."""
    text = f"{verdict.headline} · {task}: {verdict.sentence}"
    if not isinstance(verdict, Done | DoneDifferently):
        raise CheckFailed(text)
    box = (
        f'<div style="padding:.6em .9em;border-left:4px solid {INK};background:{GROUND};'
        f'color:#20262e"><b style="color:{INK}">{verdict.headline}</b> · {html.escape(task)}: '
        f"{html.escape(verdict.sentence)}</div>"
    )
    if InteractiveShell.initialized():
        display({"text/plain": text, "text/html": box}, raw=True)
    else:
        print(text)
