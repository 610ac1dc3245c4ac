"""Why a model server does not come up: one sentence for whoever started the container.

It goes to the file that MAZE_FAILURE_FILE names, if that is set, and is taken away again once a
model is loaded.
"""

from __future__ import annotations

import contextlib
import os

FILE_VARIABLE = "MAZE_FAILURE_FILE"
# A reason is to be read in one glance.
LONGEST = 700
MOST_NAMES = 20


class ServingError(Exception):
    """The model server cannot start, for a reason that its owner can mend; the text says which."""


def report(sentence: str) -> None:
    """Write the sentence, whole or not at all, in place of an earlier one."""
    path = os.environ.get(FILE_VARIABLE)
    if not path:
        return
    text = " ".join(sentence.split())
    if len(text) > LONGEST:
        text = text[: LONGEST - 1] + "…"
    draft = f"{path}.{os.getpid()}"
    with open(draft, "w", encoding="utf-8", errors="replace") as file:
        file.write(text)
    os.replace(draft, path)


def is_reported() -> bool:
    """Return whether there is a sentence already."""
    path = os.environ.get(FILE_VARIABLE)
    return bool(path and os.path.exists(path))


def withdraw() -> None:
    """Take an earlier sentence away: the server is up."""
    path = os.environ.get(FILE_VARIABLE)
    if path:
        # Another worker, which is up as well, may do the same.
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)


def listing(folder: str) -> str:
    """Return what files a folder holds, as text; the first names of many.

    Example: "inference.py, helpers/x.py", or "nothing".
    """
    names = sorted(_files(folder), key=lambda name: (name.count("/"), name))
    if len(names) > MOST_NAMES:
        names = [*names[:MOST_NAMES], f"and {len(names) - MOST_NAMES} more"]
    return ", ".join(names) or "nothing"


def _files(folder: str) -> list[str]:
    return [
        os.path.relpath(os.path.join(parent, name), folder)
        for parent, _, names in os.walk(folder)
        for name in names
        if not name.endswith(".pyc")
    ]
