"""Calls a user's function with the context where it takes one, as sagemaker-inference does."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any


def call(function: Callable[..., Any], context: Any, *arguments: Any) -> Any:
    """Return what a function returns for its arguments, and the context if it takes one more.

    Raises: TypeError, with the toolkit's words, if it takes any other number.
    """
    taken = len(signature(function).parameters)
    if taken == len(arguments):
        return function(*arguments)
    if taken == len(arguments) + 1:
        return function(*arguments, context)
    raise TypeError(f"{function.__name__} takes {taken} arguments but {len(arguments)} were given.")
