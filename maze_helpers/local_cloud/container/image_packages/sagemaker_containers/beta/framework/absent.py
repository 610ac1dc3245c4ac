"""A module of the library that can be imported, but is not here."""

from __future__ import annotations

from types import ModuleType
from typing import Any


class Absent(ModuleType):
    """Stands for a module that scripts import without using it."""

    def __getattr__(self, name: str) -> Any:
        """Say that there is no such thing."""
        raise AttributeError(
            f"The local cloud has no sagemaker_containers.beta.framework.{self.__name__}.{name}: "
            "of that library it has content_types, encoders, env, errors and worker."
        )
