"""The part of a traceback that is about the user's code."""

from __future__ import annotations

import os
from types import TracebackType

_OWN_FOLDER = os.path.dirname(os.path.abspath(__file__))


def user_frames(error: BaseException) -> TracebackType | None:
    """Return an error's traceback from the user's code on; all of it where it never got there."""
    frames = error.__traceback__
    while frames and _is_own(frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    return frames or error.__traceback__


def _is_own(file_name: str) -> bool:
    return file_name.startswith((_OWN_FOLDER, "<frozen importlib")) or file_name.endswith(
        os.path.join("importlib", "__init__.py")
    )
