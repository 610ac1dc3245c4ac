"""Hyperparameters as the entry point's command line."""

from __future__ import annotations

from typing import Any


def to_arguments(hyperparameters: dict[str, Any]) -> list[str]:
    """Return the arguments that a script gets, sorted by name.

    Example: {"n": 3, "rate": 0.1, "sizes": {"b": 2, "a": 1}} gives
    ["-n", "3", "--rate", "0.1", "--sizes", "a=1,b=2"].
    A list is written as Python shows it, "[1, 2]"; true is "True" and null is "" (observed).
    """
    arguments = []
    for name in sorted(hyperparameters):
        arguments += [_option(name), _value(hyperparameters[name])]
    return arguments


def _option(name: str) -> str:
    if not name:
        return ""
    return ("-" if len(name) == 1 else "--") + name


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{key}={item}" for key, item in sorted(value.items()))
    return "" if value is None else str(value)
